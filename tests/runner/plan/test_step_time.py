"""How long a step takes: published speeds, a probe of this machine, and what is said of steps that take minutes."""

from __future__ import annotations

import json
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf_model.config.runtime import RuntimeConfig
from runner.job.hardware import PROFILES
from runner.job.load import load_job
from runner.job.spec import JobSpec, LimitsSpec
from runner.machine import usable_cpus
from runner.plan.step_time import (
    StepTime,
    cut_off,
    duration,
    few_steps,
    measured_speed,
    on_cpu,
    slow_step,
    speed_of,
    step_time,
    usual_steps,
    warm_up_steps,
)
from runner.results.nodes import Host
from tests.fixtures.model_jobs import job
from tests.fixtures.places import JOBS
from tests.fixtures.results import run_result

SPEED = {"float32": 0.05, "bfloat16": 0.1}
"""Of one thread, in 1e12 operations a second."""


def shipped(name: str) -> JobSpec:
    return load_job(JOBS / f"{name}.yaml")


def never() -> None:
    raise AssertionError("nothing was to be measured")


def test_a_step_on_gpus_is_as_fast_as_public_runs_were() -> None:
    """Logged: 43.5, 48.75, 83.3 and 13,890 ms."""
    for name, logged in (("baseline", 0.0435), ("pr102", 0.04875), ("pr102_head", 0.0833), ("pr1606", 13.89)):
        spec, hardware = shipped(name), PROFILES[shipped(name).hardware]
        step = step_time(spec, hardware, hardware.gpus, here=False, measure=never)
        assert step is not None
        assert step.seconds == pytest.approx(logged, rel=0.1)
        assert step.measured


def test_where_no_speed_is_known_none_is_made_up() -> None:
    step = step_time(shipped("baseline"), PROFILES["h200x8"], 8, here=False, measure=never)
    assert step is not None
    assert (step.seconds, step.basis) == (None, "how fast H200 trains is not known")
    elsewhere = step_time(shipped("baseline"), PROFILES["cpu"], 1, here=False, measure=never)
    assert elsewhere is not None
    assert (elsewhere.seconds, elsewhere.basis) == (None, "how fast its CPU trains is not known")
    assert usual_steps(shipped("baseline"), PROFILES["h200x8"], 8) is None


def test_a_small_step_is_not_worth_a_measurement() -> None:
    """The quickstart must not wait for a probe."""
    step = step_time(shipped("quickstart"), PROFILES["cpu"], 1, here=True, measure=never)
    assert step is not None
    assert (step.measured, step.basis) == (False, "quick on any CPU")
    assert slow_step(shipped("quickstart"), step) == cut_off(shipped("quickstart"), step) == ""


def test_a_large_step_takes_its_operations_over_the_threads_that_make_it() -> None:
    config = shipped("baseline").config
    step = on_cpu(config, 2, lambda: SPEED)
    assert step.operations == 524_288 * 130_575_360
    assert step.seconds == pytest.approx(step.operations / (0.8 * 0.1e12 * 2))
    assert step.basis == "80 GFLOP/s on each of 2 threads, by a probe of this machine"
    exact = on_cpu(replace(config, runtime=RuntimeConfig(precision="float32")), 2, lambda: SPEED)
    assert exact.seconds == pytest.approx(2 * (step.seconds or 0))
    assert speed_of({"float32": 0.05}, RuntimeConfig()) == 0.05
    assert on_cpu(config, 2, lambda: None).seconds is None


def job_with(
    *, kind: str = "wallclock", steps: int = 40, warm_up: int = 20, every: int = 200, **more: Any
) -> JobSpec:
    schedule = {"kind": kind, "iterations": steps, "warmup_steps": warm_up, "max_wallclock_seconds": 600}
    return job(config={"schedule": schedule, "log": {"train_log_every": every}}, **more)


def test_a_run_of_slow_steps_is_told_what_it_comes_to() -> None:
    step = StepTime(68_459_094_343_680, 240.0, "a test", measured=True)
    assert slow_step(job_with(), step) == (
        "a step takes about 240 s here (6.85e+13 FLOPs at a test); 20 warm-up steps take about 80 min; "
        "the 600 s of training hold about 2 steps; --profile small rehearses the job in about a minute"
    )
    assert slow_step(job_with(kind="steps", warm_up=0), step) == (
        "a step takes about 240 s here (6.85e+13 FLOPs at a test); 40 steps take about 2.7 h; "
        "--profile small rehearses the job in about a minute"
    )
    assert slow_step(job_with(), replace(step, seconds=29.0)) == ""
    assert slow_step(job_with(), replace(step, measured=False)) == ""


