"""How long a job still takes and what it costs: by its limits, and by seeds that have ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.backends.nodes import Need
from runner.budget.spec import BudgetSpec
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest
from runner.live.outlook import Running, Standing, Work, outlook, until, work_of
from tests.runner.drive.test_run import plan_for

WORK = Work(train_least=600, train_limit=600, eval_limit=600, setup=60, dollars_per_hour=36.0)  # a cent a second


def test_before_a_seed_has_ended_the_limits_bound_it() -> None:
    look = outlook(WORK, Standing(running=(Running(100.0, clock=40.0),)))
    assert look.left == (560.0, 560.0 + 15 + 600)
    assert look.by_seeds is False
    assert look.spent == pytest.approx(1.0)
    assert look.total == pytest.approx((1.0 + 5.6, 1.0 + 11.75))


def test_seeds_that_have_ended_say_how_long_one_takes() -> None:
    standing = Standing(
        running=(Running(100.0, 40.0), Running(300.0, 250.0)), waiting=1, took=(800.0, 1000.0), held=1800
    )
    look = outlook(WORK, standing)
    assert look.left == (1500.0, 1500.0)  # the one that waits begins in 600 s
    assert look.by_seeds is True
    assert look.spent == pytest.approx(22.0)
    assert look.total == pytest.approx((22 + 8 + 6 + 9, 22 + 8 + 6 + 9))


def test_a_seed_that_takes_longer_than_those_before_it_is_bound_by_the_limits_again() -> None:
    assert outlook(WORK, Standing((Running(950.0, 600.0, scoring=True),), took=(900.0,))).left == (0.0, 600.0)


def test_training_that_ends_by_steps_may_end_at_any_moment() -> None:
    work = Work(train_least=0, train_limit=50, eval_limit=20, setup=30)
    look = outlook(work, Standing((Running(5.0),)))
    assert look.left == (0.0, 100.0)
    assert (look.spent, look.total) == (None, None)  # no price is known


def test_without_knowing_how_many_run_at_a_time_the_end_is_not_known() -> None:
    assert outlook(WORK, Standing(waiting=3)).left is None
    assert outlook(WORK, Standing(waiting=3, slots=3)).left == (600.0, 1260.0)
    assert outlook(WORK, Standing()).left is None
    assert outlook(WORK, Standing(slots=3)).left is None
    assert outlook(WORK, Standing(unknown=1)).at_least is True


def test_what_is_not_free_now_may_become_free() -> None:
    standing = Standing((Running(100.0),), waiting=2, took=(400.0,), slots=3)
    assert outlook(WORK, standing).left == (400.0, 1100.0)  # all three at once, or one after the other


def test_seeds_that_wait_begin_as_soon_as_one_ends() -> None:
    assert until([10.0, 4.0], 3, 5.0, 2) == 15.0  # ends at 4, 9, 14 on one, at 10, 15 on the other
    assert until([], 4, 5.0, 2) == 10.0
    assert until([10.0], 0, 5.0, 1) == 10.0
    assert until([0.0] * 4, 100_000, 4.0, 4) == 100_000.0


def test_the_jobs_own_price_goes_before_the_profiles(tiny_data: DataRequest) -> None:
    rented = PROFILES["h100x1"]
    plan = replace(plan_for(tiny_data), hardware=rented, need=Need(rented, 1, 1))
    assert work_of(plan).dollars_per_hour == 2.7
    stated = BudgetSpec(dollars=5.0, dollars_per_hour=2.0)
    assert work_of(replace(plan, job=plan.job.model_copy(update={"budget": stated}))).dollars_per_hour == 2.0
    shared = replace(plan, hardware=PROFILES["h100x8"], need=Need(PROFILES["h100x8"], 1, 2))
    assert work_of(shared).dollars_per_hour == 20.0 * 2 / 8
