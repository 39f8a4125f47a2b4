"""Who may import what (the table in ARCHITECTURE.md), read from the sources; nothing is imported to find out."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.fixtures.places import ROOT

PLAYER = {"torch", "numpy", "sentencepiece", "zstandard"}
REFEREE = {
    "yaml",
    "pydantic",
    "pydantic_core",
    "typer",
    "rich",
    "numpy",
    "scipy",
    "psutil",
    "sentencepiece",
    "huggingface_hub",
}
REPORTER = {"pandas", "jinja2", "rich", "pydantic"}
SCHEDULES = {
    "runner/backends/cluster.py",
    "runner/drive/gauges.py",
    "runner/backends/remote.py",
    "runner/backends/ray_backend.py",
}
STDLIB_ONLY = {"golf_model/config.py", "golf_model/shapes.py", "golf_model/sources.py"}
COMPOSITION_ROOT = "runner/cli.py"
REPORTER_READS = {
    "runner.record.files",
    "runner.results",
    "runner.statistics",
    "runner.files",
    "runner.errors",
    "runner.listing",
    "runner.audit.facts",
}


def sources(package: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py"))


def imported(source: str) -> set[str]:
    """Dotted names of everything a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: relative import"
            names.add(node.module or "")
    return names


def outside(names: set[str], package: str) -> set[str]:
    """Top-level names that are neither the standard library nor `package` itself."""
    tops = {name.split(".")[0] for name in names}
    return tops - sys.stdlib_module_names - {package}


@pytest.mark.parametrize("source", sources("golf_model"))
def test_the_player_knows_neither_referee_nor_reporter(source: str) -> None:
    assert outside(imported(source), "golf_model") <= PLAYER


@pytest.mark.parametrize("source", sorted(STDLIB_ONLY))
def test_what_the_referee_reads_of_the_player_is_stdlib_only(source: str) -> None:
    names = imported(source)
    assert outside(names, "golf_model") == set()
    inner = {name for name in names if name.startswith("golf_model")}
    assert {f"{name.replace('.', '/')}.py" for name in inner} <= STDLIB_ONLY


@pytest.mark.parametrize("source", sources("runner"))
def test_the_referee_never_imports_torch_or_pandas(source: str) -> None:
    names = imported(source)
    allowed = REFEREE | {"golf_model"}
    if source in SCHEDULES:
        allowed |= {"ray"}
    if source == COMPOSITION_ROOT:
        allowed |= {"reports"}
    assert outside(names, "runner") <= allowed
    player = {name for name in names if name.startswith("golf_model")}
    assert player <= {"golf_model.config", "golf_model.shapes", "golf_model.sources"}


@pytest.mark.parametrize("source", sources("reports"))
def test_the_reporter_sees_results_and_nothing_that_runs(source: str) -> None:
    names = imported(source)
    assert outside(names, "reports") <= REPORTER | {"runner"}
    assert {name for name in names if name.startswith("runner")} <= REPORTER_READS


@pytest.mark.parametrize("package", ["golf_model", "runner", "reports"])
def test_no_grab_bag_files(package: str) -> None:
    assert not {Path(source).stem for source in sources(package)} & {"utils", "helpers", "manager", "misc", "common"}
