"""The README's section "Beside the published run": words and tables from published.py and comparable.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.markdown import Markdown, escaped, table
from reports.numbers import MISSING
from reports.sections.comparable import Comparison, compare, our_data
from reports.sections.published import Beside, overall_lines, seed_lines
from runner.results.record import RecordData

HEADS = ("figure", "ours", "published", "difference")


def beside_section(data: RecordData, reference: Mapping[str, Any]) -> dict[str, Any]:
    """What the template needs for the section."""
    return {
        "source": reference["source"],
        "hardware": reference["hardware"],
        "data": reference["data"],
        "our_data": our_data(data),
        "note": reference["note"],
        "rules": ", ".join(dict.fromkeys(result.final_score.rule for result in data.results if result.final_score)),
        "comparable": comparable_sentence(compare(data, reference)),
        "overall_table": table("lrrr", HEADS, [_cells(line) for line in overall_lines(data, reference)]),
        "seeds_table": seeds_table(data, reference) if reference["seeds"] else "",
    }


def comparable_sentence(found: Comparison) -> Markdown:
    """What stands in the way of comparing, first of all; and what could not be told."""
    said = []
    if found.differ:
        kinds = "; ".join(f"other {what} ({details})" for what, details in found.differ.items())
        said.append(f"**Not comparable:** {escaped(kinds)}.")
    else:
        said.append("Nothing that is known of both runs differs: data and hardware by name, limits, parameters.")
    if found.unknown:
        said.append(escaped(f"Not known, so not compared: {', '.join(found.unknown)}."))
    return Markdown(" ".join(said))


def seeds_table(data: RecordData, reference: Mapping[str, Any]) -> Markdown:
    """Single seeds of both runs, each with what is known of it."""
    rows = [[seed, *_cells(line)] for seed, line in seed_lines(data, reference)]
    return table("rlrrr", ["seed", *HEADS], rows)


def _cells(line: Beside) -> list[object]:
    return [line.title, line.ours.shown, line.theirs.shown, line.difference or MISSING]
