"""Each seed's score as a strip, with mean, t interval and the run that it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.comparison_words import outcome
from reports.numbers import MISSING, NOT_DEFINED, fixed
from reports.page.record.series import SYMBOLS, axis, colour, drawable, shortened
from reports.page.section import Cell, Part, Picture, Section, Table, Words
from reports.sections.comparable import compare
from reports.sections.published import BPB, published, reference_of
from runner.results.record import RecordData
from runner.results.verdicts import Yardstick
from runner.statistics import Sample, describe

SPREAD = 0.32
"""How far points of one row are moved apart, so that seeds of equal scores are both seen."""
GOLDEN = 0.618034
MOST_NAMED = 12
"""Seeds of a row whose names stand at their points."""


@dataclass(frozen=True)
class Row:
    """One run of the picture."""

    title: str
    seeds: tuple[str, ...]
    values: tuple[float, ...]
    origin: str
    """Who says so."""

    @property
    def sample(self) -> Sample:
        """Mean, deviation and interval of the values."""
        return describe(self.values)


def scores_section(data: RecordData) -> Section:
    """The strip; one line where no seed was scored."""
    rows = score_rows(data)
    if not rows or rows[0].origin != OURS:
        return Section("scores", "Scores", (Words("No seed of this record was scored.", "open"),))
    parts: list[Part] = [
        _picture(rows, data.yardsticks),
        Words("A point is a seed; the bar is the mean and its 95 % t interval.", "muted"),
    ]
    unscored = len(data.results) - len(rows[0].values)
    if unscored > 0:
        parts.append(Words(f"{unscored:,} of {len(data.results):,} seeds have no score and are not in it.", "open"))
    parts += [Words(outcome(data.comparison))] if data.comparison is not None else []
    parts += [Words(caution, "open")] if (caution := _caution(data)) else []
    return Section("scores", "Scores", tuple(parts))


OURS = "scored here"


def score_rows(data: RecordData) -> list[Row]:
    """This record's seeds, then the claim's baseline, then the published run; those that have values."""
    scored = [
        (result.seed, value)
        for result in data.results
        if result.final_score is not None and (value := drawable(result.final_score.val_bpb)) is not None
    ]
    rows = [Row("this record", tuple(str(seed) for seed, _ in scored), tuple(v for _, v in scored), OURS)]
    if data.comparison is not None:
        arm = data.comparison.baseline
        names = [str(seed) for seed in arm.seeds] if len(arm.seeds) == len(arm.val_bpb) else ["" for _ in arm.val_bpb]
        told = [
            (name, v) for name, value in zip(names, arm.val_bpb, strict=True) if (v := drawable(value)) is not None
        ]
        origin = arm.origin or "the claim's baseline"
        rows.append(Row(f"baseline {arm.name}", tuple(n for n, _ in told), tuple(v for _, v in told), origin))
    reference = reference_of(data)
    if reference is not None:
        told = []
        for entry in reference.get("seeds") or ():
            value = drawable(published(entry, BPB.key).value)
            told += [(str(entry.get("seed", "")), value)] if value is not None else []
        if not told and (value := drawable(published(reference, BPB.key).value)) is not None:
            told = [("", value)]
        origin = "published; scored by its own script"
        rows.append(Row(f"{reference['source']}", tuple(n for n, _ in told), tuple(v for _, v in told), origin))
    return [row for row in rows if row.values]


def _picture(rows: Sequence[Row], yardsticks: Sequence[Yardstick]) -> Picture:
    traces: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        place = float(len(rows) - 1 - index)
        many = len(row.values) > 1
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text" if len(row.values) <= MOST_NAMED else "markers",
                "showlegend": False,
                "x": list(row.values),
                "y": [place + _apart(number) if many else place for number in range(len(row.values))],
                "text": list(row.seeds) if len(row.values) <= MOST_NAMED else [],
                "textposition": "top center",
                "textfont": {"color": "@muted", "size": 11},
                "hovertext": [
                    f"{row.title}\n{f'seed {seed}: ' if seed else ''}{value:.6f} bpb"
                    for seed, value in zip(row.seeds, row.values, strict=True)
                ],
                "hoverinfo": "text",
                "marker": {
                    "color": colour(index),
                    "symbol": SYMBOLS[index % len(SYMBOLS)],
                    "size": 9,
                    "opacity": 0.85,
                },
            }
        )  # fmt: skip
        sample = row.sample
        if sample.low is not None and sample.high is not None:
            half = sample.high - sample.mean
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "showlegend": False,
                    "x": [sample.mean],
                    "y": [place - 0.36],
                    "hovertext": [f"{row.title}\nmean {_mean(sample)}\n95 % t interval {_interval(sample)}"],
                    "hoverinfo": "text",
                    "marker": {"color": "@text", "symbol": "line-ns-open", "size": 14, "line": {"width": 2}},
                    "error_x": {"type": "data", "array": [half], "color": "@text", "thickness": 1.5, "width": 6},
                }
            )
    titles = [row.title if len(row.title) <= 28 else f"{row.title[:27]}…" for row in rows]
    figure = {
        "data": traces,
        "layout": {
            "xaxis": axis("bits per byte (lower is better)", tickformat=".4~f", nticks=8),
            "yaxis": {
                "tickvals": [len(rows) - 1 - index for index in range(len(rows))],
                "ticktext": titles,
                "range": [-0.65, len(rows) - 0.45],
                "showgrid": False,
                "fixedrange": True,
            },
        },
        "views": views(rows),
    }
    ours = rows[0].sample
    label = f"Scores of {ours.n} seeds in bits per byte: mean {_mean(ours)}, 95 % t interval {_interval(ours)}."
    return Picture(figure, score_table(rows, yardsticks), label, "Score of each seed", height=110 + 105 * len(rows))


def views(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """All runs, or this record alone, where another one would squeeze its seeds together."""
    if len(rows) < 2:
        return []
    return [
        {"label": "all", "relayout": {"xaxis.range": _reach(rows)}},
        {"label": "this record", "relayout": {"xaxis.range": _reach(rows[:1])}},
    ]


def _reach(rows: Sequence[Row]) -> list[float]:
    """From the least to the greatest of all values and intervals, and a little more."""
    samples = [row.sample for row in rows]
    ends = [end for one in samples for end in (one.min, one.max, one.low, one.high) if end is not None]
    side = (max(ends) - min(ends)) * 0.06 or 0.01
    return [min(ends) - side, max(ends) + side]


def _apart(number: int) -> float:
    return ((number * GOLDEN) % 1 - 0.5) * SPREAD


def score_table(rows: Sequence[Row], yardsticks: Sequence[Yardstick] = ()) -> Table:
    """Every value, and mean, deviation and interval of each run; then what methods without a network reach."""
    lines: list[Sequence[str | Cell]] = []
    for row in rows:
        values = [[row.title, f"seed {seed}" if seed else MISSING, f"{value:.6f}", row.origin] for seed, value in
                  zip(row.seeds, row.values, strict=True)]  # fmt: skip
        sample = row.sample
        lines += shortened(values)
        lines += [
            [row.title, "mean", f"{sample.mean:.6f}", f"n = {sample.n}"],
            [row.title, "sample std", NOT_DEFINED if sample.std is None else f"{sample.std:.6f}", ""],
            [row.title, "95 % t interval of the mean", _interval(sample), ""],
        ]
    lines += [[one.name, "yardstick", fixed(one.bpb, 6), one.detail] for one in yardsticks]
    return Table(("run", "what", "bits per byte", "note"), "llrl", lines)


def _mean(sample: Sample) -> str:
    return f"{sample.mean:.6f}" + ("" if sample.std is None else f" ± {sample.std:.6f}")


def _interval(sample: Sample) -> str:
    if sample.low is None or sample.high is None:
        return f"{NOT_DEFINED} (one seed)"
    return f"{fixed(sample.low, 6)} to {fixed(sample.high, 6)}"


def _caution(data: RecordData) -> str:
    """Why the published run must not be set against ours; empty where nothing is known against it."""
    reference = reference_of(data)
    if reference is None:
        return ""
    found = compare(data, reference)
    if found.differ:
        return f"Not comparable with {reference['source']}: other {', '.join(found.differ)}."
    return f"Whether {reference['source']} is comparable is not known: {', '.join(found.unknown)}." * bool(
        found.unknown
    )
