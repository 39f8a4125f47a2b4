"""Where the seconds went: each seed's two processes on their own clock, from the events that the referee stamped.

0 is where the limited time begins. What an interval leaves open is drawn open; what nobody saw is `unknown` in the
table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reports.clock_cells import between
from reports.numbers import fixed
from reports.page.record.series import UNKNOWN, axis, drawable, pattern, shortened
from reports.page.section import Cell, Part, Picture, Section, Table, Words
from reports.tables import measured
from runner.results.frozen import Interval
from runner.results.phases import PhaseResult
from runner.results.record import RecordData
from runner.results.runs import RunResult

MOST_BARS = 40
AFTER = "after the last step (calibration)"
MOST_IDLE = 0.5
"""Of the limit, that a node's idle time may have to be drawn."""
LEAST_S = 0.02
"""What is shorter is not drawn."""


@dataclass(frozen=True)
class Stretch:
    """A part of a process, seconds; None where nobody saw it."""

    name: str
    seconds: float | None
    before: bool = False
    """Whether it lies before the limited time."""
    open_seconds: float = 0.0
    """By how much longer it may have been."""


def clocks_section(data: RecordData) -> Section:
    """A picture for training and one for evaluation, and the table of every stretch of each seed."""
    parts: list[Part] = []
    for phase, title, stretches in (
        ("train", "Training process", training_stretches),
        ("eval", "Evaluation process", evaluation_stretches),
    ):
        rows = [(result, stretches(result)) for result in data.results if getattr(result, phase) is not None]
        if rows:
            parts.append(_picture(rows, float(data.limits[f"{phase}_seconds"]), phase, title))
    if not parts:
        parts.append(Words("No process of this record was timed.", "muted"))
    if len(data.results) > MOST_BARS:
        parts.append(Words(f"Drawn: the first {MOST_BARS} of {len(data.results):,} seeds.", "muted"))
    resumed = [str(one.seed) for one in data.results if one.train is not None and one.train.earlier]
    if resumed:
        parts.append(
            Words(f"Seed {', '.join(resumed[:20])}: resumed; its training is the sum of all its lives.", "muted")
        )
    return Section("time", "Where the time went", tuple(parts))


def training_stretches(result: RunResult) -> list[Stretch]:
    """The training process in pieces; the limited time is `steps` and what comes after the last of them."""
    phase = result.train
    if phase is None:
        return []
    at = phase.events.get
    clock, steps = phase.clock, drawable(result.log.train_seconds)
    official = measured(clock)
    after = None if official is None or steps is None or phase.earlier else max(0.0, official - steps)
    known = official if official is not None else None if clock is None else clock.low
    trained = known if known is None or after is None else known - after
    extra = 0.0 if official is not None or clock is None else max(0.0, clock.high - clock.low)
    return [
        Stretch("start-up", _span(0.0, at("warmup_start", at("train_start"))), before=True),
        Stretch("warm-up", _span(at("warmup_start"), at("train_start")), before=True),
        Stretch("steps", trained, open_seconds=extra),
        Stretch(AFTER, after),
        Stretch("validation", drawable(phase.paused_seconds)),
        Stretch("packing", _span(at("train_end"), at("artifact_frozen"))),
        Stretch("load back, score", _span(at("artifact_frozen"), phase.wall_seconds)),
    ]


def evaluation_stretches(result: RunResult) -> list[Stretch]:
    """The evaluation process in pieces; the limited time is `evaluation`."""
    phase = result.eval
    if phase is None:
        return []
    at, clock = phase.events.get, phase.clock
    official = measured(clock)
    known = official if official is not None else None if clock is None else clock.low
    extra = 0.0 if official is not None or clock is None else max(0.0, clock.high - clock.low)
    return [
        Stretch("start-up", _span(0.0, at("eval_start")), before=True),
        Stretch("evaluation", known, open_seconds=extra),
        Stretch("end of the process", _span(at("eval_end"), phase.wall_seconds)),
    ]


def _span(begin: float | None, end: float | None) -> float | None:
    if begin is None or end is None or drawable(begin) is None or drawable(end) is None or end < begin:
        return None
    return end - begin


