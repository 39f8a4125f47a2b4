"""Whether compiling pays on a CPU: exact forecasts, and the same for whoever asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golf_model.compile_forecast import CompileForecast, compile_forecast
from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import LoopConfig, ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.shapes import parameter_shapes
from runner.job.load import load_job
from runner.job.profiles import with_profile
from tests.fixtures.places import JOBS

SMALL = GolfConfig(
    model=ModelConfig(vocab_size=512, model_dim=64, num_heads=2, num_kv_heads=1, num_layers=2),
    batch=BatchConfig(train_batch_tokens=1000, train_seq_len=10, micro_batches=1),
)
MATRICES = 512 * 64 + 2 * (64 * 64 * 2 + 64 * 32 * 2 + 2 * 64 * 128 + 2 * 64) + 64
"""Elements: the table; of each block q and proj, k and v, the MLP's two and the mix; the skip's weights."""


def by_steps(config: GolfConfig, steps: int) -> GolfConfig:
    return replace(config, schedule=ScheduleConfig(kind="steps", iterations=steps))


def test_the_fixture_counts_every_matrix() -> None:
    shapes = parameter_shapes(SMALL.model).values()
    assert sum(shape[0] * shape[1] for shape in shapes if len(shape) == 2) == MATRICES


def test_a_clock_is_the_seeds_length_and_steps_that_end_first_are() -> None:
    long = replace(SMALL, schedule=ScheduleConfig(max_wallclock_seconds=600.0, iterations=10**9))
    assert compile_forecast(long) == CompileForecast(600.0, 0.11 * 600.0, 110.0)
    assert compile_forecast(by_steps(SMALL, 10_000)).train_s == pytest.approx(10_000 * 1000 * 6 * MATRICES / 5e10)
    few = replace(long, schedule=ScheduleConfig(max_wallclock_seconds=600.0, iterations=10))
    assert compile_forecast(few).train_s == compile_forecast(by_steps(SMALL, 10)).train_s < 0.2


@pytest.mark.parametrize(("seconds", "pays"), [(999.0, False), (1001.0, True)])
def test_it_pays_where_it_saves_more_than_it_takes(seconds: float, pays: bool) -> None:
    config = replace(SMALL, schedule=ScheduleConfig(max_wallclock_seconds=seconds, iterations=10**9))
    assert compile_forecast(config).pays is pays


def test_more_graphs_take_longer() -> None:
    assert compile_forecast(SMALL).takes_s == 110.0
    assert compile_forecast(replace(SMALL, qat=QatConfig(active="training"))).takes_s == 220.0
    deep = replace(SMALL.model, num_layers=4, loop=LoopConfig(start=1, end=2, times=2))
    assert compile_forecast(replace(SMALL, model=deep)).takes_s == 320.0


def test_the_log_names_what_was_chosen_and_why() -> None:
    assert CompileForecast(600.0, 66.0, 45.0).line == (
        "compile:auto train_at_least:600s saves:66s takes:45s chosen:on"
    )
    assert CompileForecast(30.0, 3.3, 45.0).line.endswith("saves:3s takes:45s chosen:off")


@pytest.mark.parametrize("job", sorted(JOBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_job_compiles_in_a_rehearsal_on_a_cpu(job: object) -> None:
    config = with_profile(load_job(job), "small").config  # type: ignore[arg-type]
    assert config.runtime.compile == "off" or not compile_forecast(config).pays
