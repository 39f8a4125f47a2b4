"""What a person sees while seeds run: one row a seed, live on a terminal, plain lines everywhere else.

Of more seeds than a screen holds (MOST_ROWS): one line that counts them all, the rows of some that run, and a line
for each that ends badly. Rows are filled in when they are shown, so that what a message costs does not depend on the
number of seeds.
Shows what the scripts' logs say as it comes in; measured values are the record's business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from runner.drive.collect import Collector
from runner.drive.watch.seed_counts import SeedCounts
from runner.listing import listed
from runner.live.ahead import Ahead
from runner.live.outlook import Outlook, Running
from runner.live.phase_words import doing
from runner.live.seed_row import Row, table_of
from runner.live.words import bar, outlook_words
from runner.logs.log_facts import BPB, live_bpb_told, warm_up_told
from runner.printable import print_line
from runner.results.runs import RunResult

LINE_EVERY_S = 10.0
JOB_EVERY_S = 60.0
"""Between two lines about the whole job, where no screen is drawn."""
LOOK_EVERY_S = 1.0
"""How long the rest of a job is taken to be as it was worked out last."""
MOST_ROWS = 40
"""As many seeds have a row or lines of their own."""
CROWD_ROWS = 12
"""Rows shown of more."""


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else ""


class Progress:
    """A context in which `update` redraws a table (terminal) or prints a line now and then (anything else)."""

    def __init__(
        self,
        console: Console,
        seeds: list[int],
        train_limit: float,
        clock: Callable[[], float] = time.monotonic,
        ahead: Ahead | None = None,
    ) -> None:
        """ahead: what is told of the rest of the job; None: nothing."""
        self.console = console
        self.rows = {seed: Row() for seed in seeds}
        self.running: dict[int, Collector] = {}
        """Seeds that run, in the order of their start."""
        self.crowd = len(seeds) > MOST_ROWS
        self.counts = SeedCounts(len(seeds), clock())
        self.told = clock()
        self.train_limit = train_limit
        self.ahead = ahead
        self.queued: Callable[[], int] = lambda: self.counts.states["waiting"]
        """How many attempts have not begun, those of seeds that are tried again among them."""
        self.held_back: Callable[[], Collection[int]] = tuple
        """Seeds that wait for the budget."""
        self.looked: tuple[float, Outlook] | None = None
        self.told_of_waiting: set[int] = set()
        self.job_told = -math.inf
        self.clock = clock
        self.live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self.table)

    def opening(self) -> None:
        """Say how many of many seeds are kept and how many wait."""
        if self.crowd:
            self.say(self.counts.line(self.clock()))

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.stop()
        if self.crowd:
            self.say(self.counts.line(self.clock()))

    def table(self) -> RenderableType:
        """The rows as they stand; called by a thread that draws, while messages come in."""
        running = list(self.running.items())
        for seed, collector in running[:MOST_ROWS]:
            self._fill(self.rows[seed], collector)
        if not self.crowd:
            self._explain_waiting(len(running))
            rows = table_of(self.rows)
            return rows if self.ahead is None else Group(Text(self.job_line(self.clock())), rows)
        room = max(3, min(CROWD_ROWS, self.console.height - 6))
        shown = {seed: self.rows[seed] for seed, _ in running[:room]}
        more = f"and {len(running) - len(shown):,} more that run" if len(running) > len(shown) else ""
        return Group(Text(self.job_line(self.clock())), table_of(shown), Text(more, "dim"))

    def job_line(self, now: float) -> str:
        """How many seeds stand where, how long the job still takes and what it costs."""
        line = self.counts.line(now, pace=self.crowd)
        told = "" if self.ahead is None else outlook_words(self._look(self.ahead, now))
        return f"{line}; {told}" if told else line

    def _look(self, ahead: Ahead, now: float) -> Outlook:
        """What is to be expected, worked out anew now and then: of many seeds that takes its time."""
        if self.looked is None or now - self.looked[0] >= LOOK_EVERY_S:
            running = [
                Running(
                    collector.held_seconds() or 0.0,
                    collector.readers["train"].facts.get("train_seconds"),
                    collector.phase == "eval",
                )
                for collector in list(self.running.values())
            ]
            self.looked = now, ahead.look(running, self.queued())
        return self.looked[1]

    def _explain_waiting(self, running: int) -> None:
        """Say beside each seed that waits what it waits for."""
        if self.ahead is None:
            return
        held = set(self.held_back())
        for seed, row in self.rows.items():
            if row.state == "waiting":
                row.note = self.ahead.waits(running, held=seed in held)

    def update(self, seed: int, collector: Collector) -> None:
        """Show where a running attempt stands."""
        row = self.rows[seed]
        heard = collector.phase, len(collector.events), "steps" in collector.readers["train"].facts
        changed = heard != row.heard or seed not in self.running
        if changed:
            before, row.heard = row.state, heard
            kept = collector.spec.trained
            row.state = self._state(collector)
            row.note = "" if kept is None else f"the artifact of attempt {kept.by.attempt}"
            self.running[seed] = collector
            self.counts.ended -= before == "failed"  # it is tried again
            self.counts.move(before, row.state)
            changed = row.state != before
        now = self.clock()
        if self.crowd:
            self._now_and_then(now)
        elif not self.console.is_terminal and (changed or now - row.printed >= LINE_EVERY_S):
            self._fill(row, collector)
            self._line(seed, row)
            self._now_of_the_job(now)

    def _now_of_the_job(self, now: float) -> None:
        """Of a few seeds, in lines: the whole job, and once what each seed waits for that has waited for long."""
        if self.ahead is None or self.crowd or self.console.is_terminal or now - self.job_told < JOB_EVERY_S:
            return
        if self.job_told > -math.inf:
            self._explain_waiting(len(self.running))
            for seed, row in self.rows.items():
                if row.state == "waiting" and seed not in self.told_of_waiting:
                    self.told_of_waiting.add(seed)
                    self._line(seed, row)
        self.job_told = now
        self.say(self.job_line(now))

    def _now_and_then(self, now: float) -> None:
        if not self.console.is_terminal and now - self.told >= LINE_EVERY_S:
            self.told = now
            self.say(self.job_line(now))

    def _fill(self, row: Row, collector: Collector) -> None:
        """What the log of a running attempt says; of one that only scores, what its training said stays."""
        if collector.spec.trained is not None:
            return
        facts = collector.readers["train"].facts
        row.warm_up = warm_up_told(facts) if row.state in ("starting", "warming up") else ""
        steps = facts.get("steps")
        row.step = f"{steps:,}" if isinstance(steps, int) else ""
        loss = facts.get("train_loss")
        row.loss = _number(loss, 4)
        row.bpb = live_bpb_told(facts)
        if "train_seconds" in facts:
            row.clock = f"{facts['train_seconds']:.1f} / {self.train_limit:g} s"
            row.used = bar(facts["train_seconds"], self.train_limit)

    def _state(self, collector: Collector) -> str:
        happened = {name for phase, name, _ in collector.events if phase == collector.phase}
        told = collector.spec.outputs is not None and "steps" in collector.readers["train"].facts
        return doing(collector.phase, happened, stepped=told)

    def finished(self, seed: int, result: RunResult) -> None:
        """Show how an attempt ended."""
        note = result.reason.splitlines()[0] if result.reason else ""
        collector = self.running.pop(seed, None)
        if collector is not None:
            self._fill(self.rows[seed], collector)
            if self.ahead is not None:
                whole = result.status == "completed" and result.training is None
                self.ahead.ended(collector.held_seconds(), whole=whole)
                self.looked = None
        row = self._settle(seed, result, note)
        self.counts.ended += result.status != "lost"
        if not self.crowd:
            self._line(seed, row)
            if self.running or self.queued():
                self.job_told = min(self.job_told, self.clock() - JOB_EVERY_S)
                self._now_of_the_job(self.clock())
            return
        if result.status != "completed":
            self.say(f"seed {seed}: {row.state}  {note}".rstrip())
        self._now_and_then(self.clock())

    def kept(self, seed: int, result: RunResult) -> None:
        """Show a seed that an earlier run finished; of many `opening` tells their number."""
        if not self.crowd:
            self.say(f"seed {seed}: already finished (attempt {result.attempt}), kept")
        self._settle(seed, result, "kept from an earlier run")

    def stopped(self, reason: str, withdrawn: Iterable[int], note: str = "the same failure twice") -> None:
        """Show that nothing more is started, and which of the seeds that were withdrawn never was."""
        never = sorted(seed for seed in withdrawn if self.rows[seed].state == "waiting")
        for seed in never:
            self.counts.move("waiting", "not started")
            self.rows[seed].state, self.rows[seed].note = "not started", note
        self.say(f"stopped: {reason}" + (f"; never started: seed {listed(never)}" if never else ""))

    def say(self, line: str) -> None:
        """A line that belongs to no seed."""
        print_line(self.console, line)

    def _settle(self, seed: int, result: RunResult, note: str) -> Row:
        row = self.rows[seed]
        self.counts.move(row.state, result.status)
        row.state, row.note, row.heard, row.warm_up = result.status, note, ("", 0, False), ""
        if result.final_score is not None:
            if result.status == "completed":
                self.counts.score(result.final_score.val_bpb)
            row.bpb = f"{result.final_score.val_bpb:.4f}"
            row.loss = f"{result.final_score.val_loss:.4f}"
        return row

    def _line(self, seed: int, row: Row) -> None:
        if self.console.is_terminal:
            return
        row.printed = self.clock()
        named = (
            ("step", row.step),
            ("loss", row.loss),
            (BPB if "@" in row.bpb else "bpb", row.bpb),
            ("clock", row.clock),
            ("", row.note),
        )
        text = "  ".join(f"{name} {value}".strip() for name, value in named if value)
        self.say(f"seed {seed}: {row.said}  {text}".rstrip())
