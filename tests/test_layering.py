"""The house: who may import whom, and where every module lives. Read from the sources; nothing is imported.

The rooms below are the only list of them that a machine reads; ARCHITECTURE.md draws the same ones for people.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.fixtures.places import ROOT

ROOMS: dict[str, tuple[str, ...]] = {
    "golf_model": ("process", "network", "quantization", "entropy_coding", "artifact", "scoring", "training"),
    "runner": (
        "results",
        *("logs", "data", "own_jobs", "compare", "budget", "sinks", "job", "judge", "folder", "sequential", "script"),
        *("audit", "lives", "node", "backends", "plan", "record", "fleet", "review", "live", "drive", "duel"),
        *("search", "serving", "top", "authoring", "doctor", "verbs", "cli"),
    ),
    "runner.audit": ("reading", "claims", "checks"),
    "runner.record": ("verification",),
    "runner.node": ("isolation",),
    "runner.drive": ("watch",),
    "runner.search": ("sweeps",),
    "runner.review": ("source", "run", "smoke", "prove", "labels", "library", "flow", "rules"),
    "reports": ("sections", "record", "across", "audit", "review", "terminal", "page"),
    "reports.page": ("record", "many", "live"),
}
"""Package -> its rooms; each may import those before it and never one after it."""
BENEATH = {"golf_model": ("config",)}
"""Rooms that even their package's floor stands on: they import nothing else of it."""
DOORS = {
    "golf_model": ("session", "main", "repack"),
    "runner": (),
    "runner.audit": ("audit",),
    "runner.record": ("verify", "reproduce"),
    "runner.node": ("node_check", "phase", "attempt"),
    "runner.drive": ("launching", "driver", "run", "execute"),
    "runner.search": (),
    "runner.review": ("review", "script_review", "smoke_review"),
    "reports": (),
    "reports.page": ("report",),
}
"""Modules of a package that may import all its rooms; its other modules are the floor that all rooms stand on."""
MOST_MODULES = 16

PLAYER = {"torch", "numpy", "sentencepiece", "zstandard"}
REFEREE = {
    *("yaml", "pydantic", "pydantic_core", "typer", "rich", "numpy", "scipy", "psutil", "sentencepiece"),
    *("huggingface_hub", "re2", "zstandard"),
}
REPORTER = {"pandas", "jinja2", "rich", "pydantic", "markdown_it", "markupsafe", "plotly", "matplotlib"}
SCHEDULES = {
    "runner/drive/watch/gauges.py",
    *(f"runner/backends/{name}.py" for name in ("cluster", "ray_backend", "ray_silence", "ray_tasks", "remote")),
}
SCREENS = {f"runner/top/{name}.py" for name in ("app", "screens", "kept_table")}
SINKS = {
    f"runner/sinks/{name}.py": library
    for name, library in (("tensorboard_sink", "tensorboardX"), ("wandb_sink", "wandb"), ("mlflow_sink", "mlflow"))
}
"""File -> the optional library that it alone imports, in a process of its own."""
SEARCHES = {f"runner/search/sweeps/{name}.py" for name in ("study", "plots")}
COMPOSITION_ROOTS = {
    "runner/__init__.py",
    *(f"runner/cli/{name}.py" for name in ("audits", "driving", "pages", "records", "runs", "searches")),
}
"""The doors: the command line, and what a notebook imports."""
REPORTER_READS = {
    f"runner.{name}"
    for name in (
        "record.files",
        "record.variants",
        "statistics",
        "files",
        "errors",
        "listing",
        "untrusted",
        "audit.facts",
        "compare.facts",
        "serving.facts",
        "search.sweeps.facts",
        "fleet.facts",
        "review.facts",
        "review.answers",
    )
}


