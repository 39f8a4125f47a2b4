"""What `golf compare` prints: both arms, the gain, the outcome, and what it would take."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports import comparison_words as words
from reports.markdown import one_line
from reports.numbers import MISSING, fixed
from runner.results import Comparison
from runner.statistics import Sample

STYLES = {"holds": "bold green", "not shown": "bold red", "undecided": "bold yellow"}


def terminal_comparison(found: Comparison) -> RenderableType:
    """A renderable of the whole comparison; hostile names are plain text."""
    lines = [words.gain(found), words.tests(found), *words.power_lines(found)]
    parts: list[RenderableType] = [
        arms_table(found),
        Text(),
        Text(one_line(words.outcome(found)), STYLES[found.outcome]),
    ]
    parts += [Text(one_line(line)) for line in lines if line]
    parts += [Text(f"Note: {one_line(note)}.", "yellow") for note in found.notes]
    return Group(*parts)


def arms_table(found: Comparison) -> Table:
    """Both arms in both units, as far as they are known."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("of", overflow="fold")
    for head in ("unit", "n", "mean", "std", "std error", "95 % from", "to"):
        table.add_column(head, justify="left" if head == "unit" else "right", no_wrap=True)
    arms = (
        ("A", found.baseline, found.baseline_bpb, found.baseline_nats),
        ("B", found.candidate, found.candidate_bpb, found.candidate_nats),
    )
    for letter, arm, bpb, nats in arms:
        name = arm.name if arm.name != letter else ""
        verdict = arm.verdict or arm.origin
        table.add_row(letter, Text(one_line(f"{name} ({verdict})" if name else verdict)), "bpb", *_cells(bpb, 6))
        if nats is not None:
            table.add_row("", "", "nats/token", *_cells(nats, 5))
    return table


def _cells(sample: Sample | None, digits: int) -> list[str]:
    if sample is None:
        return ["0", *[MISSING] * 5]
    values = (sample.mean, sample.std, sample.standard_error, sample.low, sample.high)
    return [str(sample.n), *(fixed(value, digits) for value in values)]
