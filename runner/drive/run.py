"""`golf run`, once planned: job in, finished seeds and everything a record is written from out.

Plan, one script, attempts on a backend, verification, verdict: each step passes values to the next. What is
already finished under the same job, script and data is kept and never run again. Writing the record is the
caller's step (only the command line may know the reporter).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.backends.backend import Backend, LocalBackend, Lost
from runner.budget.gate import Gate
from runner.drive.assess import JudgedRun, assess, counted_result, publish
from runner.drive.collect import Collector, finished_attempt
from runner.drive.orders import attempt_spec, kept_trainings, known_lives, scoring_only
from runner.drive.progress import Progress
from runner.drive.recovery import adopt_results, adopt_trainings, open_ledger, remove_unfinished
from runner.drive.retry import Failures, ended_by_itself, may_be_chance
from runner.drive.why import failure_words
from runner.errors import UserError
from runner.files import locked, require_space, sha256_bytes, sha256_file, write_atomic
from runner.folder.held import held
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.repacks import is_repack
from runner.folder.runs import noted_driver
from runner.job.open_data import DataRequest
from runner.job.spec import of_the_run, without_folders
from runner.listing import listed
from runner.live.ahead import Ahead
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Remark, Started, TrainingEnded
from runner.node.node_check import slower_than
from runner.plan.plan import Plan
from runner.plan.run_time import gate_of
from runner.printable import print_line
from runner.results.nodes import NodeReport, Probe
from runner.results.runs import RunResult
from runner.script.bundle import Script
from runner.sequential.waves import waves
from runner.sinks.sinks import Sinks
from runner.sinks.told import opening, seed_done, seed_started, verdict, warning

Observe = Callable[[Collector], None]
Lay = Callable[[RunFolder, Ledger, Sequence[int]], None]


@contextmanager
def sole_driver(folder: RunFolder) -> Iterator[None]:
    """Hold the run folder; a second driver on the same job gets a UserError instead of a race."""
    try:
        with locked(folder.lock, wait=False):
            yield
    except BlockingIOError:
        raise UserError(
            f"{folder.path}: another golf is running this very job; wait for it, or stop it first"
        ) from None


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


class Driver:
    """Runs the seeds that are not finished yet; its state is on disk, in the run folder."""

    def __init__(
        self,
        plan: Plan,
        script: Script,
        folder: RunFolder,
        ledger: Ledger,
        progress: Progress,
        observe: Observe | None = None,
        *,
        any_completed: bool = False,
        sinks: Sinks | None = None,
        gate: Gate | None = None,
    ) -> None:
        """any_completed: whether an earlier run has completed a seed of this very script. sinks: who else is told.
        gate: of the job's budget.
        """
        self.plan = plan
        self.script = script
        self.folder = folder
        self.ledger = ledger
        self.progress = progress
        progress.queued = lambda: len(self.waiting) + len(self.held)
        progress.held_back = lambda: [one.seed for one in list(self.held)]
        self.observe = observe
        self.sinks = sinks or Sinks()
        self.gate = gate
        self.held: list[Pending] = []
        """Seeds that wait for room in the budget, or for those that run to tell what a seed takes."""
        self.has_run = False
        """Whether any attempt has begun; if none can, that is the user's to mend and no verdict."""
        self.waiting: dict[int, AttemptSpec] = {}
        """Attempts that have said nothing yet."""
        self.collectors: dict[int, Collector] = {}
        """Those that run, and no others: what a message costs must not depend on how many seeds there were."""
        self.tries: dict[int, int] = {}
        """Seed -> its attempts in this run that came to nothing."""
        self.failures = Failures()
        self.any_completed = any_completed
        self.stopped = False
        """Nothing is started or tried again: the same failure came twice."""
        self.busy: Counter[str] = Counter()
        """Node -> our seeds on it."""
        self.free_since: dict[str, float] = {}
        """Node -> when our last seed on it ended."""
        self.probes: dict[str, list[Probe]] = {}
        """Kind of node -> speeds of those that the ledger has seen and not refused."""
        for entry in ledger.entries:
            if entry["kind"] == "checked" and not entry["refused"] and entry["report"]["probe"] is not None:
                probe = Probe.model_validate(entry["report"]["probe"])
                self.probes.setdefault(entry["report"]["hardware"], []).append(probe)

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

    def _spent(self, backend: Backend) -> None:
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

    def _out_of_budget(self, gate: Gate) -> None:
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

    def drive(self, backend: Backend, seeds: list[int]) -> None:
        """Run `seeds` to their results; OSError when this disk is full, Interrupted when stopped, UserError when no
        node will do and nothing has run.
        """
        backend.admit = self.admit
        try:
            self.launch(backend, seeds, afresh={s for s in seeds if ended_by_itself(self.folder.attempts(s))})
            with closing(backend.messages()) as messages:
                for spec, message in messages:
                    if isinstance(message, Lost) and message.final and not self.has_run:
                        raise UserError(f"{self.folder.path.name}: nothing has run: {message.reason}")
                    collector = self._collector(spec)
                    if collector is None:
                        continue  # an attempt that has ended clears up; another of its seed may be under way
                    if isinstance(message, Lost):
                        self._lost(backend, spec, collector, message)
                        self._spent(backend)
                        continue
                    if isinstance(message, Started):
                        self.has_run = True
                        self.ledger.append("launched", **whose(spec), node=message.node)
                        collector.launched = time.monotonic()
                        collector.idle_seconds = self._idle_seconds(message.node)
                        self.busy[message.node] += 1
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
                        self.free_since[collector.node] = time.monotonic()
                        self._ended(spec, collector.result)
                        self._go_on(backend, collector.result, scores=collector.trained is not None)
                        self._spent(backend)
            if self.held and self.gate is not None and not self.stopped:
                self._out_of_budget(self.gate)
        except OSError as error:
            error.filename = error.filename or str(self.folder.path)  # a full disk does not say where it is full
            raise
        finally:
            backend.close()
            self._cut_short()

    def _collector(self, spec: AttemptSpec) -> Collector | None:
        """What takes the attempt's messages; None once it has ended."""
        waiting = self.waiting.get(spec.seed)
        if waiting is not None and waiting.attempt == spec.attempt:
            del self.waiting[spec.seed]
            self.collectors[spec.seed] = Collector(waiting, self.folder.attempt(spec.seed, spec.attempt))
        collector = self.collectors.get(spec.seed)
        return None if collector is None or collector.spec.attempt != spec.attempt else collector

    def _idle_seconds(self, node: str) -> float | None:
        """How long a node on which a seed begins has stood idle; None for its first, or while others run there."""
        ended = self.free_since.get(node)
        return None if ended is None or self.busy[node] else round(time.monotonic() - ended, 3)

    def admit(self, report: NodeReport) -> list[str]:
        """Put a node's report into the ledger; the reasons for which it is refused.

        A node is held against the median of this ledger's earlier probes of its kind; before there are three, how it
        compares is not known and refuses nothing.
        """
        earlier = self.probes.get(report.hardware, [])
        slow = [] if report.probe is None else slower_than(report.probe, earlier) or []
        refused = [*report.problems, *slow]
        if not refused and report.probe is not None:
            self.probes.setdefault(report.hardware, []).append(report.probe)
        self.ledger.append("checked", node=report.node, report=report.model_dump(mode="json"), refused=refused)
        for reason in refused:
            self.progress.say(f"node {report.host} is refused: {reason}")
        return refused

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
            self.busy[collector.node] -= 1
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
                self._stop(backend, told)
        elif may_be_chance(result):
            self._again(backend, result.seed, front=scores or result.status == "lost")

    def _stop(self, backend: Backend, reason: str) -> None:
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

    def _lost(self, backend: Backend, spec: AttemptSpec, collector: Collector, lost: Lost) -> None:
        result = collector.finish("failed" if lost.final else "lost", lost.reason)
        self._ended(spec, result)
        if not lost.final:
            self._go_on(backend, result, scores=collector.trained is not None)

    def _again(self, backend: Backend, seed: int, *, front: bool) -> None:
        """Launch another attempt after one that came to nothing, unless the job's tries are used up."""
        self.tries[seed] = self.tries.get(seed, 0) + 1
        if self.tries[seed] < self.plan.job.tries and not self.stopped:
            self.launch(backend, [seed], front=front)

    def _cut_short(self) -> None:
        """Note the attempts that our own end cut short; on a full disk even that may fail, and must not mask why."""
        begun, waiting = list(self.collectors.values()), list(self.waiting.values())
        for collector in begun:
            collector.close()
        for spec in waiting:
            with suppress(OSError):
                self.folder.attempt(spec.seed, spec.attempt).path.rmdir()
        with suppress(OSError):
            self.ledger.extend("finished", [self._end(collector) for collector in begun])
            self.ledger.extend("withdrawn", [{"seed": spec.seed, "attempt": spec.attempt} for spec in waiting])


