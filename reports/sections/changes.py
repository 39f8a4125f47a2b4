"""The README's sections on where a job comes from: what it changed, whose techniques it uses, what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.markdown import Markdown, code, escaped, table
from reports.numbers import MISSING, fixed, signed
from reports.sections.model import shown_value
from runner.results.attribution import Attribution, Change
from runner.results.record import RecordData
from runner.results.variants import Variant

MOST_FIELDS = 6
"""Fields that a variant is told apart by in its row; what is more is counted."""


def changes_section(data: RecordData) -> dict[str, Any] | None:
    """What stands against what, and the table; None where nothing is compared."""
    changes = data.changes
    if changes is None:
        return None
    defaults = "golf's default configuration, as the job names no base"
    against = f"the job {code(changes.base)}" if changes.base else defaults
    count = len(changes.fields)
    told = {0: "Nothing differs from", 1: "One field differs from"}.get(count, f"{count} fields differ from")
    return {
        "sentence": Markdown(f"{told} {against}."),
        "table": changes_table(changes.fields) if changes.fields else "",
    }


def changes_table(fields: Sequence[Change]) -> Markdown:
    """Field, value there and here, and what the field is."""
    rows = [
        [code(change.field), shown_value(change.there), shown_value(change.here), change.about] for change in fields
    ]
    return table("lrrl", ["field", "base", "here", "what it is"], rows)


def attributions_table(attributions: Sequence[Attribution]) -> Markdown:
    """Technique, setting, source."""
    rows = [[one.title, code(f"{one.field}: {shown_value(one.value)}"), one.source] for one in attributions]
    return table("lll", ["technique", "setting", "source"], rows)


def tried_section(data: RecordData, mean: float) -> dict[str, Any] | None:
    """The job's notes and the stored variants; None where there are neither. mean: our bits per byte, NaN if none."""
    notes = [str(note) for note in data.job.get("notes") or ()]
    if not notes and not data.variants:
        return None
    return {
        "notes": notes,
        "table": variants_table(data.variants, mean) if data.variants else "",
    }


def variants_table(variants: Sequence[Variant], mean: float) -> Markdown:
    """One row for each variant: what it had other than this run, what it reached, and its verdict."""
    rows = [
        [
            code(one.run),
            one.date or MISSING,
            differences(one.fields),
            f"{fixed(one.val_bpb, 4)} ({one.seeds})" if one.val_bpb is not None else MISSING,
            signed(None if one.val_bpb is None else one.val_bpb - mean, 4),
            one.status + (f": {one.reason}" if one.reason else ""),
        ]
        for one in variants
    ]
    heads = ["run", "date", "what it had instead", "mean bpb (seeds)", "against ours", "verdict"]
    return table("lllrrl", heads, rows)


def differences(fields: Sequence[Change]) -> Markdown:
    """The first few fields with their values there."""
    if not fields:
        return Markdown("the same fields; another script or other data")
    told = [f"{code(change.field)} {escaped(shown_value(change.there))}" for change in fields[:MOST_FIELDS]]
    more = len(fields) - MOST_FIELDS
    return Markdown(", ".join(told) + (f" and {more} more" if more > 0 else ""))
