"""Packages are looked for where the script will look for them, and not where golf itself was started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.node.packages import package_problems

HINT = " (PYTHONPATH is not handed on: install it, or put it beside the script, in files:)"


def test_a_module_that_is_loaded_without_a_place_is_there() -> None:
    assert package_problems(["__main__"], [], {}) == []


def test_missing_packages_and_other_versions_are_told() -> None:
    problems = package_problems(["numpy", "no_such"], ["nor_this", "pytest == 0.1", "numpy"], {})
    assert problems[:2] == [
        "Python there has no no_such, which the script imports",
        "package nor_this is not installed there, which the job requires",
    ]
    assert problems[2].startswith("package pytest is ")
    assert problems[2].endswith(" there, the job requires 0.1")
    assert len(problems) == 3


def test_what_only_golf_finds_by_its_pythonpath_or_folder_is_missing_for_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shim_of_ours.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    told = {**os.environ, "PYTHONPATH": str(tmp_path)}
    assert package_problems(["shim_of_ours"], [], told) == [
        f"Python there has no shim_of_ours, which the script imports{HINT}"
    ]


def test_a_python_that_does_not_start_is_a_problem_and_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/python")
    (problem,) = package_problems(["numpy"], [], {})
    assert problem == (
        "Python there could not be asked for its packages: [Errno 2] No such file or directory: '/no/python'"
    )
