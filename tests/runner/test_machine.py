"""A user without a home has one; a quota and an affinity are what a process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.machine import home_folder, usable_cpus
from tests.fixtures.places import ROOT


def test_a_user_whom_no_password_file_knows_has_a_home_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert home_folder() == Path.home()

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert home_folder().name == f"golf-home-{os.getuid()}"


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("max 100000", 4), ("150000 100000", 2), ("30000 100000", 1), ("800000 100000", 4), ("", 4), ("0 0", 4)],
)
def test_the_quota_of_a_control_group_counts(
    quota: str, cpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    told = tmp_path / "cpu.max"
    told.write_text(f"{quota}\n")
    with_quota = usable_cpus(told)
    assert with_quota == cpus
    assert usable_cpus(tmp_path / "absent") == 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to a processor")
def test_a_process_that_is_bound_to_one_processor_may_use_one() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from runner.machine import usable_cpus; print(usable_cpus())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
