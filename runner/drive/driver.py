"""The loop of a run: what attempts say is collected, shown and put into the ledger; each end has its consequence."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from runner.backends.backend import Backend, Lost
from runner.drive.admission import NodesSeen
from runner.drive.collect import Collector
from runner.drive.launching import Launcher, whose
from runner.drive.retry import Failures, ended_by_itself, may_be_chance
from runner.drive.why import failure_words
from runner.errors import UserError
from runner.files import sha256_file
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Remark, Started, TrainingEnded
from runner.results.runs import RunResult
from runner.sinks.told import seed_done, seed_started

Observe = Callable[[Collector], None]


class Driver:
    """Runs the seeds that are not finished yet; its state is on disk, in the run folder."""

    def __init__(self, launcher: Launcher, observe: Observe | None = None, *, any_completed: bool = False) -> None:
        """launcher: starts attempts. any_completed: whether an earlier run completed a seed of this script."""
        self.launcher = launcher
        self.folder = launcher.folder
        self.ledger = launcher.ledger
        self.progress = launcher.progress
        self.sinks = launcher.sinks
        self.gate = launcher.gate
        self.observe = observe
        self.nodes = NodesSeen(self.ledger, self.progress.say)
        self.has_run = False
        """Whether any attempt has begun; if none can, that is the user's to mend and no verdict."""
        self.collectors: dict[int, Collector] = {}
        """Those that run, and no others: what a message costs must not depend on how many seeds there were."""
        self.failures = Failures()
        self.any_completed = any_completed

    def drive(self, backend: Backend, seeds: list[int]) -> None:
        """Run `seeds` to their results; OSError when this disk is full, Interrupted when stopped, UserError when no
        node will do and nothing has run.
        """
        backend.admit = self.nodes.admit
        try:
            afresh = {seed for seed in seeds if ended_by_itself(self.folder.attempts(seed))}
            self.launcher.launch(backend, seeds, afresh=afresh)
            with closing(backend.messages()) as messages:
                for spec, message in messages:
                    if isinstance(message, Lost) and message.final and not self.has_run:
                        raise UserError(f"{self.folder.path.name}: nothing has run: {message.reason}")
                    collector = self._collector(spec)
                    if collector is None:
                        continue  # an attempt that has ended clears up; another of its seed may be under way
                    if isinstance(message, Lost):
                        self._lost(backend, spec, collector, message)
                        self.launcher.spent(backend)
                        continue
                    if isinstance(message, Started):
                        self.has_run = True
                        self.ledger.append("launched", **whose(spec), node=message.node)
                        collector.launched = time.monotonic()
                        collector.idle_seconds = self.nodes.begun(message.node)
                        log = "" if spec.trained else str(collector.folder.log("train").absolute())
                        self.sinks.tell(seed_started(spec.seed, spec.attempt, log))
                        if self.gate is not None:
                            self.gate.begin(spec.seed)
                    if isinstance(message, Remark):
                        self.progress.say(f"seed {spec.seed}: {message.words}")
                    collector.take(message)
                    if isinstance(message, TrainingEnded) and collector.trained is not None:
                        self._trained(spec, collector)
                    if self.observe is not None:
                        self.observe(collector)
                    if collector.result is None:
                        self.progress.update(spec.seed, collector)
                    else:
                        self.nodes.idle_from_now(collector.node)
                        self._ended(spec, collector.result)
                        self._go_on(backend, collector.result, scores=collector.trained is not None)
                        self.launcher.spent(backend)
            if self.launcher.held and self.gate is not None and not self.launcher.stopped:
                self.launcher.out_of_budget(self.gate)
        except OSError as error:
            error.filename = error.filename or str(self.folder.path)  # a full disk does not say where it is full
            raise
        finally:
            backend.close()
            self._cut_short()

    def _collector(self, spec: AttemptSpec) -> Collector | None:
        """What takes the attempt's messages; None once it has ended."""
        begun = self.launcher.begun(spec)
        if begun is not None:
            self.collectors[spec.seed] = Collector(begun, self.folder.attempt(spec.seed, spec.attempt))
        collector = self.collectors.get(spec.seed)
        return None if collector is None or collector.spec.attempt != spec.attempt else collector

    def _end(self, collector: Collector) -> dict[str, Any]:
        """What the ledger says of an attempt's end: interrupted, unless its result is already on disk."""
        spec, held = collector.spec, collector.held_seconds()
        end: dict[str, Any] = {**whose(spec), "status": "interrupted"}
        if collector.result is not None and collector.folder.result.is_file():
            sha256 = sha256_file(collector.folder.result)
            end |= {"status": collector.result.status, "result_sha256": sha256}
        return end if held is None else {**end, "held_seconds": held}

    def _ended(self, spec: AttemptSpec, result: RunResult) -> None:
        collector = self.collectors[spec.seed]
        self.ledger.append("finished", **self._end(collector))
        del self.collectors[spec.seed]
        if collector.node:
            self.nodes.ended(collector.node)
        self.progress.finished(spec.seed, result)
        self.sinks.tell(seed_done(result))
        if self.gate is not None:
            completed, scored_only = result.status == "completed", spec.trained is not None
            self.gate.end(spec.seed, collector.held_seconds(), completed=completed, scored_only=scored_only)

    def _trained(self, spec: AttemptSpec, collector: Collector) -> None:
        """Let the ledger vouch for a training that ended well: whatever dies now, it is not done again."""
        facts = {"trained_sha256": sha256_file(collector.folder.trained)}
        if collector.kept is not None:
            facts["kept_sha256"] = collector.kept.sha256
        self.ledger.append("trained", seed=spec.seed, attempt=spec.attempt, **facts)

    def _go_on(self, backend: Backend, result: RunResult, *, scores: bool) -> None:
        """Decide what an attempt's end means for its seed and for all others. scores: its training is kept."""
        self.any_completed = self.any_completed or result.status == "completed"
        before = self.failures.earlier(result)
        if before and result.failure is not None:
            told = (
                f"the same failure twice: {failure_words(result.failure, result.reason)} "
                f"({before}, then seed {result.seed} attempt {result.attempt})"
            )
            if self.any_completed:
                self.progress.say(f"seed {result.seed} is not tried again: {told}")
            else:
                self.launcher.stop(backend, told)
        elif may_be_chance(result):
            self.launcher.again(backend, result.seed, front=scores or result.status == "lost")

    def _lost(self, backend: Backend, spec: AttemptSpec, collector: Collector, lost: Lost) -> None:
        result = collector.finish("failed" if lost.final else "lost", lost.reason)
        self._ended(spec, result)
        if not lost.final:
            self._go_on(backend, result, scores=collector.trained is not None)

    def _cut_short(self) -> None:
        """Note the attempts that our own end cut short; on a full disk even that may fail, and must not mask why."""
        begun, waiting = list(self.collectors.values()), list(self.launcher.waiting.values())
        for collector in begun:
            collector.close()
        for spec in waiting:
            with suppress(OSError):
                self.folder.attempt(spec.seed, spec.attempt).path.rmdir()
        with suppress(OSError):
            self.ledger.extend("finished", [self._end(collector) for collector in begun])
            self.ledger.extend("withdrawn", [{"seed": spec.seed, "attempt": spec.attempt} for spec in waiting])
