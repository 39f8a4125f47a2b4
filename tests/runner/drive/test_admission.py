"""Nodes that a run has seen: a slow one is refused, also by the driver that goes on, and idle time is counted."""

from __future__ import annotations

from pathlib import Path

from runner.drive.admission import NodesSeen
from runner.folder.ledger import Ledger, check_chain
from runner.folder.paths import RunFolder
from runner.results.nodes import NodeReport
from tests.runner.node.test_node_check import PROBE


def test_speeds_are_kept_in_the_ledger_and_known_to_the_driver_that_goes_on(tmp_path: Path) -> None:
    folder, said = RunFolder(tmp_path / "run"), list[str]()

    def seen() -> NodesSeen:
        return NodesSeen(Ledger(folder.ledger), said.append)

    def report(tflops: float, hardware: str = "h100x1", *problems: str) -> NodeReport:
        probe = PROBE.model_copy(update={"gemm_tflops": tflops})
        told = {"node": "n", "host": "h", "gpus": [], "memory_mib": 1, "disk_free_gib": 9.0, "torch": "2.13.0"}
        return NodeReport.model_validate({**told, "hardware": hardware, "problems": problems, "probe": probe})

    first = seen()
    for tflops in (700.0, 710.0):
        assert first.admit(report(tflops)) == []
    assert first.admit(report(1.0)) == [], "before there are three, how it compares is not known"
    assert first.admit(report(900.0, "h100x1", "no disk")) == ["no disk"]
    second = seen()
    assert [probe.gemm_tflops for probe in second.probes["h100x1"]] == [700.0, 710.0, 1.0]
    slow = "gemm_tflops 594 is 15% under the median 700 of 3 probes"
    assert second.admit(report(594.0)) == [slow]
    assert second.admit(report(1.0, "gpu")) == [], "another kind of node"
    assert [len(probes) for probes in seen().probes.values()] == [3, 1]
    refused = [entry["refused"] for entry in check_chain(folder.ledger)]
    assert [bool(reasons) for reasons in refused] == [False, False, False, True, True, False]
    assert said == ["node h is refused: no disk", f"node h is refused: {slow}"]


def test_idle_time_is_that_since_the_last_seed_where_no_other_runs(tmp_path: Path) -> None:
    now = 10.0
    nodes = NodesSeen(Ledger(RunFolder(tmp_path / "run").ledger), lambda line: None, lambda: now)
    assert nodes.begun("a") is None, "its first"
    nodes.idle_from_now("a")
    nodes.ended("a")
    now = 12.5
    assert nodes.begun("a") == 2.5
    assert nodes.begun("a") is None, "another runs there"
    assert nodes.begun("b") is None, "another node's first"
