"""The driver of a sweep: trials are asked for, run several at a time, and told, until the budget is spent.

Optuna proposes and our driver's queue runs; each trial is a thread that drives one job as golf run does, and all
calls of Optuna come from the main one. What is on disk is the state: a driver may be killed at any moment, and the
next one runs the trials that were begun to their ends before it asks for new ones.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import UserError
from runner.files import write_atomic
from runner.job.spec import JobSpec, resolved
from runner.search.sweeps.facts import TrialFacts
from runner.search.sweeps.file import Sweep, trial_name
from runner.search.sweeps.folder import Session
from runner.search.sweeps.spec import grid_size
from runner.search.sweeps.standing import spent_of
from runner.search.sweeps.study import Study
from runner.search.sweeps.table import value_words
from runner.search.sweeps.trial import Grounds, run_trial

WAIT_S = 1.0
LAST_WAIT_S = 20.0
"""How long trials are waited for that were told to end."""
MOST_ALIKE = 3
"""So many trials that fail for the same reason, before any has a score, end the sweep."""


@dataclass
class Running:
    """A trial that runs."""

    params: Mapping[str, Any]
    thread: threading.Thread
    stop: threading.Event
    pruned: bool = False


@dataclass(frozen=True)
class Validation:
    """A trial's validation in mid-run."""

    number: int
    step: int
    bpb: float


@dataclass(frozen=True)
class Ended:
    """A trial's thread has ended: with facts, or with what cut it off."""

    number: int
    facts: TrialFacts | None
    error: BaseException | None = None


@dataclass
class SweepDriver:
    """Runs one sweep to the end of its budget."""

    sweep: Sweep
    study: Study
    grounds: Grounds
    session: Session
    slots: int
    say: Callable[[str], None]
    trials: dict[int, TrialFacts] = field(default_factory=dict)
    running: dict[int, Running] = field(default_factory=dict)
    heard: queue.Queue[Validation | Ended] = field(default_factory=queue.Queue)
    best: float | None = None

    def drive(self) -> str:
        """Run trials until there are none to run; why no more were begun. UserError or OSError where none can be."""
        self.trials = {one.number: one for one in self.study.trials() if one.state != "running"}
        self.best = min(
            (one.bpb for one in self.trials.values() if one.state == "scored" and one.bpb is not None), default=None
        )
        begun = self.study.unfinished()
        for number in list(begun):
            if self.study.is_pruned(number):
                self._tell(TrialFacts(number=number, state="pruned", params=begun.pop(number), reason=PRUNED))
        try:
            while True:
                ended = self._fill(begun)
                if not self.running:
                    return ended
                self.session.beat()
                try:
                    self._hear(self.heard.get(timeout=WAIT_S))
                except queue.Empty:
                    continue
        finally:
            self._stop_all()
            self.session.end()

    def _fill(self, begun: dict[int, dict[str, Any]]) -> str:
        """Start trials where there is room; why there are no more, '' where there may be."""
        while len(self.running) < self.slots:
            if begun:
                number = min(begun)
                self._start(number, begun.pop(number), again=True)
                continue
            ended = self._over()
            if ended:
                return ended
            number, params = self.study.ask()
            self._start(number, params)
        return ""

    def _over(self) -> str:
        """Why no further trial is begun; '' where one may be."""
        limits, spent = self.sweep.spec.budget, spent_of(list(self.trials.values()), self.session.seconds)
        most = grid_size(self.sweep.space) if self.sweep.spec.sampler.name == "grid" else None
        if most is not None and self.study.count >= most:
            return f"the grid's {most:,} combinations are all tried"
        if limits.trials is not None and self.study.count >= limits.trials:
            return f"the budget's {limits.trials:,} trials are made"
        for name, unit in (("hours", "hours"), ("gpu_hours", "GPU hours"), ("dollars", "dollars")):
            limit, used = getattr(limits, name), getattr(spent, name)
            if limit is not None and used is not None and used >= limit:
                return f"the budget's {limit:g} {unit} are spent"
        failed = [one.reason for one in self.trials.values() if one.state == "failed"]
        if len(failed) >= MOST_ALIKE and len(set(failed)) == 1 and len(failed) == len(self.trials):
            return f"every trial so far failed for the same reason: {failed[0]}"
        return ""

    def _start(self, number: int, params: Mapping[str, Any], *, again: bool = False) -> None:
        name = trial_name(self.sweep.name, number)
        try:
            job = self.sweep.trial_job(number, params)
        except UserError as error:
            self._tell(TrialFacts(number=number, state="failed", params=dict(params), reason=_first_line(error)))
            return
        write_atomic(self.grounds.folder.job(name), json.dumps(resolved(job), indent=2) + "\n")
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(number, params, job, stop), name=name, daemon=True)
        self.running[number] = Running(params, thread, stop)
        self.say(f"trial {number}: {'goes on' if again else 'begins'}  {words(params)}")
        thread.start()

    def _run(self, number: int, params: Mapping[str, Any], job: JobSpec, stop: threading.Event) -> None:
        """The trial's thread."""

        def validated(step: int, bpb: float) -> None:
            self.heard.put(Validation(number, step, bpb))

        try:
            facts = run_trial(self.grounds, number, params, job, validated, stop)
        except BaseException as error:  # told to the main thread, which decides
            self.heard.put(Ended(number, None, error))
        else:
            self.heard.put(Ended(number, facts))

    def _hear(self, said: Validation | Ended) -> None:
        running = self.running.get(said.number)
        if running is None:
            return
        if isinstance(said, Validation):
            if self.study.report(said.number, said.step, said.bpb) and not running.pruned:
                running.pruned = True
                running.stop.set()
            return
        running.thread.join()
        del self.running[said.number]
        if said.error is not None:
            raise said.error
        if said.facts is not None:
            reason = PRUNED if said.facts.state == "pruned" else said.facts.reason
            self._tell(said.facts.model_copy(update={"reason": reason}))

    def _tell(self, facts: TrialFacts) -> None:
        self.study.tell(facts)
        self.trials[facts.number] = facts
        note = ""
        if facts.state == "scored" and facts.bpb is not None and (self.best is None or facts.bpb < self.best):
            self.best, note = facts.bpb, "  best so far"
        self.say(f"trial {facts.number}: {ended_words(facts)}{note}")

    def _stop_all(self) -> None:
        """Tell what still runs to end, and wait for it: its attempts are noted as interrupted."""
        for running in self.running.values():
            running.stop.set()
        for running in self.running.values():
            running.thread.join(LAST_WAIT_S)


PRUNED = "ended early: worse in mid-run than others at the same step"


def words(params: Mapping[str, Any]) -> str:
    """Parameters in a line."""
    return "  ".join(f"{path.removeprefix('config.')} {value_words(value)}" for path, value in params.items())


def ended_words(facts: TrialFacts) -> str:
    """How a trial ended, in a line."""
    size = "" if facts.total_bytes is None else f"  {facts.total_bytes:,} bytes"
    if facts.state == "scored":
        return f"{facts.bpb:.4f} bpb{size}  {facts.seconds:.0f} s"
    score = "" if facts.bpb is None else f"  ({facts.bpb:.4f} bpb, which does not count)"
    return f"{facts.state}: {facts.reason}{score}"


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]
