"""Time and price: every part of a try, all seeds in their first, and all in their last."""

from __future__ import annotations

import pytest

from runner.backends.nodes import Node, node_of
from runner.job.hardware import PROFILES
from runner.job.load import load_job
from runner.plan.plan import Outline, make_outline
from runner.plan.run_time import job_time, price, try_time
from runner.plan.step_time import StepTime
from tests.fixtures.model_jobs import job
from tests.fixtures.places import JOBS

STEP = StepTime(10**12, 2.0, "a test", measured=True)
UNKNOWN = StepTime(10**12, None, "not known")


def planned(nodes: int = 1, **changes: object) -> Outline:
    fields = {"seeds": [1, 2, 3], "hardware": "cpu", "tries": 2, **changes}
    return make_outline(job(**fields), 1000, [Node(64, 0)] * nodes)


def with_schedule(**fields: object) -> Outline:
    return planned(config={"schedule": {"max_wallclock_seconds": 500, "warmup_steps": 5, **fields}})


def test_a_try_is_setup_warm_up_training_and_evaluation() -> None:
    one = try_time(with_schedule(), STEP)
    assert (one.setup, one.warm_up, one.training, one.evaluation, one.total) == (30, 10, 500, 60, 600)
    assert str(one) == "setup 30 s (a guess), warm-up about 10 s, training up to 500 s, evaluation up to 60 s"
    assert try_time(with_schedule(), UNKNOWN).warm_up is None
    assert try_time(with_schedule(), UNKNOWN).total == 590


def test_training_by_steps_takes_what_its_steps_do_and_at_most_the_limit() -> None:
    assert try_time(with_schedule(kind="steps", iterations=40), STEP).training == 80
    assert try_time(with_schedule(kind="steps", iterations=4000), STEP).training == 600
    assert try_time(with_schedule(kind="steps", iterations=40), UNKNOWN).training == 600


def test_on_a_gpu_compiling_takes_its_time() -> None:
    pod = PROFILES["h100x8"]
    plan = make_outline(load_job(JOBS / "baseline.yaml"), 1000, [node_of(pod)])
    assert try_time(plan, STEP).setup == 60


@pytest.mark.parametrize(
    ("nodes", "concurrent", "tries", "once", "every"),
    [
        (1, 1, 1, 300, 300),
        (1, 1, 3, 300, 900),
        (2, 1, 3, 200, 500),  # nine tries on two nodes: five rounds
        (1, 3, 3, 100, 300),
        (9, 1, 3, 100, 300),  # tries of a seed follow one another however many nodes there are
    ],
)
def test_all_seeds_take_as_many_rounds_as_the_nodes_need(
    nodes: int, concurrent: int, tries: int, once: float, every: float
) -> None:
    config = {"schedule": {"max_wallclock_seconds": 10, "warmup_steps": 0}}
    plan = planned(nodes, concurrent=concurrent, tries=tries, config=config)
    one = try_time(plan, UNKNOWN)
    assert one.total == 100
    took = job_time(plan, one)
    assert (took.once, took.every_try) == (once, every)
    assert took.basis == "each try: setup 30 s (a guess), training up to 10 s, evaluation up to 60 s"


def test_finished_seeds_say_better_how_long_a_good_try_takes() -> None:
    plan = planned()
    took = job_time(plan, try_time(plan, UNKNOWN), [80.0, 90.0])
    assert took.once == 3 * (85 + 15)
    assert took.every_try == 6 * 690
    assert took.basis == "a seed took 85 s here, mean of 2 finished seeds"


def test_the_price_is_that_of_the_nodes_in_use() -> None:
    plan = make_outline(load_job(JOBS / "pr102.yaml"), 1000, [node_of(PROFILES["h100x8"])] * 2)
    assert price(plan, [3600, 7200], 3) == (
        "about $40.00, up to $80.00 if every try is used, on 2 nodes at $20 an hour each (a guess)"
    )
    assert price(plan, [3600], 1) == "about $20.00 on 1 node at $20 an hour each (a guess)"
    assert price(planned(), [3600], 3) == ""
