"""Loss and bits per byte over steps and over the training clock, a line for each seed, validation marked.

Steps, losses and times are what each seed's log says. A picture opens on the last third, where the lines part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.numbers import MISSING, fixed
from reports.page.record.series import SYMBOLS, axis, colour, drawable, line, shortened, thinned
from reports.page.section import Cell, Part, Picture, Section, Table, Words
from reports.tables import measured
from runner.results.record import RecordData
from runner.results.runs import Curve, RunResult

MOST_POINTS = 8_000
"""Of all lines together."""
MOST_BUTTONS = 40
"""Seeds that have a button each which hides them; of more, each kind of mark has one."""
WIDE_TABLE = 8
"""Seeds that have a column each in the table."""
LAST = 2 / 3
STEPS, CLOCK = "step", "training clock, s"
LOSS, BPB = "loss, nats per token", "bits per byte"


@dataclass(frozen=True)
class Point:
    """One line of a log that says a loss."""

    step: float
    seconds: float | None
    loss: float
    bpb: float | None
    kind: str
    """`training`, `validation` or `published`."""


@dataclass(frozen=True)
class Line:
    """All points of a seed, in the order of steps."""

    seed: int
    points: tuple[Point, ...]

    def of(self, kind: str) -> list[Point]:
        """Its points of one kind."""
        return [point for point in self.points if point.kind == kind]


def losses_section(data: RecordData) -> Section:
    """Four pictures as far as the logs go, and one line for what they do not say."""
    lines = seed_lines(data)
    if not lines:
        return Section("loss", "Loss", (Words("The logs of this record show no loss over steps.", "muted"),))
    parts: list[Part] = []
    for unit, values, title in ((LOSS, "loss", "Loss"), (BPB, "bpb", "Validation")):
        for across, place in ((STEPS, "step"), (CLOCK, "seconds")):
            shown = [one for one in lines if _drawn(one, place, values)]
            if shown:
                over = "steps" if across == STEPS else "the training clock"
                parts.append(_picture(shown, place, values, across, unit, f"{title} over {over}"))
    marks = (
        "Lines are single training batches; marks are validation; stars are the published score, after compression."
    )
    parts.append(Words(marks, "muted"))
    if not any(point.seconds is not None for one in lines for point in one.points):
        parts.append(Words("Not in this record: the training clock at each step.", "muted"))
    if not any(point.bpb is not None for one in lines for point in one.of("validation")):
        parts.append(Words("Not in this record: validation in bits per byte during training.", "muted"))
    return Section("loss", "Loss", tuple(parts))


def seed_lines(data: RecordData) -> list[Line]:
    """A line for each seed whose log shows losses; thinned evenly where there are very many."""
    results = {result.seed: result for result in data.results}
    most = max(4, MOST_POINTS // max(1, len(data.curves)))
    found = [Line(curve.seed, tuple(_points(curve, results.get(curve.seed), most))) for curve in data.curves]
    return [one for one in found if one.points]


def _points(curve: Curve, result: RunResult | None, most: int) -> list[Point]:
    count = min(len(curve.steps), len(curve.losses))
    train = [
        Point(step, _at(curve.seconds, index), loss, None, "training")
        for index in thinned(count, most)
        if (step := drawable(curve.steps[index])) is not None and (loss := drawable(curve.losses[index])) is not None
    ]
    count = min(len(curve.val_steps), len(curve.val_losses))
    validated = [
        Point(step, _at(curve.val_seconds, index), loss, _at(curve.val_bpb, index), "validation")
        for index in thinned(count, most)
        if (step := drawable(curve.val_steps[index])) is not None
        and (loss := drawable(curve.val_losses[index])) is not None
    ]
    return [*train, *validated, *_published(curve, result)]


def _published(curve: Curve, result: RunResult | None) -> list[Point]:
    """The published score, at the end of training."""
    if result is None or result.final_score is None:
        return []
    last = drawable(result.log.steps)
    loss, bpb = drawable(result.final_score.val_loss), drawable(result.final_score.val_bpb)
    if last is None or loss is None:
        return []
    seconds = drawable(result.log.train_seconds)
    if seconds is None and result.train is not None:
        seconds = drawable(measured(result.train.clock))
    return [Point(last, seconds, loss, bpb, "published")]


def _at(values: Sequence[float | None], index: int) -> float | None:
    return drawable(values[index]) if index < len(values) else None


def _drawn(one: Line, place: str, values: str) -> list[Point]:
    """The points of a line that have both coordinates; none where only the published score does."""
    found = [
        point for point in one.points if getattr(point, place) is not None and getattr(point, values) is not None
    ]
    return found if any(point.kind != "published" for point in found) else []


MARKS = {
    "training": ("lines", "training"),
    "validation": ("lines+markers", "validation"),
    "published": ("markers", "published score, after compression"),
}


def _picture(lines: Sequence[Line], place: str, values: str, across: str, unit: str, title: str) -> Picture:
    told = [(one, _drawn(one, place, values)) for one in lines]
    reach = [(getattr(point, place), getattr(point, values)) for _, points in told for point in points]
    traces = []
    if len(lines) > MOST_BUTTONS:
        traces = [trace for kind in MARKS if (trace := _together(told, kind, place, values, across, unit))]
    else:
        for index, (one, points) in enumerate(told):
            traces += [
                _trace(index, one.seed, kind, some, across, unit)
                for kind in MARKS
                if (some := [(getattr(p, place), getattr(p, values)) for p in points if p.kind == kind])
            ]
    figure = {
        "data": traces,
        "layout": {"xaxis": axis(across), "yaxis": axis(unit)},
        "views": views(reach),
    }
    label = f"{title}: {len(lines)} seeds, {unit}, from {_range(reach)}."
    return Picture(figure, _table(lines, place, values, across, unit), label, title, half=True)


def _trace(
    index: int, seed: int, kind: str, points: Sequence[tuple[float, float]], across: str, unit: str
) -> dict[str, Any]:
    """What a seed has of one kind."""
    mode, words = MARKS[kind]
    return {
        "type": "scatter",
        "mode": mode,
        "name": f"seed {seed}",
        "legendgroup": str(seed),
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "line": {**line(index), "width": 1 if kind == "validation" else 1.8},
        "marker": {
            "color": colour(index),
            "size": 11 if kind == "published" else 7,
            "symbol": "star-open" if kind == "published" else SYMBOLS[index % len(SYMBOLS)],
        },
        "hovertemplate": f"seed {seed}, {words}\n{_hover(across)}\n%{{y:.4f}} {unit}",
    }


def _together(
    told: Sequence[tuple[Line, Sequence[Point]]], kind: str, place: str, values: str, across: str, unit: str
) -> dict[str, Any] | None:
    """What very many seeds have of one kind, as one trace with gaps between them; None where they have nothing."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    names: list[str] = []
    for one, points in told:
        some = [point for point in points if point.kind == kind]
        if some:
            xs += [*(getattr(point, place) for point in some), None]
            ys += [*(getattr(point, values) for point in some), None]
            names += [str(one.seed)] * (len(some) + 1)
    if not names:
        return None
    index = list(MARKS).index(kind)
    return {
        "type": "scatter",
        "mode": "lines" if kind == "training" else "markers",
        "name": MARKS[kind][1],
        "x": xs,
        "y": ys,
        "text": names,
        "opacity": 0.5,
        "line": {"color": colour(index), "width": 1},
        "marker": {"color": colour(index), "size": 5, "symbol": SYMBOLS[index]},
        "hovertemplate": f"seed %{{text}}, {MARKS[kind][1]}\n{_hover(across)}\n%{{y:.4f}} {unit}",
    }


