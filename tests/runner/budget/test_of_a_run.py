"""A run with a budget: it stops before the launch that would exceed it, and goes on once that is raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend
from runner.drive.assess import JudgedRun
from runner.drive.collect import Collector
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from runner.plan.plan import Plan
from tests.fixtures.fake_script import fake_script
from tests.runner.drive.test_run import Screen, plan_for, script_of, statuses

EACH_S = 25.0
"""Seconds that each attempt is said to have held its node; a try that uses up its limits has 40."""


@pytest.fixture(autouse=True)
def _held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Collector, "held_seconds", lambda self: EACH_S)


def planned(data: DataRequest, seconds: float, seeds: tuple[int, ...] = (1, 2), **more: Any) -> Plan:
    return plan_for(data, seeds, budget={"hours": seconds / 3600, **more})


def run(plan: Plan, root: Path, screen: Screen, behaviour: str = "good") -> JudgedRun:
    return run_plan(plan, script_of(fake_script(behaviour)), root, screen.console, LocalBackend)


def kinds(done: JudgedRun) -> list[str]:
    return [entry["kind"] for entry in check_chain(done.folder.ledger)]


def test_it_stops_before_the_seed_that_would_exceed_it_and_goes_on_when_raised(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    screen = Screen()
    done = run(planned(tiny_data, 45.0, warn_at=0.5), tmp_path, screen)
    assert statuses(done) == {1: "completed"}
    assert kinds(done).count("launched") == 1
    assert kinds(done)[-2:] == ["stopped", "published"]
    assert done.data.stopped.startswith("the next seed would exceed the budget of 0.0125 node-hours: ")
    assert done.data.verdict.status == "rejected"
    assert "seed 2 never ran" in str(done.data.verdict.reasons)
    assert "budget: 56% of 0.0125 node-hours is spent" in screen.text
    assert "never started: seed 2" in screen.text
    assert "seed 2 left to run: raise budget: in the job, and the same command goes on" in screen.text

    more = run(planned(tiny_data, 50.0), tmp_path, screen)
    assert more.folder.path == done.folder.path
    assert statuses(more) == {1: "completed", 2: "completed"}
    assert (kinds(more).count("launched"), more.data.stopped) == (2, "")


def test_what_a_failed_attempt_spent_counts(tiny_data: DataRequest, tmp_path: Path) -> None:
    screen = Screen()
    done = run(planned(tiny_data, 64.0, (1,)), tmp_path, screen, "crash")
    # A second try is taken to need 40 s, as none has completed: 65 with the 25 of the first.
    assert kinds(done).count("launched") == 1
    assert statuses(done) == {1: "failed"}
    assert "stopped: the next seed would exceed the budget" in screen.text
    assert "its limits used up" in done.data.stopped


def test_nothing_runs_and_nothing_is_judged_where_not_one_seed_fits(tiny_data: DataRequest, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"nothing has run: the next seed would exceed the budget of .* its limits us"
    ):
        run(planned(tiny_data, 39.0), tmp_path, Screen())
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "ledger.jsonl").exists()