def register(ledger: Ledger, plan: Plan, script: Script, seeds: Sequence[int]) -> None:
    """Put seeds, script and job into the ledger before anything is launched, unless they stand there already."""
    known = ledger.registered_seeds()
    new = [seed for seed in seeds if seed not in known]
    if new:
        ledger.append(
            "registered",
            seeds=new,
            script_sha256=script.sha256,
            job=plan.resolved["name"],
            job_sha256=job_sha256(plan),
        )


def job_sha256(plan: Plan) -> str:
    """Of the resolved job without its seeds, as ledgers name it."""
    return sha256_bytes(json.dumps({**of_the_run(plan.resolved), "seeds": []}, sort_keys=True).encode())


def run_name(plan: Plan, script: Script) -> str:
    """The run folder's name."""
    return f"{plan.job.name}-{plan.hash8(script.sha256)}"


def all_finished(plan: Plan, script: Script, root: Path) -> bool:
    """Whether every seed of the job has a result that counts, so that running it starts nothing."""
    folder = RunFolder(root / "runs" / run_name(plan, script))
    try:
        vouched = Ledger(folder.ledger, read_only=True).finished_hashes()
    except (UserError, OSError):
        return False
    return bool(plan.job.seeds) and all(
        finished_attempt(folder.attempts(seed), script.sha256, vouched) is not None for seed in plan.job.seeds
    )


