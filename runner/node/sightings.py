"""What was seen of somebody else's script, and what it says of the phases that nobody announced: their clocks.

The script can date its files as it likes, so an artifact was written when its state last changed (ctime) or when the
kernel last told of writing to it, whichever is later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from runner.job.external_script import OutputsSpec
from runner.logs.clocks import widened
from runner.logs.line_clock import LineClock, LinePatterns
from runner.logs.script_clocks import ScriptClock, Seen, fresh_scoring_time, scoring_time, train_time
from runner.logs.spans import Spans
from runner.results.phases import PhaseResult


@dataclass
class Sightings:
    """Of one phase; seconds since its process started."""

    clock: LineClock
    """Its lines, and what it announces."""
    reads: Spans = field(default_factory=Spans)
    """When training shards were opened or read, by whom the kernel does not tell."""
    writes: dict[str, float] = field(default_factory=dict)
    """File of its work folder -> when it was last written; empty where nobody could look."""
    gpu: Spans | None = None
    """When a GPU was busy; None where the driver did not tell all the time."""
    cpu: Spans | None = None
    """When its processes computed; None where it has GPUs."""
    late: float = 0.0
    """Seconds in which nobody looked although lines or announcements came: each of its times may be off by them."""

    def frozen(self, artifact: Path, folder: Path, wall: float) -> float | None:
        """When an artifact in its work folder was last written; None where nothing tells.

        wall: when its process ended, after which nothing is written.
        """
        changed = self.clock.since_start(artifact.stat().st_ctime)
        noted = self.writes.get(artifact.relative_to(folder).as_posix())
        told = [at for at in (changed, noted) if at is not None]
        return min(max(told), round(wall, 3)) if told else None

    def busy(self, begin: float, end: float) -> float | None:
        """For how long it computed between two moments; None where nobody could see."""
        spans = self.gpu if self.gpu is not None else self.cpu
        return None if spans is None else round(spans.seconds(begin, end), 3)


def line_patterns(outputs: OutputsSpec) -> LinePatterns:
    """What clocks are read from, as a job describes it; an empty pattern is none."""
    names = ("stop", "warmup", "train_time", "train_start", "train_end")
    some = {name: outputs.pattern(name) for name in names if getattr(outputs, name)}
    step, trained, score = map(outputs.pattern, ("step", "trained", "score"))
    return LinePatterns(step, trained, score, **some)


def seen_of(phase: PhaseResult, watch: Sightings, frozen: float | None, *, alone: bool, shared: bool) -> Seen:
    """What was seen of the training process beside its lines.

    frozen: when its artifact was last written. alone: nobody else is on the node. shared: others of the same run may
    be, whose readings of the shards would be taken for this one's.
    """
    ours = phase.reads_watched and (alone or phase.last_train_read is None)
    return Seen(Spans() if shared and not ours else watch.reads, ours, frozen, watch.gpu)


def train_result(phase: PhaseResult, watch: Sightings, seen: Seen) -> PhaseResult:
    """The training process with its clocks."""
    found = train_time(watch.clock, seen)
    known: dict[str, object] = {
        "frozen_seconds": seen.frozen,
        "reads_watched": seen.ours,
        "over_seconds": found.ended,
        "own_seconds": found.own,
        "compared": found.compared,
    }
    if seen.frozen is not None and found.ended is not None and seen.frozen > found.ended:
        known["busy_after_seconds"] = watch.busy(found.ended, seen.frozen)
    return phase.model_copy(update={**known, **_clocks(found, watch.late)})


def scored_in_training(phase: PhaseResult, watch: Sightings, seen: Seen) -> PhaseResult:
    """The evaluation of a script that scores in its training process."""
    wall = phase.wall_seconds
    scored = PhaseResult(
        phase="eval",
        command=phase.command,
        returncode=phase.returncode,
        wall_seconds=round(wall - (phase.over_seconds or 0.0), 4),
    )
    return scored.model_copy(update=_clocks(scoring_time(watch.clock, seen, wall), watch.late))


def scored_result(phase: PhaseResult, watch: Sightings) -> PhaseResult:
    """The evaluation in a process of its own, with its clocks."""
    return phase.model_copy(update=_clocks(fresh_scoring_time(watch.clock, phase.wall_seconds), watch.late))


def _clocks(found: ScriptClock, late: float) -> dict[str, object]:
    """Fields of a PhaseResult."""
    return {
        "clock": widened(found.official, late),
        "strict_clock": widened(found.strict, late),
        "arrival_clock": widened(found.arrival, late),
        "narrowed_by": found.narrowed_by,
        "clock_doubt": found.doubt,
        "irregular": found.irregular,
    }