def sources(package: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py"))


STDLIB_ONLY = {
    *sources("golf_model/config"),
    *(f"golf_model/{name}.py" for name in ("shapes", "sources", "script_parts")),
}


@cache
def imported(source: str) -> frozenset[str]:
    """Dotted names of everything a file imports, wherever in the file; modules of ours by their whole name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name for name in inner if is_module(name)} or {node.module or ""}
    return frozenset(names)


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def module_of(source: str) -> str:
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def outside(names: frozenset[str], package: str) -> set[str]:
    """Top-level names that are neither the standard library nor `package` itself."""
    tops = {name.split(".")[0] for name in names}
    return tops - sys.stdlib_module_names - {package}


def height(package: str, module: str) -> int | None:
    """How high in a package a module stands: -1 beneath, 0 on its floor, its rooms, its doors; None outside of it."""
    if not module.startswith(f"{package}."):
        return None
    first = module.removeprefix(f"{package}.").split(".")[0]
    rooms = ROOMS[package]
    if first in BENEATH.get(package, ()):
        return -1
    if first in rooms:
        return 1 + rooms.index(first)
    return 1 + len(rooms) + DOORS[package].index(first) if first in DOORS[package] else 0


def ours() -> Iterator[str]:
    for package in ("golf_model", "runner", "reports"):
        yield from sources(package)


@pytest.mark.parametrize("package", ROOMS)
def test_a_package_has_one_direction(package: str) -> None:
    upward = [
        f"{source} imports {name}"
        for source in sources(package.replace(".", "/"))
        for name in sorted(imported(source))
        if (low := height(package, module_of(source))) is not None
        and (high := height(package, name)) is not None
        and high > low
    ]
    assert upward == []


@pytest.mark.parametrize("package", ROOMS)
def test_every_folder_of_a_package_is_one_of_its_rooms_and_no_room_is_empty(package: str) -> None:
    folder = ROOT / package.replace(".", "/")
    there = {path.parent.name for path in folder.glob("*/*.py")}
    assert there == {*ROOMS[package], *BENEATH.get(package, ())}
    for room in there:
        text = ast.parse((folder / room / "__init__.py").read_text())
        assert ast.get_docstring(text), f"{folder.name}/{room}/__init__.py says nothing"
        assert len(text.body) == 1, f"{folder.name}/{room}/__init__.py does more than say what happens there"


def test_no_folder_has_more_modules_than_one_can_see_at_a_glance() -> None:
    folders: dict[str, int] = {}
    for source in ours():
        if not source.endswith("__init__.py"):
            folder = source.rpartition("/")[0]
            folders[folder] = folders.get(folder, 0) + 1
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_no_module_imports_itself_by_a_detour() -> None:
    asks = {module_of(source): imported(source) for source in ours()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' -> '.join((*trail, module))}"
        if module not in done:
            for name in sorted(asks[module] & asks.keys()):
                visit(name, (*trail, module))
            done.add(module)

    for module in sorted(asks):
        visit(module, ())


@pytest.mark.parametrize("package", ["golf_model", "runner", "reports"])
def test_tests_live_where_their_subject_lives(package: str) -> None:
    """A folder of tests beside no folder of the package is a sign that something moved alone."""
    there = {Path(source).parent.as_posix() for source in sources(package)}
    tested = {Path(source).parent.relative_to("tests").as_posix() for source in sources(f"tests/{package}")}
    assert tested <= there


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
    if source in SCREENS:
        allowed |= {"textual"}
    if source in SEARCHES:
        allowed |= {"optuna", "plotly"}
    if source in SINKS:
        allowed |= {SINKS[source]}
    if source in COMPOSITION_ROOTS:
        allowed |= {"reports"}
    assert outside(names, "runner") <= allowed
    player = {name for name in names if name.startswith("golf_model")}
    assert {f"{name.replace('.', '/')}.py" for name in player} <= STDLIB_ONLY


@pytest.mark.parametrize("source", sources("reports"))
def test_the_reporter_sees_results_and_nothing_that_runs(source: str) -> None:
    names = imported(source)
    assert outside(names, "reports") <= REPORTER | {"runner"}
    ours = {name for name in names if name.startswith("runner") and not name.startswith("runner.results.")}
    assert ours <= REPORTER_READS


@pytest.mark.parametrize("package", ["golf_model", "runner", "reports"])
def test_no_grab_bag_files(package: str) -> None:
    assert not {Path(source).stem for source in sources(package)} & {"utils", "helpers", "manager", "misc", "common"}


def test_the_picture_of_the_house_names_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    named = [(package, room) for houses in (BENEATH, ROOMS) for package, rooms in houses.items() for room in rooms]
    missing = [f"{package}: {room}" for package, room in named if f"`{room}/`" not in page]
    assert missing == []