def require_run(plan: Plan, script: Script, name: str) -> None:
    """UserError unless this job, script, data and hardware lead to the run folder `name`."""
    if run_name(plan, script) != name:
        raise UserError(
            f"{name}: its data or hardware are others now and would make another run, {run_name(plan, script)}. "
            "Bring back what was there, or run the job anew"
        )


def run_seeds(
    plan: Plan,
    script: Script,
    folder: RunFolder,
    ledger: Ledger,
    console: Console,
    seeds: Sequence[int],
    make_backend: Callable[[DataRequest], Backend],
    observe: Observe | None,
    lay: Lay | None = None,
    sinks: Sinks | None = None,
    gate: Gate | None = None,
) -> None:
    """Run those of `seeds` that are not finished yet. lay, sinks: see run_plan. gate: of the job's budget."""
    ahead = Ahead(plan, ledger.entries)
    progress = Progress(console, list(seeds), plan.limits.train_seconds, ahead=ahead)
    waiting, vouched, completed = [], ledger.finished_hashes(), ledger.completed()
    for seed in seeds:
        kept = finished_attempt(folder.attempts(seed), script.sha256, vouched)
        if kept is None:
            waiting.append(seed)
            if seed in completed:
                progress.say(
                    f"seed {seed}: attempt {completed[seed]} completed, but its result or artifact is gone or "
                    "was changed; it runs again, and the ledger tells of both"
                )
        else:
            progress.kept(seed, kept)
    if plan.forecast is not None:  # of a script that is not ours, nobody knows what it writes
        what = f"the artifacts of {len(waiting):,} seeds" if len(waiting) > 1 else "the artifact of a seed"
        require_space(folder.path, plan.forecast.low * len(waiting), what)
    register(ledger, plan, script, seeds)
    progress.opening()
    if waiting and lay is not None:
        lay(folder, ledger, waiting)
    if waiting:
        if gate is not None:
            progress.say(gate.outlook(len(waiting)))
        request = replace(plan.request, files=plan.data.facts.files)
        with progress:
            any_completed = len(waiting) < len(seeds) or bool(completed)
            more: dict[str, Any] = {"any_completed": any_completed, "sinks": sinks, "gate": gate}
            driver = Driver(plan, script, folder, ledger, progress, observe, **more)
            backend = make_backend(request)
            ahead.local = isinstance(backend, LocalBackend)
            driver.drive(backend, waiting)


@contextmanager
def opened_run(
    plan: Plan, script: Script, root: Path, console: Console, way: Mapping[str, str | bool] | None = None
) -> Iterator[tuple[RunFolder, Ledger]]:
    """The job's run folder as its sole driver has it, brought in order, and its ledger. way: see run_plan."""
    folder = RunFolder(root / "runs" / run_name(plan, script))
    with sole_driver(folder), noted_driver(folder, way or {}):
        write_atomic(folder.job, json.dumps(plan.resolved, indent=2) + "\n")
        write_atomic(folder.script, script.source)
        if script.flat:
            write_atomic(folder.flat_script, script.flat)
        for name, content in script.files.items():
            write_atomic(folder.files / name, content)
        ledger = open_ledger(folder, console)
        remove_unfinished(folder.path)
        adopt_results(folder, ledger, script.sha256)
        adopt_trainings(folder, ledger, script.sha256)
        yield folder, ledger


def run_plan(
    plan: Plan,
    script: Script,
    root: Path,
    console: Console,
    make_backend: Callable[[DataRequest], Backend] = LocalBackend,
    way: Mapping[str, str | bool] | None = None,
    observe: Observe | None = None,
    lay: Lay | None = None,
    sinks: Sinks | None = None,
) -> JudgedRun:
    """Run a planned job to its verdict; see the module's first lines.

    way: how to go on with it (runner.folder.runs). observe: is shown each attempt's collector after every message.
    lay: brings in trainings that ended elsewhere, of the seeds that wait, once they are registered.
    sinks: who else is told how it goes.
    """
    job, sinks = plan.job, sinks or Sinks()
    with opened_run(plan, script, root, console, way) as (folder, ledger):
        spent = list(held(folder, ledger.entries))
        gate = gate_of(plan, spent)
        if gate is not None and not spent and lay is None and not gate.fits(gate.expected()):
            raise UserError(f"{folder.path.name}: {gate.refusal()}")
        patterns = [job.outputs.step] if job.script is not None else []
        sinks.tell(opening(folder.path.name, without_folders(plan.resolved), patterns))

        def result_of(seed: int) -> RunResult | None:
            return counted_result(folder, seed, script.sha256, ledger.finished_hashes())

        def say(line: str) -> None:
            print_line(console, line)

        for seeds in waves(job, ledger, result_of, say):
            run_seeds(plan, script, folder, ledger, console, seeds, make_backend, observe, lay, sinks, gate)
        done = assess(plan, script, folder, ledger)
        publish(ledger, done.data)
        sinks.tell(verdict(done.data))
        return done
