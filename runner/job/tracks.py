"""Tracks as data: the cap, the clocks and the required checks that a job of each track is judged by.

Says also which jobs a track cannot take. Measures and judges nothing; the names of checks are those that
judge.py answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors import UserError
from runner.job.hardware import PROFILES, claimants
from runner.job.spec import JobSpec
from runner.yaml_lines import Place

HARDWARE = ("auto", *PROFILES)
"""What a job may name as its hardware."""

_ALWAYS = (
    "bytes_total",
    "train_clock",
    "eval_clock",
    "log_clock",
    "hardware",
    "one_script",
    "artifact_hash",
    "process_agreement",
    "bpb_arithmetic",
    "seeds_complete",
    "distinct_seeds",
    "no_nan",
    "text_kept_back",
)

_CONTEST = (*_ALWAYS, "data_after_freeze", "validation_text", "counted_bytes")
"""Where a seed has its node alone, a reading of its data is its own; and a contest has one text."""


MOST_LEFT_OUT = 0.001
"""Share of the validation text that a published score may leave out."""


@dataclass(frozen=True)
class Track:
    """The rules of one leaderboard."""

    name: str
    train_seconds: float | None
    """Training clock in seconds; None leaves it to the job."""
    eval_seconds: float | None
    """Evaluation clock in seconds; None leaves it to the job."""
    required: tuple[str, ...]
    """Checks that must pass."""
    exclusive: bool = False
    """Whether a seed takes its node alone."""
    contest: bool = False
    """Whether the challenge's validation text is the only one that counts."""
    resumable: bool = True
    """Whether a seed that was killed may go on from a checkpoint; elsewhere it starts afresh."""
    cap_bytes: int = 16_000_000
    """Most bytes of script and artifact together."""
    spare_tail: float = 0.0
    """Share of the text that may be left out, too, where it is a tail that fills no sequence: of a short text that is
    more than a thousandth."""

    @property
    def hardware(self) -> tuple[str, ...]:
        """Node profiles that may claim a record; () means any."""
        return claimants(self.name)


@dataclass(frozen=True)
class Limits:
    """What one job's runs are held to."""

    cap_bytes: int
    train_seconds: float
    eval_seconds: float


TRACKS = {
    track.name: track
    for track in (
        Track("10min_16mb", 600.0, 600.0, _CONTEST, exclusive=True, contest=True, resumable=False),
        Track("non_record_16mb", None, None, _CONTEST, exclusive=True, contest=True),
        Track("local", None, None, _ALWAYS, spare_tail=0.1),
    )
}


def track_problems(job: JobSpec) -> list[tuple[Place, str]]:
    """Where the job and its track (a known one) do not fit: place in the job, and what is wrong there."""
    track = TRACKS[job.track]
    problems: list[tuple[Place, str]] = []
    if track.contest and job.data.corpus is not None:
        wanted = f"track {track.name} is scored on the challenge's text, and {job.data.corpus} is another"
        bring = "fetch it with golf data fetch and give path: and tokenizer:, or set track: local"
        problems.append((("data", "corpus"), f"{wanted}; {bring}"))
    if track.exclusive and job.concurrent > 1:
        problems.append((("concurrent",), f"track {track.name} takes the node alone; only 1 is possible"))
    for name, of_track, of_job in (
        ("train_seconds", track.train_seconds, job.limits.train_seconds),
        ("eval_seconds", track.eval_seconds, job.limits.eval_seconds),
    ):
        if of_track is None and of_job is None:
            problems.append((("limits", name), f"is required: track {track.name} leaves this limit to the job"))
        if of_track is not None and of_job is not None:
            problems.append((("limits", name), f"track {track.name} sets this to {of_track:g} s; remove it"))
    limit = track.train_seconds or job.limits.train_seconds
    schedule = job.config.schedule
    if (
        job.script is None
        and schedule.kind == "wallclock"
        and limit is not None
        and schedule.max_wallclock_seconds > limit
    ):
        asked = f"{schedule.max_wallclock_seconds:g} s is more than the training clock of {limit:g} s"
        problems.append((("config", "schedule", "max_wallclock_seconds"), f"{asked}; lower it, or raise that limit"))
    export = job.config.export
    if export.solves_step and export.step.cap_bytes > track.cap_bytes:
        asked = f"{export.step.cap_bytes:,} is more than the cap of track {track.name}, {track.cap_bytes:,}"
        problems.append((("config", "export", "step", "cap_bytes"), f"{asked}; lower it"))
    return problems


def limits_for(job: JobSpec) -> Limits:
    """Cap in bytes and clocks in seconds for a job; UserError where job and track do not fit."""
    problems = track_problems(job)
    if problems:
        raise UserError("\n".join(f"{'.'.join(map(str, place))}: {message}" for place, message in problems))
    track = TRACKS[job.track]
    train = track.train_seconds or job.limits.train_seconds
    evaluation = track.eval_seconds or job.limits.eval_seconds
    assert train is not None
    assert evaluation is not None
    return Limits(track.cap_bytes, train, evaluation)
