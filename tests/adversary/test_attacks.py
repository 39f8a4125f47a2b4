"""Every attack by hand, and a few spoiled files of each kind; `make adversary` has 10,000 of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adversary.__main__ import attempts, run
from tests.adversary.attacks import ATTACKS, RIGHT
from tests.adversary.bounded import WRONG, Outcome, Worker
from tests.adversary.subjects import CASES, make_world

FILES = 150


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adversary")
    make_world(folder)
    return folder


@pytest.fixture(scope="module")
def worker(base: Path) -> Iterator[Worker]:
    made = Worker(base, 0)
    yield made
    made.close()


LONG = ("verify runs nothing", "flat twin")
"""Take ten seconds or more."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in ATTACKS]
)
def test_an_attack_by_hand_does_not_get_through(name: str, worker: Worker) -> None:
    found = worker.ask(name, 0)
    assert (found.answer, found.words) == (RIGHT, "")


def test_no_spoiled_file_brings_a_reader_down_or_is_taken_for_what_it_was(base: Path) -> None:
    found = run(base, [one for one in attempts(FILES, 0, []) if one[0] in CASES], 1)
    assert len(found) == FILES
    assert [one for one in found if one.answer in WRONG] == []
    assert {one.kind for one in found} == set(CASES)


def test_a_process_that_is_ended_is_told_and_another_takes_its_place(base: Path) -> None:
    worker = Worker(base, 1)
    assert worker.ask("ledger", 1).answer not in WRONG
    assert worker.process is not None
    worker.process.kill()
    assert isinstance(found := worker.ask("ledger", 1), Outcome)
    assert (found.answer, found.words) == ("traceback", "its process ended with -9")
    assert worker.ask("ledger", 1).answer not in WRONG
    worker.close()
