"""Fixtures that more than one test file uses."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from hypothesis import settings

from runner.backends.cluster import connect
from runner.backends.ray_environment import prepare_environment
from runner.job.open_data import DataRequest
from tests.fixtures.kept_record import keep_record
from tests.fixtures.places import ROOT
from tests.fixtures.tiny_data import make_tiny_data

settings.register_profile("fast", max_examples=100, deadline=None)
settings.register_profile("fuzz", max_examples=10_000, deadline=None)  # make fuzz
settings.register_profile("mutants", max_examples=40, deadline=None, derandomize=True)  # make mutants
settings.load_profile("fast")

SLOW_S = 3600.0
"""Seconds that a slow test may take; the others' limit stands in pyproject.toml."""


SHARED = ROOT.parent / "shared"
LONGEST = (
    "test_end_to_end.py",
    "runner/test_cli.py",
    "runner/drive/test_run.py",
    "golf_model/test_main.py",
    "adversary/test_attacks.py",
    "test_parity.py",
    "runner/node/test_sightings.py",
    "runner/job/test_external_script.py",
    "runner/folder/test_runs.py",
    "golf_model/artifact/test_fit.py",
    "runner/backends/test_ray_backend.py",
    "golf_model/entropy_coding/test_entropy.py",
    "golf_model/training/test_exchange.py",
)
"""Files of ten seconds and more, the longest first: begun last, one would run alone while a core waits for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first (`make test` tells xdist to keep the order); slow tests have a longer limit of time."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
    places = {str(ROOT / "tests" / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


def pytest_collection_finish() -> None:
    """Thousands of tests and the modules they import stay to the end: no collection need look through them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside the project; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference material: {SHARED.name}/ is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> DataRequest:
    """A tiny real data set, made once."""
    return make_tiny_data(tmp_path_factory.mktemp("tiny-data"))


@pytest.fixture(scope="session")
def kept_record(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A passed record beside its run folder; to be read, and copied where it is to be changed."""
    return keep_record(tiny_data, tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def kept_rejected(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record whose two processes disagree on the score."""
    return keep_record(tiny_data, tmp_path_factory.mktemp("rejected"), "disagree", (1,))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests use a cache of their own, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One Ray session for all tests that schedule."""
    prepare_environment(None)
    connect(None, cpus=4)
    yield
    ray.shutdown()
