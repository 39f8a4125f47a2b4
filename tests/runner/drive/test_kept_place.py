"""Jobs of one driver share the place that they run in."""

from __future__ import annotations

import pytest

from runner.backends.nodes import this_node
from runner.drive import execute
from runner.drive.execute import KeptPlace, Place, Where
from runner.verbs.loading import silent_terminal
from tests.fixtures.model_jobs import job


def test_a_place_is_opened_for_the_first_job_that_needs_it_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that joins a second Ray is refused by Ray."""
    opened: list[int | None] = []

    def open_place(where: Where, console: object, cpus: int | None = None) -> Place:
        opened.append(cpus)
        return execute._here()

    monkeypatch.setattr(execute, "open_place", open_place)
    cores = this_node().cpus
    wide = job().model_copy(update={"seeds": tuple(range(cores + 2)), "concurrent": cores + 2, "nproc": 1})
    kept = KeptPlace(Where(), silent_terminal(), [job(), wide])
    assert opened == []
    assert kept.open() is kept.open()
    assert opened == [(cores + 2) * wide.threads]  # as many CPUs as the widest of them wants
