"""`golf verify`, clocks: do they follow from the stamps that they were made of, and can it all have been so?"""

from __future__ import annotations

from runner.job.spec import JobSpec
from runner.job.tracks import TRACKS
from runner.logs.clocks import exactly, widened, with_earlier
from runner.printable import cut
from runner.record.answers import Findings
from runner.record.folder import Record, of_this_golf
from runner.results.phases import PhaseResult
from runner.results.runs import RunResult
from runner.results.verdicts import Check

LATE_SECONDS = 1.0
"""How much later than its process's end something may be noted."""
IN_ORDER = ("warmup_start", "train_start", "train_end", "artifact_frozen")
EVENTS = {"train": frozenset((*IN_ORDER, "validation_start", "validation_end")), "eval": {"eval_start", "eval_end"}}
"""What a script of ours announces, by phase."""


def clocks_check(record: Record, job: JobSpec | None) -> Check:
    """Do the clocks follow from the events, and lie within their process? job: the record's, None for unreadable."""
    found = Findings("clocks", "Clocks as the events make them?", "stamped events and process times")
    alone = job is None or TRACKS[job.track].exclusive
    ours = not record.data.job.get("script")
    for number, result in enumerate(record.data.results):
        where = f"results.{number}"
        for phase, name in ((result.train, "train"), (result.eval, "eval")):
            if phase is not None:
                found.require(phase.phase == name, f"{where}.{name}.phase is {phase.phase}")
                within(found, f"{where}.{name}", phase)
                reads(found, f"{where}.{name}", phase, alone=alone)
                if ours:
                    only_theirs(found, f"{where}.{name}", phase)
        if ours and result.train is not None:
            training(found, f"{where}.train", result.train, result, sure=of_this_golf(record.data))
        if ours and result.eval is not None:
            evaluation(found, f"{where}.eval", result.eval)
    return found.check()


def within(found: Findings, where: str, phase: PhaseResult) -> None:
    """Nothing of a process comes before its start or after its end."""
    end, took = phase.wall_seconds + LATE_SECONDS + phase.late_seconds, f"its process took {phase.wall_seconds} s"
    moments = {
        **{f"events.{name}": seconds for name, seconds in phase.events.items()},
        "over_seconds": phase.over_seconds,
        "frozen_seconds": phase.frozen_seconds,
        "first_train_read": phase.first_train_read,
        "last_train_read": phase.last_train_read,
        "busy_after_seconds": phase.busy_after_seconds,
    }
    if phase.phase == "eval" and not phase.events:
        moments = {}  # of a script that scores in its training process, times count from that one's start
    for name, seconds in moments.items():
        if seconds is not None:
            found.require(0 <= seconds <= end, f"{where}.{name} is {seconds}, {took}")
    lives = sum(life.strict_clock.high for life in phase.earlier)
    for name in ("clock", "strict_clock"):
        clock = getattr(phase, name)
        if clock is not None:
            fine = clock.low <= clock.high <= end + lives
            found.require(fine, f"{where}.{name} is {clock.low} to {clock.high}, {took}")
    clock, arrival = phase.clock, phase.arrival_clock
    if clock is not None and arrival is not None:
        fine = arrival.low - LATE_SECONDS <= clock.low and clock.high <= arrival.high + LATE_SECONDS
        found.require(fine, f"{where}.clock is not within {where}.arrival_clock")
    found.require((arrival is None) == (not phase.narrowed_by), f"{where}.narrowed_by does not fit its arrival_clock")


def reads(found: Findings, where: str, phase: PhaseResult, *, alone: bool) -> None:
    """When shards were read. alone: whether the track takes the node alone, so that a reading may be its own."""
    first, last = phase.first_train_read, phase.last_train_read
    if first is not None and last is not None:
        found.require(first <= last, f"{where}.first_train_read is {first}, the last one {last}")
    found.require((first is None) == (last is None), f"{where}.last_train_read does not fit its first_train_read")
    told = f"{where}.reads_watched: others may read there, too, so whose reading it was nobody can tell"
    found.require(alone or last is None or not phase.reads_watched, told)


def only_theirs(found: Findings, where: str, phase: PhaseResult) -> None:
    """What is noted only of somebody else's script."""
    theirs = ("arrival_clock", "narrowed_by", "clock_doubt", "own_seconds", "compared", "over_seconds")
    for name in (*theirs, "busy_after_seconds"):
        told = f"{where}.{name} is told of a script of ours, which announces its phases"
        found.require(not getattr(phase, name), told)
    if phase.phase == "eval":
        found.require(phase.paused_seconds is None, f"{where}.paused_seconds: evaluation has no pause")
        found.require(phase.frozen_seconds is None, f"{where}.frozen_seconds: an evaluation writes no artifact")
    strange = sorted(phase.events.keys() - EVENTS[phase.phase])
    found.require(not strange, f"{where}.events: {', '.join(map(cut, strange))}, which no script of ours announces")


def training(found: Findings, where: str, phase: PhaseResult, result: RunResult, *, sure: bool) -> None:
    """Clocks of a training process of ours. sure: whether this very golf noted them."""
    events, lives = phase.events, phase.earlier
    order = [events[name] for name in IN_ORDER if name in events]
    found.require(order == sorted(order), f"{where}.events are out of order")
    found.same(f"{where}.frozen_seconds", phase.frozen_seconds, events.get("artifact_frozen"), "its events")
    start, end = events.get("train_start"), events.get("train_end")
    if start is None or end is None or phase.irregular:
        found.require(phase.clock is None or bool(lives), f"{where}.clock: no events that it follows from")
        return
    paused, late = phase.paused_seconds, phase.late_seconds
    strict = widened(exactly(end - events.get("warmup_start", start)), late)
    found.same(
        f"{where}.strict_clock",
        phase.strict_clock,
        with_earlier(strict, [life.strict_clock for life in lives]) if lives else strict,
        "its events",
    )
    if paused is not None:
        clock = widened(exactly(end - start - paused), late)
        wanted = with_earlier(clock, [life.clock for life in lives]) if lives else clock
        found.same(f"{where}.clock", phase.clock, wanted, "its events")
    elif sure:
        found.require(False, f"{where}.paused_seconds is not told, and this golf notes it")
    elif phase.clock is not None:  # of a record of before pauses were noted
        most = end - start + sum(life.clock.high for life in lives)
        found.require(
            phase.clock.high <= most + 1e-3, f"{where}.clock is {phase.clock.high}, its events are {most} apart"
        )
        claim = result.log.train_seconds
        if claim is not None:
            apart = abs(claim - phase.clock.high)
            found.require(
                apart <= max(1.0, 0.02 * most), f"{where}.clock is {phase.clock.high}, its log says {claim}"
            )


def evaluation(found: Findings, where: str, phase: PhaseResult) -> None:
    """Clocks of an evaluation of ours."""
    start, end = phase.events.get("eval_start"), phase.events.get("eval_end")
    found.same(f"{where}.strict_clock", phase.strict_clock, exactly(phase.wall_seconds), "its process")
    if start is None or end is None or phase.irregular:
        found.require(phase.clock is None, f"{where}.clock: no events that it follows from")
    else:
        found.same(f"{where}.clock", phase.clock, widened(exactly(end - start), phase.late_seconds), "its events")