def _hover(across: str) -> str:
    return "step %{x}" if across == STEPS else "%{x:.2f} s of training"


def _range(reach: Sequence[tuple[float, float]]) -> str:
    values = [y for _, y in reach]
    return f"{min(values):.4f} to {max(values):.4f}"


def views(reach: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """The last third, and all of it; the scale of each is that of what it shows."""
    return [
        {"label": "last third", "relayout": _ranges(reach, LAST)},
        {"label": "all", "relayout": _ranges(reach, 0.0)},
    ]


def _ranges(reach: Sequence[tuple[float, float]], part: float) -> dict[str, Any]:
    """plotly's ranges over what lies beyond `part` of the way."""
    end = max(x for x, _ in reach)
    begin = end * part
    inside = [y for x, y in reach if x >= begin] or [y for _, y in reach]
    low, high = min(inside), max(inside)
    pad = (high - low) * 0.06 or max(abs(high), 1e-6) * 0.02
    side = (end - begin) * 0.03 or 0.5
    return {"xaxis.range": [begin - side, end + side], "yaxis.range": [low - pad, high + pad]}


def _table(lines: Sequence[Line], place: str, values: str, across: str, unit: str) -> Table:
    """A column for each of a few seeds over steps; of many, or over the clock, a row for each seed."""
    if place == "step" and len(lines) <= WIDE_TABLE:
        told: dict[tuple[float, str], dict[int, float]] = {}
        for one in lines:
            for point in _drawn(one, place, values):
                told.setdefault((point.step, point.kind), {})[one.seed] = getattr(point, values)
        rows: list[Sequence[str | Cell]] = [
            [f"{step:,.0f}", kind, *(fixed(some.get(one.seed), 4) for one in lines)]
            for (step, kind), some in sorted(told.items())
        ]
        heads = ("step", "what", *(f"seed {one.seed}, {unit}" for one in lines))
        return Table(heads, "rl" + "r" * len(lines), shortened(rows, "results.json"))
    rows = []
    for one in lines:
        points = _drawn(one, place, values)
        first, last = points[0], [point for point in points if point.kind != "published"][-1]
        least = min(points, key=lambda point: float(getattr(point, values)))
        final = one.of("published")
        told_final = fixed(getattr(final[0], values), 6) if final else MISSING
        rows.append([f"{one.seed}", *(f"{fixed(getattr(p, values), 4)} at {getattr(p, place):,.6g}" for p in
                     (first, last, least)), told_final])  # fmt: skip
    heads = ("seed", f"first, {unit} at {across}", "last", "least", "published")
    return Table(heads, "rrrrr", shortened(rows, "results.json"))
