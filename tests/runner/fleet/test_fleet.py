"""Past runs to facts of their nodes: which is slow, what a score at equal steps is, what is read and what is not."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from reports.terminal.fleet import terminal_fleet
from runner.errors import UserError
from runner.fleet.facts import FleetFacts
from runner.fleet.fleet import fleet_of
from runner.fleet.warnings import known_before
from runner.folder.ledger import Ledger
from runner.results.nodes import NodeReport, Probe
from runner.results.runs import RunResult
from tests.fixtures.results import run_result

SLOPE = -0.5
"""Bits per byte for a natural log of steps."""


def seed(run: Path, number: int, node: str, steps: int, bpb: float, hardware: str = "cpu") -> None:
    """A completed seed as a run keeps it."""
    result = run_result(number)
    assert result.host is not None
    assert result.final_score is not None
    made = result.model_copy(
        update={
            "host": result.host.model_copy(update={"node": node, "hardware": hardware}),
            "log": result.log.model_copy(update={"steps": steps, "step_avg_ms": 60_000 / steps}),
            "final_score": result.final_score.model_copy(update={"val_bpb": bpb}),
        }
    )
    keep(run, number, made)


def keep(run: Path, number: int, result: RunResult) -> None:
    place = run / "seeds" / str(number) / "attempt-1" / "result.json"
    place.parent.mkdir(parents=True)
    place.write_text(result.model_dump_json())
    (run / "job.json").write_text("{}")


def checked(run: Path, node: str, tflops: float, *, refused: bool = False) -> None:
    probe = Probe(
        device="X",
        torch="2",
        cuda=None,
        gemm_tflops=tflops,
        memory_gb_per_s=1.0,
        loader_tokens_per_s=1.0,
        all_reduce_gb_per_s=None,
    )
    report = NodeReport(
        node="id",
        host=node,
        hardware="cpu",
        gpus=[],
        memory_mib=1,
        disk_free_gib=1.0,
        torch=None,
        problems=[],
        probe=probe,
    )
    entry = {"node": "id", "report": report.model_dump(mode="json"), "refused": ["slow"] if refused else []}
    Ledger(run / "ledger.jsonl").append("checked", **entry)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Two jobs of four seeds on each of two nodes, of which `slow` makes a fifth fewer steps."""
    wobble = (0.0004, -0.0004, 0.0002, -0.0002)
    for job, level in (("one-00000001", 1.2), ("two-00000002", 2.5)):
        run = tmp_path / "runs" / job
        for number, noise in enumerate(wobble):
            for shift, node, steps in ((0, "fast", 1000), (10, "slow", 800)):
                made = steps + 10 * number
                bpb = level + SLOPE * (made / 1000 - 1) + noise
                seed(run, number + shift, node, made, bpb)
    checked(tmp_path / "runs" / "one-00000001", "fast", 2.0)
    checked(tmp_path / "runs" / "one-00000001", "slow", 1.6, refused=True)
    return tmp_path


def screen(found: FleetFacts) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(terminal_fleet(found))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_slow_node_is_told_and_so_is_its_score_at_equal_steps(output: Path) -> None:
    found = fleet_of([output])
    (kind,) = found.kinds
    fast, slow = kind.nodes
    assert (fast.host, slow.host, slow.seeds, slow.runs, slow.refused) == ("fast", "slow", 8, 2, 1)
    assert (fast.step.said, slow.step.said, slow.bpb.said) == ("lower", "higher", "higher")
    assert slow.bpb.estimate == pytest.approx(0.05, abs=1e-6)
    level = slow.at_equal_steps
    assert level.estimate is not None
    assert abs(level.estimate) < 0.01
    assert level.said == "as the others"
    assert slow.tflops == pytest.approx(1.6)
    assert slow.probe.said == "unknown"
    assert kind.slope is not None
    assert kind.slope.low < kind.slope.slope < kind.slope.high < 0


def test_the_screen_has_both_ends_of_every_interval(output: Path) -> None:
    said = screen(fleet_of([output]))
    rows = [line for line in said.splitlines() if line.startswith("slow")]
    assert rows == [line for line in rows if "+0.0500" in line and "-10.6 %" in line]
    assert rows[0].rstrip().endswith("slow")
    below = said.splitlines()[said.splitlines().index(rows[0]) + 1]
    assert "worse" in below
    assert (below.count(" to "), below.count("[unknown]")) == (3, 1)
    assert "never instead of it" in said


def test_a_plan_is_warned_of_a_node_that_was_slow(output: Path) -> None:
    (line,) = known_before(output, "cpu", ["slow", "fast", "new"])
    assert line.startswith("node slow, by earlier runs (golf fleet): its steps took longer than on other nodes, +")
    assert "in 8 seeds" in line
    assert known_before(output, "gpu", ["slow"]) == []
    assert known_before(output / "nowhere", "cpu", ["slow"]) == []


def test_few_seeds_are_unknown_not_fine(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one-00000001"
    seed(run, 1, "a", 1000, 1.2)
    seed(run, 2, "b", 1000, 1.3)
    found = fleet_of([tmp_path])
    assert [node.bpb.said for node in found.kinds[0].nodes] == ["unknown", "unknown"]
    assert found.kinds[0].scatter_bpb is None
    assert screen(found).count("[unknown]") == 4


def test_kinds_of_nodes_are_never_held_against_each_other(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one-00000001"
    seed(run, 1, "a", 1000, 1.2)
    seed(run, 2, "b", 100, 1.3, hardware="gpu")
    found = fleet_of([tmp_path])
    assert [kind.hardware for kind in found.kinds] == ["cpu", "gpu"]
    assert all(node.step.estimate is None for kind in found.kinds for node in kind.nodes)


def test_damaged_files_are_counted_and_a_seed_counts_once(output: Path) -> None:
    run = output / "runs" / "one-00000001"
    (run / "seeds" / "0" / "attempt-1" / "result.json").write_text("{")
    (run / "seeds" / "1" / "attempt-1" / "result.json").write_text(json.dumps({"seed": 1}))
    found = fleet_of([output, output, run])
    assert (found.results, found.unreadable > 0) == (14, True)
    assert "could not be read" in screen(found)


def test_no_folder_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there; give a folder of runs"):
        fleet_of([tmp_path / "x"])
    assert "no completed seed lies there" in screen(fleet_of([tmp_path]))
