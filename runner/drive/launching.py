"""Which attempts are queued, and when: they stand in the ledger before they can start, and fit into the budget."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from runner.backends.backend import Backend
from runner.budget.gate import Gate
from runner.drive.orders import attempt_spec, kept_trainings, known_lives, scoring_only
from runner.drive.watch.progress import Progress
from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.repacks import is_repack
from runner.listing import listed
from runner.node.attempt_spec import AttemptSpec
from runner.plan.plan import Plan
from runner.script.bundle import Script
from runner.sinks.sinks import Sinks
from runner.sinks.told import warning


def whose(spec: AttemptSpec) -> dict[str, int]:
    """Which attempt an entry of the ledger is about, and which one's training it scores."""
    own = {"seed": spec.seed, "attempt": spec.attempt}
    return own if spec.trained is None else {**own, "trained_by": spec.trained.by.attempt}


@dataclass(frozen=True)
class Pending:
    """A seed that is to be launched once the budget has room for it."""

    seed: int
    front: bool
    afresh: bool


class Launcher:
    """Queues attempts of one run's seeds, and takes back those that are not to start."""

    def __init__(
        self,
        plan: Plan,
        script: Script,
        folder: RunFolder,
        ledger: Ledger,
        progress: Progress,
        sinks: Sinks,
        gate: Gate | None,
    ) -> None:
        """sinks: who else is told. gate: of the job's budget."""
        self.plan = plan
        self.script = script
        self.folder = folder
        self.ledger = ledger
        self.progress = progress
        progress.queued = lambda: len(self.waiting) + len(self.held)
        progress.held_back = lambda: [one.seed for one in list(self.held)]
        self.sinks = sinks
        self.gate = gate
        self.held: list[Pending] = []
        """Seeds that wait for room in the budget, or for those that run to tell what a seed takes."""
        self.waiting: dict[int, AttemptSpec] = {}
        """Attempts that have said nothing yet."""
        self.tries: dict[int, int] = {}
        """Seed -> its attempts in this run that came to nothing."""
        self.stopped = False
        """Nothing is started or tried again: the same failure came twice, or the budget is spent."""

    def launch(
        self, backend: Backend, seeds: Sequence[int], *, front: bool = False, afresh: Collection[int] = ()
    ) -> None:
        """Queue a new attempt of each seed, of a job with a budget as far as that reaches; the rest is held back.

        afresh: those of them that must not go on from what an earlier attempt left.
        """
        if self.gate is None:
            self._queue(backend, seeds, front=front, afresh=afresh)
            return
        new = [Pending(seed, front, seed in afresh) for seed in seeds]
        self.held = [*new, *self.held] if front else [*self.held, *new]
        self._launch_held(backend, self.gate)

    def _launch_held(self, backend: Backend, gate: Gate) -> None:
        """Queue what fits of the seeds that are held back, no more than can run at once: each end says more of what
        the next one takes.
        """
        kept = kept_trainings(
            self.folder, self.ledger, {one.seed for one in self.held}, self.script.sha256, self.plan.job.tries
        )
        chosen: list[Pending] = []
        for one in sorted(self.held, key=lambda one: one.seed not in kept):
            seconds = gate.expected(scores=one.seed in kept)
            if len(gate.planned) < self.plan.together and not self.stopped and gate.fits(seconds):
                gate.plan(one.seed, seconds)
                chosen.append(one)
        self.held = [one for one in self.held if one not in chosen]
        for front in (True, False):
            if group := [one for one in chosen if one.front is front]:
                afresh = {one.seed for one in group if one.afresh}
                self._queue(backend, [one.seed for one in group], front=front, afresh=afresh)

    def spent(self, backend: Backend) -> None:
        """An attempt has ended: warn, take back what fits no longer, and launch what does."""
        if self.gate is None:
            return
        if words := self.gate.warning():
            self.progress.say(words)
            self.sinks.tell(warning(words))
        if self.gate.over() and self.waiting:
            for spec in self._withdraw(backend, "the budget"):
                self.gate.drop(spec.seed)
                self.held.append(Pending(spec.seed, False, spec.afresh))
        if self.held:
            self._launch_held(backend, self.gate)

    def out_of_budget(self, gate: Gate) -> None:
        """Note that seeds are left for which the budget does not reach; UserError where nothing has ever run."""
        reason, seeds = gate.why_held(), [one.seed for one in self.held]
        if not any(entry["kind"] == "launched" for entry in self.ledger.entries):
            raise UserError(f"{self.folder.path.name}: {gate.refusal()}")
        self.stopped = True
        self.ledger.append("stopped", reason=reason)
        self.progress.stopped(reason, seeds, "over the budget")
        words = f"seed {listed(seeds)} left to run: raise budget: in the job, and the same command goes on"
        self.progress.say(words)
        self.sinks.tell(warning(f"stopped: {reason}"))

    def _queue(
        self, backend: Backend, seeds: Sequence[int], *, front: bool = False, afresh: Collection[int] = ()
    ) -> None:
        """Queue a new attempt of each seed; it stands in the ledger before it can start, and again when it does."""
        kept = kept_trainings(self.folder, self.ledger, set(seeds), self.script.sha256, self.plan.job.tries)
        if is_repack(self.ledger.entries) and (lost := [seed for seed in seeds if seed not in kept]):
            told = "its artifacts come from golf repack, which packs what is missing again; nothing is trained here"
            raise UserError(f"{self.folder.path.name}: seed {listed(lost)} has nothing to score: {told}")
        specs = []
        for seed in seeds:
            number = self.folder.new_attempt(seed).number
            spec = attempt_spec(self.plan, self.script, self.folder, self.ledger, seed, number)
            specs.append(scoring_only(replace(spec, afresh=seed in afresh), kept.get(seed), self.folder))
        self.waiting |= {spec.seed: spec for spec in specs}  # whose folders go, should the ledger not take them
        resumable = {spec.seed for spec in specs if spec.store}
        lives = known_lives(self.folder, self.ledger, resumable) if resumable else {}
        self.ledger.extend(
            "queued",
            [{**whose(spec), "script_sha256": self.script.sha256} for spec in specs],
        )
        launches = [entry["hash"] for entry in self.ledger.entries[-len(specs) :]]
        specs = [
            replace(spec, launch=launch, lives=lives.get(spec.seed, ()))
            for spec, launch in zip(specs, launches, strict=True)
        ]
        self.waiting |= {spec.seed: spec for spec in specs}
        # What only scores goes ahead: it takes the least, and tells whether the others are worth their training.
        for spec in sorted(specs, key=lambda spec: spec.trained is None):
            backend.submit(spec, front=front)

    def stop(self, backend: Backend, reason: str) -> None:
        """Start nothing more: seeds that wait are withdrawn, those that run go on to their ends."""
        if self.stopped:
            return
        self.stopped = True
        withdrawn = [spec.seed for spec in self._withdraw(backend, reason)]
        self.ledger.append("stopped", reason=reason)
        self.progress.stopped(reason, [*withdrawn, *(one.seed for one in self.held)])

    def _withdraw(self, backend: Backend, reason: str) -> list[AttemptSpec]:
        """Take back the attempts that wait; they never were."""
        withdrawn = [spec for spec in backend.withdraw() if self.waiting.pop(spec.seed, None) is not None]
        for spec in withdrawn:
            with suppress(OSError):
                self.folder.attempt(spec.seed, spec.attempt).path.rmdir()
        self.ledger.extend("withdrawn", [{**whose(spec), "reason": reason} for spec in withdrawn])
        return withdrawn

    def again(self, backend: Backend, seed: int, *, front: bool) -> None:
        """Launch another attempt after one that came to nothing, unless the job's tries are used up."""
        self.tries[seed] = self.tries.get(seed, 0) + 1
        if self.tries[seed] < self.plan.job.tries and not self.stopped:
            self.launch(backend, [seed], front=front)

    def begun(self, spec: AttemptSpec) -> AttemptSpec | None:
        """The attempt as it was queued where this is the first that is heard of it, which then waits no more."""
        waiting = self.waiting.get(spec.seed)
        if waiting is None or waiting.attempt != spec.attempt:
            return None
        del self.waiting[spec.seed]
        return waiting
