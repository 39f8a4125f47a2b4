"""benchmarks/gpu.py: each step under its own limit, failures beside the rest; and (slow) all of it, on a CPU."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from benchmarks.gpu import Step, run, steps


def step(code: str) -> Step:
    return Step("trial", (sys.executable, "-c", code), 5)


def test_a_step_reports_its_last_line(tmp_path: Path) -> None:
    report = run(step("print('loading'); print('{\"ms\": 3}')"), tmp_path, 30)
    assert (report["ended"], report["found"]) == ("ok", {"ms": 3})


def test_a_step_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    report = run(step("print('so far'); raise SystemExit(7)"), tmp_path, 30)
    assert report["ended"] == "exit code 7"
    assert report["output"] == "so far\n"


def test_a_step_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    report = run(step(code), tmp_path, 1.0)
    assert report["ended"] == "over its limit of 1 s"
    assert report["seconds"] < 30


def test_the_steps_of_a_gpu_fit_their_budget_in_order_of_worth(tmp_path: Path) -> None:
    planned = steps("cuda", False, tmp_path)
    assert planned[0].name == "facts"
    assert len({one.name for one in planned}) == len(planned)
    assert sum(one.limit_s for one in planned[:5]) < 480


@pytest.mark.slow
def test_every_step_runs_to_its_end_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--tiny", "--out", str(tmp_path)])
    code = gpu.main()
    reports = json.loads((tmp_path / "gpu.json").read_text())
    assert {name: report["ended"] for name, report in reports.items()} == dict.fromkeys(reports, "ok"), reports
    assert code == 0
    assert reports["goldens"]["found"]["all_within"]
    assert reports["step pr372"]["found"]["table"][0]["ratio"] > 0
