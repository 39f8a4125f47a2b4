"""The README's section on the other variants of the job: one table, and what its columns rest on."""

from __future__ import annotations

from typing import Any

from reports.markdown import Markdown, code, table
from reports.variant_cells import HEADS, NUMERIC, cells, columns_of
from runner.results.variants import VariantTable


def meaning(percent: int) -> str:
    """What the columns rest on."""
    return (
        "Deltas are paired: the variant's score minus the base's on the same seed, their mean with its "
        f"{percent} % t interval; p is two-sided and corrected for as many variants as were tested (Holm). Hours are "
        "node-hours of all launches."
    )


def variants_section(found: VariantTable) -> dict[str, Any]:
    """Sentence, table, and a line for every variant that did not run or is not a record of its own."""
    columns = columns_of(found)
    rows: list[list[object]] = []
    for row in found.rows:
        told = cells(row, found.base, ends=True)
        rows.append([code(row.name) if name == "variant" else told[name] for name in columns])
    heads = {**HEADS, "delta": f"delta to base [{found.confidence_percent} %]"}
    align = "".join("r" if name in NUMERIC else "l" for name in columns)
    return {
        "sentence": Markdown(
            f"This run is one of {len(found.rows)} variants of the job {code(found.job)}, with the same seeds. The "
            f"base is {code(found.base)}; the cap is {found.cap_bytes:,} bytes. {meaning(found.confidence_percent)}"
        ),
        "table": table(align, [heads[name] for name in columns], rows),
        "notes": [
            f"{row.name} is {row.state}: {row.reason}" for row in found.rows if row.verdict is None and row.reason
        ],
    }


def variants_markdown(found: VariantTable) -> str:
    """The same as a piece of a page."""
    section = variants_section(found)
    return "\n\n".join(str(part) for part in (section["sentence"], section["table"], *section["notes"]))
