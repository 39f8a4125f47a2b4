"""Preflight on a node: what it lacks is said in words, a slow one is found, and a refused one runs nothing."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest

from runner.backends.backend import LocalBackend
from runner.drive.run import run_plan
from runner.errors import DataError, UserError
from runner.folder.ledger import check_chain
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest, open_requested
from runner.node.gpus import gpu_facts
from runner.node.node_check import CheckOrder, check_node, script_imports, slower_than
from runner.results.nodes import Probe
from tests.fixtures.fake_script import fake_script
from tests.runner.drive.test_run import Screen, plan_for, script_of, statuses

CPU = CheckOrder(PROFILES["cpu"], gpus=0, nproc=1, alone=False, imports=())
PROBE = Probe(
    device="NVIDIA H100 80GB HBM3",
    torch="2.13.0",
    cuda="13.0",
    gemm_tflops=700.0,
    memory_gb_per_s=2800.0,
    loader_tokens_per_s=1e9,
    all_reduce_gb_per_s=400.0,
)


def fake_smi(folder: Path, *lines: str) -> str:
    """A PATH on which nvidia-smi tells these lines, whatever it is asked."""
    folder.mkdir(exist_ok=True)
    script = folder / "nvidia-smi"
    script.write_text("#!/bin/sh\ncat <<'E'\n" + "".join(line + "\n" for line in lines) + "E\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def gpus(name: str, count: int, used: int = 0) -> list[str]:
    return [f"{name}, 81559, {used}, 580.1"] * count


def problems_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, alone: bool, *lines: str) -> list[str]:
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", *lines))
    hardware = PROFILES[name]
    order = CheckOrder(hardware, hardware.gpus, hardware.gpus, alone, imports=())
    return check_node(order, lambda: None).problems  # type: ignore[arg-type, return-value]


H100 = "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("name", "alone", "lines", "said"),
    [
        ("h100x8", True, gpus(H100, 8), None),
        ("h100x8", True, gpus(H100, 7), "nvidia-smi shows 7 GPUs, 8 are needed"),
        ("h100x8", True, gpus("NVIDIA H200", 8), "its GPUs are NVIDIA H200, not H100"),
        ("h100x1", True, gpus(H100, 1, used=20000), "GPU 0 has 61,559 of 81,559 MiB free: something else"),
        ("h100x1", False, gpus(H100, 1, used=20000), None),
        ("dgx-spark", True, ["NVIDIA GB10, [N/A], [N/A], 580.1"], None),
    ],
)
def test_gpus_are_held_to_the_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, alone: bool, lines: list[str], said: str | None
) -> None:
    found = problems_with(monkeypatch, tmp_path, name, alone, *lines)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize("said", ["[N/A]", "[Insufficient Permissions]", "[Not Supported]", ""])
def test_memory_that_is_not_told_is_unknown_and_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    line = f"{H100}, {said}, {said}, 580.1"
    assert problems_with(monkeypatch, tmp_path, "h100x1", True, line) == []
    (gpu,) = gpu_facts()
    assert (gpu.name, gpu.memory_mib, gpu.free_mib) == (H100, None, None)


def test_missing_packages_data_and_versions_are_named() -> None:
    def missing() -> object:
        raise DataError("no shards here")

    order = CheckOrder(PROFILES["cpu"], 0, 1, False, ("numpy", "no_such_thing"), ("nor_this", "numpy==0.1", "numpy"))
    problems = check_node(order, missing).problems  # type: ignore[arg-type]
    assert len(problems) == 4
    for said, part in zip(
        problems, ("has no no_such_thing", "nor_this", "the job requires 0.1", "no shards"), strict=True
    ):
        assert part in said


def test_only_imports_that_a_script_cannot_do_without_are_looked_for() -> None:
    source = (
        "import os, torch.nn as nn\nfrom numpy import array\nimport side\ntry:\n    import flash\nexcept E: pass\n"
    )
    assert script_imports(source + "def f():\n    import late\n", ["side"]) == ("torch", "numpy")
    assert script_imports("not python (") == ()


def test_a_node_is_slow_only_against_three_others() -> None:
    slow = PROBE.model_copy(update={"gemm_tflops": 500.0})
    assert slower_than(slow, [PROBE, PROBE]) is None
    assert slower_than(PROBE, [PROBE] * 3) == []
    (said,) = slower_than(slow, [PROBE] * 3) or []
    assert said == "gemm_tflops 500 is 29% under the median 700 of 3 probes"
    without = PROBE.model_copy(update={"all_reduce_gb_per_s": None})
    assert slower_than(without, [PROBE] * 3) == []


@pytest.mark.parametrize(("tflops", "slow"), [(595.0, False), (594.999, True), (805.0, False)])
def test_a_node_is_slow_beyond_the_share_that_it_may_fall_behind_and_never_for_being_fast(
    tflops: float, slow: bool
) -> None:
    found = slower_than(PROBE.model_copy(update={"gemm_tflops": tflops}), [PROBE] * 3)
    assert found is not None
    assert bool(found) is slow


def test_a_refused_machine_runs_nothing_and_says_why(tiny_data: DataRequest, tmp_path: Path) -> None:
    order = CheckOrder(PROFILES["cpu"], 0, 1, False, ("no_such_thing",))
    screen, script = Screen(), script_of(fake_script())
    plan = plan_for(tiny_data, (1,))
    with pytest.raises(
        UserError, match="nothing has run: this machine is refused: Python there has no no_such_thing"
    ):
        run_plan(plan, script, tmp_path, screen.console, partial(LocalBackend, check=order))
    assert "is refused: Python there has no no_such_thing" in screen.text
    ledger = next(tmp_path.glob("runs/*/ledger.jsonl"))
    assert [entry["kind"] for entry in check_chain(ledger)] == ["registered", "queued", "checked", "withdrawn"]
    assert statuses(run_plan(plan, script, tmp_path, screen.console)) == {1: "completed"}


def test_what_was_found_is_in_ledger_and_result(tiny_data: DataRequest, tmp_path: Path) -> None:
    backend = partial(LocalBackend, check=CPU)
    done = run_plan(plan_for(tiny_data), script_of(fake_script()), tmp_path, Screen().console, backend)
    for result in done.data.results:
        assert result.preflight is not None
        assert result.preflight.problems == []
        assert result.preflight.torch
    first, second = (result.idle_seconds for result in done.data.results)
    assert first is None
    assert second is not None
    assert 0 < second < 30


def test_the_probe_measures_this_machine(tiny_data: DataRequest) -> None:
    order = CheckOrder(PROFILES["cpu"], 0, nproc=2, alone=False, imports=("torch",), probe=True)
    report = check_node(order, lambda: open_requested(tiny_data))
    assert report.problems == []
    assert report.probe is not None
    figures = report.probe.model_dump(exclude={"device", "torch", "cuda"})
    assert all(value > 0 for value in figures.values())
    assert report.probe.device == "cpu"


def test_a_gpu_that_torch_cannot_use_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_data: DataRequest
) -> None:
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", *gpus(H100, 64)))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    order = CheckOrder(PROFILES["h100x1"], 1, 64, True, (), probe=True)
    (problem,) = check_node(order, lambda: open_requested(tiny_data)).problems
    assert re.search(r"the speed probe failed: torch sees \d+ of 64 GPUs", problem)
