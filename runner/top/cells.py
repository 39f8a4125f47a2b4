"""Cells of the screen and of the plain table: what each column says of a seed or a run, and how it is sorted.

Text from outside goes in as `Text`, never as markup. Colour underlines what the words say already. What is not known
is a dash. A narrow screen gets the short form of a cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text

from runner.live.words import DASH, bar, dollars, left_told, sparkline, total_told
from runner.top.views import RunView, SeedView, shown

STYLES = {
    "completed": "green",
    "passed": "green",
    "running": "cyan",
    "training": "cyan",
    "scoring": "cyan",
    "failed": "bold red",
    "timeout": "bold red",
    "rejected": "red",
    "lost": "red",
    "interrupted": "yellow",
    "unverified": "yellow",
    "unknown": "yellow",
}
ENDED = ("completed", "failed", "timeout", "lost")
BAR_WIDTH, SHORT_BAR = 8, 4
CURVE_WIDTH, SHORT_CURVE = 10, 6
MOST_NOTE = 60
SPARE_S = 1.0
"""Over a limit of the clock by no more is no fault yet: the record judges it."""

SortKey = tuple[int, float, str]
"""What is not known comes last."""
Cell = Callable[[RunView, SeedView, int], Text]
"""Of a run and its seed: in full (0), short (1), or as short as can be (2)."""


@dataclass(frozen=True)
class Column:
    """One column of seeds."""

    name: str
    head: str
    cell: Cell
    key: Callable[[RunView, SeedView], float | str | None]
    right: bool = False
    short_head: str = ""
    """As short as can be, where it is another."""

    def title(self, short: int) -> str:
        """Its head."""
        return (self.short_head if short > 1 else "") or self.head


def sort_key(column: Column, run: RunView, seed: SeedView) -> SortKey:
    """Of a seed in a column."""
    value = column.key(run, seed)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return 1, 0.0, ""
    return (0, 0.0, value) if isinstance(value, str) else (0, float(value), "")


def number(value: float | None, digits: int = 0) -> str:
    """With thousands apart; a dash where it is not known."""
    return DASH if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def run_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """The run's name, in short its job's."""
    name = run.run.rpartition("-")[0] if short else ""
    return Text(shown(name or run.run))


def state_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """The state, and in colour whether it is good."""
    state = "waiting" if seed.waits else shown(seed.state, 16)
    return Text(state, "cyan" if seed.runs else STYLES.get(state, ""))


def step_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """`180`, or `180 of 200` where training ends by steps."""
    if seed.step is None or run.iterations is None or not seed.runs or short:
        return Text(number(seed.step))
    return Text(f"{seed.step:,} of {run.iterations:,}")


def curve_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """The course of its loss."""
    return Text(sparkline(seed.curve, SHORT_CURVE if short else CURVE_WIDTH), "cyan")


def clock_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """The training clock against its limit: `███░░░░░ 212 / 600 s`; two figures where the truth lies between them."""
    limit, high = run.train_limit_seconds, seed.clock
    if high is None:
        return Text(DASH)
    low = high if seed.clock_low is None else seed.clock_low
    ends = dict.fromkeys(number(end, 0 if end >= 100 else 1) for end in (low, high))
    slash = "/" if short else " / "
    told = f"{' to '.join(ends)}{slash}{DASH if limit is None else f'{limit:g}'} s"
    style = "red" if limit is not None and low > limit + SPARE_S else "cyan"
    return Text.assemble((bar(high, limit, SHORT_BAR if short else BAR_WIDTH), style), " ", told)


def size_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """Script and artifact against the cap, in MB: `███████░ 15.88 MB`; `~` for what is only expected.

    As short as can be it is the figure alone.
    """
    size, cap = seed.size_bytes, run.cap_bytes
    if size is None:
        return Text(DASH)
    counted, best = size.basis == "counted", size.expected
    between = f"{megabytes(size.low)} to {megabytes(size.high)}"
    if best is None:
        told = f"{between} MB"
    elif counted or short or size.low is None:
        told = f"{'' if counted else '~'}{megabytes(best)} MB"
    else:
        told = f"~{megabytes(best)} ({between}) MB"
    over = counted and best is not None and cap is not None and best > cap
    style = "red" if over else "green" if counted else "dim"
    told += " OVER" if over else ""
    if short > 1:
        return Text(told, "red" if over else "")
    return Text.assemble((bar(best, cap, SHORT_BAR if short else BAR_WIDTH), style), " ", told)


def megabytes(size: int | None) -> str:
    """Of bytes, three digits; near the cap five, which tell on which side it is."""
    if size is None:
        return DASH
    return f"{size / 1e6:.3f}" if 15_500_000 <= size <= 16_500_000 else f"{size / 1e6:.3g}"


def note_cell(run: RunView, seed: SeedView, short: int) -> Text:
    """What it waits for, or why it ended as it did."""
    told = seed.waits_for if seed.waits else "" if seed.runs else seed.note
    return Text(shown(told, MOST_NOTE), "dim")


COLUMNS = (
    Column("run", "run", run_cell, lambda run, seed: run.run),
    Column("seed", "seed", lambda run, seed, short: Text(str(seed.seed)), lambda run, seed: seed.seed, right=True),
    Column("state", "state", state_cell, lambda run, seed: seed.state),
    Column("step", "step", step_cell, lambda run, seed: seed.step, right=True),
    Column(
        *("loss", "loss"),
        lambda run, seed, short: Text(number(seed.loss, 4)),
        lambda run, seed: seed.loss,
        right=True,
    ),
    Column("curve", "course", curve_cell, lambda run, seed: seed.loss),
    Column(
        *("bpb", "bpb"),
        lambda run, seed, short: Text(number(seed.bpb, 4) if short else shown(seed.bpb_told) or number(seed.bpb, 4)),
        lambda run, seed: seed.bpb,
        right=True,
    ),
    Column("clock", "train clock", clock_cell, lambda run, seed: seed.clock),
    Column("size", "bytes of the cap", size_cell, lambda run, seed: seed.size, short_head="bytes"),
    Column(
        *("cost", "cost"),
        lambda run, seed, short: Text(dollars(seed.dollars)),
        lambda run, seed: seed.dollars,
        right=True,
    ),
    Column("node", "node", lambda run, seed, short: Text(shown(seed.node, 20) or DASH), lambda run, seed: seed.node),
    Column("note", "", note_cell, lambda run, seed: seed.note),
)


def counts(run: RunView) -> str:
    """`1/3 ended, 1 runs, 1 waits`."""
    running = sum(seed.runs for seed in run.seeds)
    waiting = sum(seed.waits for seed in run.seeds)
    parts = [f"{sum(seed.state in ENDED for seed in run.seeds):,}/{len(run.seeds):,} ended"]
    parts += [f"{running:,} run{'s' if running == 1 else ''}"] if running else []
    parts += [f"{waiting:,} wait{'s' if waiting == 1 else ''}"] if waiting else []
    return ", ".join(parts)


RUN_HEADS = ("run", "it is", "seeds", "left", "spent", "in all", "")


def run_cells(run: RunView) -> tuple[Text, ...]:
    """A run as RUN_HEADS name it."""
    state, look = shown(run.state, 24), run.outlook
    told = run.problem or (f"stopped: {run.stopped}" if run.stopped else "")
    return (
        Text(shown(run.run)),
        Text(state, STYLES.get(state, "")),
        Text(DASH if run.problem else counts(run)),
        Text(left_told(look)),
        Text(dollars(look.spent, at_least=look.at_least)),
        Text(total_told(look)),
        Text(shown(told, MOST_NOTE), "red"),
    )
