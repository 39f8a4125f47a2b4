"""The README's section "Statistics": the seeds against the baseline of the job's claim."""

from __future__ import annotations

from typing import Any

from reports import comparison_words as words
from reports.markdown import Markdown, table
from reports.numbers import MISSING, fixed
from runner.results.comparisons import Arm, Comparison, Sequential
from runner.statistics import Sample

HEADS = ("", "unit", "n", "mean", "std", "std error", "from", "to", "min", "max")


def statistics_section(found: Comparison) -> dict[str, Any]:
    """What the template needs for the section."""
    lines = [words.gain(found), words.tests(found), *words.power_lines(found)]
    return {
        "outcome": words.outcome(found),
        "holds": found.outcome == "holds",
        "obstacles": found.obstacles,
        "confidence": found.confidence_percent,
        "table": arms_table(found),
        "looks": looks_table(found.sequential) if found.sequential and found.sequential.looks else None,
        "lines": [line for line in lines if line],
        "notes": found.notes,
    }


def looks_table(found: Sequential) -> Markdown:
    """Each look at the seeds as they came in."""
    rows = [
        [look.seeds, words.probability(look.p), words.probability(look.level), words.came_of(look)]
        for look in found.looks
    ]
    return table("rrrl", ("seeds", "p", "to be below", "came of it"), rows)


def arms_table(found: Comparison) -> Markdown:
    """Both arms in both units; nats/token by the candidate's constant."""
    rows: list[list[object]] = []
    for arm, bpb, nats in (
        (found.baseline, found.baseline_bpb, found.baseline_nats),
        (found.candidate, found.candidate_bpb, found.candidate_nats),
    ):
        rows.append([named(arm), "bpb", *_cells(bpb, words.BPB_DIGITS)])
        if nats is not None:
            rows.append(["", "nats/token", *_cells(nats, words.NATS_DIGITS)])
    return table("ll" + "r" * 8, HEADS, rows)


def named(arm: Arm) -> str:
    """An arm's name with its verdict and what its scores rest on, as far as that is known."""
    known = ", ".join(word for word in (arm.verdict, arm.origin) if word)
    return f"{arm.name} ({known})" if known else arm.name


def _cells(sample: Sample | None, digits: int) -> list[object]:
    if sample is None:
        return [0, *[MISSING] * 7]
    values = (sample.mean, sample.std, sample.standard_error, sample.low, sample.high, sample.min, sample.max)
    return [sample.n, *(fixed(value, digits) for value in values)]
