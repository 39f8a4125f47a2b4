"""Tracks: their limits, the checks they require, and the jobs they cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import StepConfig
from golf_model.config.schedule import ScheduleConfig
from runner.errors import UserError
from runner.job.hardware import PROFILES
from runner.job.load import DataSpec, JobSpec, LimitsSpec
from runner.job.tracks import HARDWARE, TRACKS, Limits, limits_for, track_problems
from runner.judge.checks import CHECK_NAMES


def job(
    track: str,
    limits: LimitsSpec | None = None,
    schedule: ScheduleConfig | None = None,
    concurrent: int = 1,
) -> JobSpec:
    return JobSpec(
        name="job",
        track=track,
        seeds=(1,),
        data=DataSpec(path=Path("fineweb10B_sp1024"), tokenizer=Path("fineweb_1024_bpe.model")),
        limits=limits or LimitsSpec(),
        concurrent=concurrent,
        config=GolfConfig(schedule=schedule or ScheduleConfig()),
    )


def test_the_ten_minute_track_sets_its_own_limits() -> None:
    assert limits_for(job("10min_16mb")) == Limits(16_000_000, 600.0, 600.0)


@pytest.mark.parametrize("track", ["local", "non_record_16mb"])
def test_other_tracks_take_the_jobs_limits(track: str) -> None:
    limits = LimitsSpec(train_seconds=14400.0, eval_seconds=1200.0)
    assert limits_for(job(track, limits)) == Limits(16_000_000, 14400.0, 1200.0)


def test_limits_are_required_where_the_track_leaves_them_open() -> None:
    with pytest.raises(UserError) as caught:
        limits_for(job("local"))
    assert str(caught.value).splitlines() == [
        f"limits.{name}: is required: track local leaves this limit to the job"
        for name in ("train_seconds", "eval_seconds")
    ]


def test_limits_are_refused_where_the_track_sets_them() -> None:
    problems = track_problems(job("10min_16mb", LimitsSpec(eval_seconds=700.0)))
    assert problems == [(("limits", "eval_seconds"), "track 10min_16mb sets this to 600 s; remove it")]


@pytest.mark.parametrize(
    ("track", "limits", "schedule", "fits"),
    [
        ("10min_16mb", None, ScheduleConfig(max_wallclock_seconds=600.0), True),
        ("10min_16mb", None, ScheduleConfig(max_wallclock_seconds=600.001), False),
        ("10min_16mb", None, ScheduleConfig(kind="steps", max_wallclock_seconds=9999.0), True),
        (
            "local",
            LimitsSpec(train_seconds=60.0, eval_seconds=60.0),
            ScheduleConfig(max_wallclock_seconds=60.0),
            True,
        ),
        (
            "local",
            LimitsSpec(train_seconds=60.0, eval_seconds=60.0),
            ScheduleConfig(max_wallclock_seconds=61.0),
            False,
        ),
    ],
)
def test_a_schedule_must_end_within_the_training_clock(
    track: str, limits: LimitsSpec | None, schedule: ScheduleConfig, fits: bool
) -> None:
    found = [place for place, _ in track_problems(job(track, limits, schedule))]
    assert found == ([] if fits else [("config", "schedule", "max_wallclock_seconds")])


def test_tracks_that_take_the_node_alone_refuse_seeds_side_by_side() -> None:
    assert [place for place, _ in track_problems(job("10min_16mb", concurrent=2))] == [("concurrent",)]
    assert track_problems(job("local", LimitsSpec(train_seconds=600.0, eval_seconds=1.0), concurrent=2)) == []


@pytest.mark.parametrize("track", ["10min_16mb", "non_record_16mb"])
def test_a_contest_track_is_not_scored_on_an_embedded_corpus(track: str) -> None:
    limits = LimitsSpec(train_seconds=600.0, eval_seconds=600.0) if track == "non_record_16mb" else None
    embedded = job(track, limits).model_copy(update={"data": DataSpec(corpus="asv")})
    told = (
        f"track {track} is scored on the challenge's text, and asv is another; fetch it with golf data fetch and "
        "give path: and tokenizer:, or set track: local"
    )
    assert track_problems(embedded) == [(("data", "corpus"), told)]
    local = LimitsSpec(train_seconds=600.0, eval_seconds=600.0)
    assert track_problems(job("local", local).model_copy(update={"data": DataSpec(corpus="asv")})) == []


def test_every_required_check_is_one_that_the_judge_answers() -> None:
    assert {name for track in TRACKS.values() for name in track.required} <= CHECK_NAMES


def test_every_track_requires_every_check_but_those_that_are_only_shown() -> None:
    shown = {"one_environment", "eval_isolated"}
    for track in TRACKS.values():
        alone = set() if track.exclusive else {"data_after_freeze"}  # elsewhere the reading may be somebody else's
        text = set() if track.contest else {"validation_text", "counted_bytes"}  # elsewhere any text will do
        assert CHECK_NAMES - set(track.required) == shown | alone | text


def test_only_the_ten_minute_track_prescribes_hardware() -> None:
    assert [track.hardware for track in TRACKS.values()] == [("h100x8",), (), ()]


def test_every_track_is_named_by_a_profile() -> None:
    """One that none names would be open to all."""
    assert {name for profile in PROFILES.values() for name in profile.tracks} == TRACKS.keys()


def test_jobs_may_name_every_profile_and_auto() -> None:
    assert set(HARDWARE) == {"auto", *PROFILES}


def test_a_step_cannot_be_solved_for_more_than_the_tracks_cap() -> None:
    export = ExportConfig(mlp="step", step=StepConfig(cap_bytes=16_000_001))
    asked = job("10min_16mb").model_copy(update={"config": GolfConfig(export=export)})
    ((place, message),) = track_problems(asked)
    assert place == ("config", "export", "step", "cap_bytes")
    assert "16,000,001 is more than the cap of track 10min_16mb, 16,000,000" in message
    given = ExportConfig(mlp="step", step=StepConfig(size=0.01, cap_bytes=16_000_001))
    assert not track_problems(asked.model_copy(update={"config": GolfConfig(export=given)}))
