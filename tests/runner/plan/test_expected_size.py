"""The likeliest size: entropies in closed form, and what public runs and our own small ones came to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.schedule import ScheduleConfig
from runner.job.hardware import PROFILES
from runner.job.load import load_job
from runner.job.profiles import with_profile
from runner.plan.expected_size import (
    TRUSTED,
    expected_artifact,
    float_share,
    gaussian_bits,
    rate_steps,
    spread,
    usual_largest,
)
from runner.plan.step_time import usual_steps
from tests.fixtures.places import JOBS

PUBLIC = {
    "baseline": 15_815_847,  # main, 2026-03-17 NaiveBaseline
    "pr102": 15_024_824,
    "pr102_head": 17_482_082,
    "pr160": 15_850_858,  # the repack; the log's own artifact is of an earlier format
    "pr1606": 15_493_339,  # mean of three
    "pr372": 16_564_943,  # of the artifact itself; no log was shipped
    "pr465": 15_622_541,
    "pr465_sp8192": 11_912_253,
}
"""Bytes of artifacts that others trained."""
OURS = {
    ("baseline", 60): 467_349,
    ("baseline", 250): 531_872,
    ("baseline", 1000): 568_456,
    ("pr102", 250): 626_263,
    ("pr160", 250): 490_716,
    ("pr1606", 250): 632_432,
    ("pr372", 250): 614_479,
    ("pr465", 250): 640_413,
    ("quickstart", 250): 1_596_680,
    ("quickstart", 1000): 1_707_350,
}
"""(job, steps) -> bytes of artifacts that its small profile, stopped by steps, made on a CPU."""
SMALL_TRUSTED = 0.05


def expected_of(name: str) -> int:
    job = load_job(JOBS / f"{name}.yaml")
    hardware = PROFILES[job.hardware]
    return expected_artifact(job.config, usual_steps(job, hardware, hardware.gpus)).bytes


@pytest.mark.parametrize("name", PUBLIC)
def test_public_artifacts_are_as_near_as_the_plan_says(name: str) -> None:
    assert expected_of(name) == pytest.approx(PUBLIC[name], rel=TRUSTED + 0.0005)


@pytest.mark.parametrize(("name", "steps"), OURS)
def test_small_artifacts_are_near(name: str, steps: int) -> None:
    job = load_job(JOBS / f"{name}.yaml")
    config = job.config if name == "quickstart" else with_profile(job, "small").config
    share = steps / (1000 if name == "quickstart" else 250)
    down = max(1, round(config.schedule.warmdown_iters * share))
    schedule = replace(config.schedule, kind="steps", iterations=steps, warmdown_iters=down)
    found = expected_artifact(replace(config, schedule=schedule), steps).bytes
    assert found == pytest.approx(OURS[name, steps], rel=SMALL_TRUSTED)


def test_entropies_are_those_of_rounded_gaussians() -> None:
    assert gaussian_bits(1e-3) < 1e-6
    assert gaussian_bits(1.0) == pytest.approx(2.1048, abs=1e-3)  # by sum; the integral's 2.047 is a little less
    assert gaussian_bits(20.0) == pytest.approx(gaussian_bits(20.001), abs=1e-3)
    assert gaussian_bits(100.0) == pytest.approx(math.log2(100) + 2.0471, abs=1e-4)
    assert usual_largest(1) == pytest.approx(0.6745, abs=1e-4)
    assert usual_largest(512) == pytest.approx(3.205, abs=1e-2)


@pytest.mark.parametrize(
    ("down", "floor", "steps", "made"),
    [
        (0, 0.0, 1000, 1000.0),
        (300, 0.0, 1000, 800.0),  # a third of the warmdown's 300 counts
        (1000, 0.0, 500, 500 / 12),  # the rate begins at half and falls to nothing
        (300, 1.0, 1000, 1000.0),
    ],
)
def test_a_warmdown_counts_by_the_square_of_its_rates(down: int, floor: float, steps: float, made: float) -> None:
    schedule = ScheduleConfig(warmdown_iters=down, warmdown_lr_floor=floor)
    assert rate_steps(schedule, steps) == pytest.approx(made)


def test_longer_training_makes_larger_artifacts_until_every_row_fills_its_scale() -> None:
    sizes = [expected_artifact(GolfConfig(), steps).bytes for steps in (1, 100, 1000, 10_000, 100_000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == expected_artifact(GolfConfig(), None).bytes
    assert sizes[0] < 0.4 * sizes[-1]


def test_decay_bounds_the_spread_and_a_hashed_row_is_trained_by_its_own_tokens() -> None:
    config = load_job(JOBS / "pr465.yaml").config
    matrix = "blocks.0.mlp.fc.weight", (1536, 512)
    assert spread(*matrix, config, 1e6) == pytest.approx(spread(*matrix, config, 1e7), rel=1e-2)
    free = replace(config, optim=replace(config.optim, muon_weight_decay=0.0))
    assert spread(*matrix, free, 1e6) > 5 * spread(*matrix, config, 1e6)
    bigram = "bigram.embed.weight", (4096, 128)
    few = replace(config, batch=replace(config.batch, train_batch_tokens=16384, train_seq_len=2048))
    assert spread(*bigram, few, 100) == spread(*bigram, config, 100)
    many = replace(few, model=replace(few.model, bigram=replace(few.model.bigram, buckets=65536)))
    assert spread(*bigram, many, 100) == pytest.approx(spread(*bigram, few, 100) / 2)


def test_floats_that_were_trained_as_bfloat16_pack_better_unless_they_are_averaged() -> None:
    shares = {
        name: float_share("tok_emb.weight", "float16", load_job(JOBS / f"{name}.yaml").config) for name in PUBLIC
    }
    assert (shares["pr102"], shares["pr465"], shares["pr372"]) == (0.76, 0.76, 0.9)
    assert float_share("skip_weights", "float16", GolfConfig()) == 0.9


def test_six_bits_packed_four_in_three_bytes_hardly_shrink() -> None:
    packed, plain = (
        expected_artifact(replace(GolfConfig(), export=export), None).bits["int6"]
        for export in (
            ExportConfig(mlp="int6", attn="int6", container="qgv3", compressor="lzma"),
            ExportConfig(mlp="int6", attn="int6", container="torch", compressor="zlib"),
        )
    )
    assert plain == pytest.approx(5.36, abs=0.03)
    assert packed == pytest.approx(5.88, abs=0.03)
