"""The README's section "Duel": both jobs by their hashes, every pair, and what the test says."""

from __future__ import annotations

from typing import Any

from reports import duel_words as words
from reports.markdown import Markdown, code, table
from runner.results.duels import Duel


def duel_section(found: Duel) -> dict[str, Any]:
    """What the template needs for the section."""
    sides: list[list[object]] = [
        [
            letter,
            f"{side.job}{' (this record)' if name == found.side else ''}",
            code(side.run),
            code(side.script_sha256),
            code(side.job_sha256),
        ]
        for letter, name, side in (("A", "baseline", found.baseline), ("B", "candidate", found.candidate))
    ]
    return {
        "outcome": words.outcome(found),
        "holds": found.outcome == "holds",
        "obstacles": found.obstacles,
        "sides": table("lllll", ("", "job", "run", "script sha256", "job sha256"), sides),
        "pairs": pairs_table(found),
        "lines": words.lines(found),
    }


def pairs_table(found: Duel) -> Markdown:
    """Each pair; scores and gain in bits per byte."""
    return table(words.ALIGN, words.HEADS, [list[object](words.pair_cells(pair)) for pair in found.pairs])
