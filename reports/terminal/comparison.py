"""What `golf compare` prints: both arms, the gain, the outcome, and what it would take."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports import comparison_words as words
from reports.markdown import one_line
from reports.numbers import MISSING, fixed
from runner.listing import MOST, SHOWN, few
from runner.results.comparisons import Arm, Comparison
from runner.statistics import Sample

STYLES = {"holds": "bold green", "not shown": "bold red", "undecided": "bold yellow"}


def terminal_comparison(found: Comparison, differ: Sequence[str] | None = None) -> RenderableType:
    """A renderable of the whole comparison; hostile names are plain text.

    differ: what tells both jobs apart, where both are records of ours.
    """
    lines = [words.tests(found), *words.power_lines(found)]
    parts: list[RenderableType] = [_named("A", found.baseline), _named("B", found.candidate), Text()]
    parts += [Text(line) for line in difference_lines(differ)]
    parts += [arms_table(found), Text(), outcome_lines(found)]
    parts += [Text(one_line(line)) for line in lines if line]
    parts += [Text(f"Note: {one_line(note)}.", "yellow") for note in found.notes]
    return Group(*parts)


def difference_lines(differ: Sequence[str] | None) -> list[str]:
    """What A and B have other than each other, then an empty line; nothing where that is not known."""
    if differ is None:
        return []
    if not differ:
        return ["A and B have the same job, script and data", ""]
    return ["what A and B differ in:", *(f"  {one_line(line)}" for line in few(differ)), *_more(len(differ)), ""]


def _more(count: int) -> list[str]:
    return [f"  and {count - SHOWN:,} more"] if count > MOST else []


def outcome_lines(found: Comparison) -> RenderableType:
    """The outcome, why where it cannot be decided, and the gain."""
    parts: list[RenderableType] = [Text(words.outcome(found), STYLES[found.outcome])]
    parts += [Padding(Text(f"- {one_line(reason)}"), (0, 0, 0, 2)) for reason in found.obstacles]
    parts += [Padding(Text(line), (0, 0, 0, 2)) for line in words.look_lines(found.sequential)]
    gain = words.gain(found)
    return Group(*parts, *([Text(one_line(gain))] if gain else []))


def _named(letter: str, arm: Arm) -> Text:
    """An arm's name, what its scores rest on, and its verdict."""
    known = ", ".join(word for word in (arm.origin, arm.verdict) if word)
    name = "" if arm.name == letter else one_line(arm.name)
    return Text.assemble((f"{letter}  ", "bold"), name, f" ({known})" if known and name else known)


def arms_table(found: Comparison) -> Table:
    """Both arms in both units, as far as they are known."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in ("", "unit", "n", "mean", "std", "std error", "95 % from", "to"):
        table.add_column(head, justify="left" if head in ("", "unit") else "right", no_wrap=True)
    for letter, bpb, nats in (
        ("A", found.baseline_bpb, found.baseline_nats),
        ("B", found.candidate_bpb, found.candidate_nats),
    ):
        table.add_row(letter, "bpb", *_cells(bpb, 6))
        if nats is not None:
            table.add_row("", "nats/token", *_cells(nats, 5))
    return table


def _cells(sample: Sample | None, digits: int) -> list[str]:
    if sample is None:
        return ["0", *[MISSING] * 5]
    values = (sample.mean, sample.std, sample.standard_error, sample.low, sample.high)
    return [str(sample.n), *(fixed(value, digits) for value in values)]