@pytest.mark.parametrize(
    ("changes", "seconds", "said"),
    [
        ({"warm_up": 0}, 301.0, "a step is longer than golf lets a script be silent, 300 s: raise stall_seconds"),
        ({"warm_up": 0, "stall_seconds": 0}, 301.0, ""),
        ({}, 60.0, "a warm-up of about 20 min is longer than golf waits for training, 15 min: lower config."),
        (
            {"warm_up": 0, "steps": 20_000},
            2.0,
            "a line comes every 200 steps, about 400 s, and golf lets a script be silent for 300 s: raise stall_",
        ),
        ({"warm_up": 0, "steps": 20_000, "stall_seconds": 500}, 2.0, ""),
        ({"warm_up": 0, "steps": 20}, 2.0, ""),  # over before it has been silent for so long
    ],
)
def test_golf_says_beforehand_that_it_would_end_a_seed(changes: dict[str, Any], seconds: float, said: str) -> None:
    found = cut_off(job_with(**changes), StepTime(1, seconds, "a test", measured=True))
    assert found.startswith(said)
    assert bool(found) is bool(said)


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_job_would_be_ended_by_golf_itself_on_its_own_hardware(path: Path) -> None:
    """PR #1606's steps of 14 s are logged every 100: its job lets it be silent for so long."""
    spec = load_job(path)
    hardware = PROFILES["cpu" if spec.hardware == "auto" else spec.hardware]
    step = step_time(spec, hardware, hardware.gpus or 1, here=True, measure=never)
    assert step is not None
    assert cut_off(spec, step) == ""


def host_of(hardware: str) -> Host:
    host = run_result().host
    assert host is not None
    return host.model_copy(update={"hardware": hardware, "nproc": 1})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            69,
            (
                "seed 1337 made 69 steps, where about 160 steps are usual on a CPU: was the machine busy? "
                "A slow one needs longer: raise config.schedule.max_wallclock_seconds and limits.train_seconds."
            ),
        ),
        (90, ""),
        (None, ""),
    ],
)
def test_a_run_of_few_steps_asks_whether_the_machine_was_busy(made: int | None, said: str) -> None:
    log = run_result().log.model_copy(update={"steps": made})
    host = host_of("cpu")
    assert few_steps(shipped("quickstart"), [run_result(1337, log=log, host=host)]) == said


def test_nobody_is_told_to_raise_a_clock_that_the_track_sets() -> None:
    job = shipped("quickstart").model_copy(update={"limits": LimitsSpec()})
    log = run_result().log.model_copy(update={"steps": 69})
    assert few_steps(job, [run_result(log=log, host=host_of("cpu"))]).endswith("was the machine busy?")


def test_of_seeds_with_few_steps_the_one_with_fewest_is_named() -> None:
    log, host = run_result().log, host_of("cpu")
    results = [
        run_result(seed, log=log.model_copy(update={"steps": made}), host=host)
        for seed, made in ((1337, 78), (42, None), (2024, 43), (7, 150))
    ]
    assert few_steps(shipped("quickstart"), results).startswith("seed 2024 made 43 steps, where about 160 ")


def test_of_training_by_steps_or_unknown_hardware_nothing_is_said_of_how_many_there_were() -> None:
    log = run_result().log.model_copy(update={"steps": 1})
    elsewhere = host_of("gpu")
    assert few_steps(shipped("quickstart"), [run_result(log=log, host=elsewhere)]) == ""
    schedule = replace(shipped("quickstart").config.schedule, kind="steps")
    by_steps = shipped("quickstart").config
    counted = shipped("quickstart").model_copy(update={"config": replace(by_steps, schedule=schedule)})
    assert few_steps(counted, [run_result(log=log)]) == ""


def test_fake_quantisation_that_begins_later_is_one_more_warm_up_step() -> None:
    assert [warm_up_steps(shipped(name).config) for name in ("baseline", "pr160", "pr372", "quickstart")] == [
        20,
        21,
        20,
        3,
    ]
    config = shipped("pr160").config
    assert warm_up_steps(replace(config, schedule=replace(config.schedule, warmup_steps=0))) == 0


def test_this_machine_is_measured_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured_speed(tmp_path)
    assert found is not None
    assert 1e-4 < found["float32"] < 100
    (note,) = (tmp_path / "speed").iterdir()
    stored = json.loads(note.read_text())
    assert stored["tflops"] == found
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    assert measured_speed(tmp_path) == found
    for text in (
        json.dumps({**stored, "at": time.time() - 25 * 3600}),
        json.dumps({**stored, "at": time.time() + 3600}),
        json.dumps({**stored, "machine": f"{platform.node()}|other|{usable_cpus()}"}),
        json.dumps({**stored, "tflops": {"float32": -1.0}}),
        json.dumps({**stored, "tflops": [0.1]}),
        "{",
    ):
        note.write_text(text)
        assert measured_speed(tmp_path) is None, text  # it is measured again, and cannot be here


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0435, "0.043 s"), (9.94, "9.9 s"), (600, "600 s"), (601, "10 min"), (7199, "120 min"), (14_400, "4.0 h")],
)
def test_a_time_has_its_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said
