"""Profiles: the same job small, by the clock or by steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.errors import UserError
from runner.job.load import load_job
from runner.job.profiles import SMALL_STEPS, with_profile
from tests.fixtures.places import JOBS


@pytest.mark.parametrize("name", ["baseline", "pr1606", "quickstart"])
def test_steps_is_small_with_as_many_steps_whatever_the_clock_says(name: str) -> None:
    job = load_job(JOBS / f"{name}.yaml")
    small, steps = with_profile(job, "small"), with_profile(job, "steps")
    assert (steps.config.schedule.kind, steps.config.schedule.iterations) == ("steps", SMALL_STEPS)
    assert steps.limits.train_seconds == 1200.0
    same = replace(steps.config, schedule=small.config.schedule, log=small.config.log)
    assert same == small.config
    assert steps.name == small.name == f"{name}-small"


def test_a_job_that_validates_in_mid_run_still_does_by_steps() -> None:
    assert with_profile(load_job(JOBS / "pr1606.yaml"), "steps").config.log.val_loss_every == 50
    assert with_profile(load_job(JOBS / "quickstart.yaml"), "steps").config.log.val_loss_every == 0


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError, match="--profile: the text 'step' is not one of small, steps"):
        with_profile(load_job(JOBS / "quickstart.yaml"), "step")