def _picture(rows: Sequence[tuple[RunResult, list[Stretch]]], limit: float, phase: str, title: str) -> Picture:
    shown = rows[:MOST_BARS]
    names = [stretch.name for stretch in shown[0][1]]
    labels = [f"seed {result.seed}" for result, _ in shown]
    starts = [-sum(one.seconds or 0.0 for one in stretches if one.before) for _, stretches in shown]
    traces: list[dict[str, Any]] = _idle(shown, labels, starts, limit) if phase == "train" else []
    ends = list(starts)
    for index, name in enumerate(names):
        pieces = [stretches[index] for _, stretches in shown]
        widths = [piece.seconds or 0.0 for piece in pieces]
        if max(widths) >= LEAST_S:
            texts = [f"{label}\n{name}: {width:.2f} s" for label, width in zip(labels, widths, strict=True)]
            traces.append(_bars(name, labels, ends, widths, texts, pattern(index)))
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
        open_widths = [piece.open_seconds for piece in pieces]
        if max(open_widths) >= LEAST_S:
            texts = [f"{label}\n{name}: up to {width:.2f} s more; not known" for label, width in
                     zip(labels, open_widths, strict=True)]  # fmt: skip
            looks = {"color": "rgba(0,0,0,0)", "line": {"color": "@text", "width": 1}}
            traces.append(_bars("not known", labels, ends, open_widths, texts, looks))
            ends = [end + width for end, width in zip(ends, open_widths, strict=True)]
    figure = {
        "data": traces,
        "layout": {
            "barmode": "overlay",
            "bargap": 0.35,
            "xaxis": axis(f"seconds since limited {_phase(phase)} began"),
            "yaxis": {"autorange": "reversed", "showgrid": False, "fixedrange": True},
            "shapes": [
                {"type": "line", "xref": "x", "yref": "paper", "x0": limit, "x1": limit, "y0": 0, "y1": 1,
                 "line": {"color": "@bad", "width": 2, "dash": "dash"}}
            ],
            "annotations": [
                {"x": limit, "y": 1, "yref": "paper", "yanchor": "bottom", "xanchor": "center", "showarrow": False,
                 "text": f"limit {limit:g} s", "font": {"color": "@bad"}}
            ],
            "margin": {"t": 26},
        },
    }  # fmt: skip
    label = f"{title} of {len(rows)} seeds in stretches, seconds; the limit is {limit:g} s."
    return Picture(figure, _table(rows, phase, limit), label, title, height=120 + 34 * len(shown), half=True)


def _idle(
    shown: Sequence[tuple[RunResult, list[Stretch]]], labels: Sequence[str], starts: Sequence[float], limit: float
) -> list[dict[str, Any]]:
    """How long nodes stood idle before, where that does not dwarf all else; the table has all."""
    waits = [drawable(result.idle_seconds) or 0.0 for result, _ in shown]
    if not LEAST_S <= max(waits) <= MOST_IDLE * limit:
        return []
    texts = [f"{label}\nits node stood idle before: {wait:.2f} s" for label, wait in zip(labels, waits, strict=True)]
    looks = {"color": "@line", "line": {"color": "@back", "width": 1}}
    bases = [start - wait for start, wait in zip(starts, waits, strict=True)]
    return [_bars("node idle", labels, bases, waits, texts, looks)]


def _phase(phase: str) -> str:
    return "training" if phase == "train" else "evaluation"


def _bars(
    name: str,
    labels: Sequence[str],
    bases: Sequence[float],
    widths: Sequence[float],
    texts: Sequence[str],
    looks: dict[str, Any],
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": list(labels),
        "base": list(bases),
        "x": list(widths),
        "hovertext": list(texts),
        "hoverinfo": "text",
        "marker": looks,
    }


def _table(rows: Sequence[tuple[RunResult, list[Stretch]]], phase: str, limit: float) -> Table:
    names = [stretch.name for stretch in rows[0][1]]
    lines: list[Sequence[str | Cell]] = []
    for result, stretches in rows:
        process = getattr(result, phase)
        idle = [fixed(result.idle_seconds, 2) if result.idle_seconds is not None else UNKNOWN]
        lines.append(
            [
                str(result.seed),
                *(_seconds(one) for one in stretches),
                _clock(process, lambda one: one.clock),
                _clock(process, lambda one: one.strict_clock),
                fixed(limit, 2),
                *(idle if phase == "train" else []),
            ]
        )
    heads = ["seed", *(f"{name}, s" for name in names), "official clock, s", "strict clock, s", "limit, s"]
    heads += ["node idle before, s"] if phase == "train" else []
    return Table(heads, "r" * len(heads), shortened(lines))


def _seconds(one: Stretch) -> str:
    if one.seconds is None:
        return UNKNOWN
    if one.open_seconds:
        return between(fixed(one.seconds, 2), fixed(one.seconds + one.open_seconds, 2))
    return fixed(one.seconds, 2)


def _clock(process: PhaseResult, which: Callable[[PhaseResult], Interval | None]) -> str:
    found = which(process)
    return UNKNOWN if found is None else between(fixed(found.low, 2), fixed(found.high, 2))
