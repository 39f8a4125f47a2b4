"""loss.svg: loss over steps, a line for each seed, all of it and the last third on a scale of its own. By matplotlib.

The same curves give the same bytes by one version of matplotlib: text is drawn as paths of its own font, nothing is
dated. Another version may draw other bytes, so the file says who drew it, each line has a name, and `same_lines`
tells whether two drawings show the same numbers. Holds numbers only; nothing that anybody wrote gets in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from runner.results.runs import Curve

WIDTH, HEIGHT = 760, 380
"""Pixels; a point of matplotlib's is one of them."""
PANELS = (("all", (0.085, 0.125, 0.345, 0.79)), ("last", (0.51, 0.125, 0.345, 0.79)))
"""Name -> left, bottom, width, height, as parts of the drawing."""
COLOURS = ("#0072b2", "#d55e00", "#007d5c", "#b0508a", "#8a6d00", "#1a8fc4", "#5b4fa2", "#4d4d4d")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (8, 2)))
MOST_LABELS = 14
"""Seeds that the legend names; the others are drawn all the same."""
MOST_NAMED = 40
"""Seeds whose lines have names and dashes of their own."""
MOST_POINTS = 40_000
"""Of all lines of a panel."""
LARGEST = 1e15
LAST = 2 / 3
MOST_TIMES = 4
"""As large as ours, that another version's drawing may be."""
NEAR = 0.5
"""Pixels by which two versions may place one point apart."""
SETTINGS = {
    "svg.fonttype": "path",
    "svg.hashsalt": "golf",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "path.simplify": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": "#333333",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "grid.color": "#e5e5e5",
}
Points = list[tuple[float, float]]


def load_matplotlib() -> None:
    """Have what draws loaded, which takes most of the time of a drawing."""
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def loss_svg(curves: Sequence[Curve]) -> str:
    """The drawing as text, with a newline at its end; '' where there is no point to draw."""
    told = tuple(
        (curve.seed, tuple(_points(curve.steps, curve.losses)), tuple(_points(curve.val_steps, curve.val_losses)))
        for curve in curves
    )
    return _drawing(told) if any(train or val for _, train, val in told) else ""


def _points(steps: Sequence[int], losses: Sequence[float]) -> Iterator[tuple[float, float]]:
    for step, loss in zip(steps, losses, strict=True):
        if abs(step) < LARGEST and abs(loss) < LARGEST:
            yield float(step), float(loss)


@lru_cache(maxsize=8)
def _drawing(told: tuple[tuple[int, Any, Any], ...]) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    end = max(step for _, train, val in told for step, _ in (*train, *val))
    settings: Any = {**dict(matplotlib.rcParamsDefault), **SETTINGS}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72, facecolor="white")
        FigureCanvasSVG(figure)
        for name, place in PANELS:
            _panel(figure.add_axes(place), name, told, end)
        _legend(figure, told)
        buffer = io.StringIO()
        metadata = {"Date": None, "Creator": f"matplotlib {matplotlib.__version__}", "Title": "Loss over steps"}
        figure.savefig(buffer, format="svg", metadata=metadata)
    drawn = buffer.getvalue().replace(
        f'width="{WIDTH}pt" height="{HEIGHT}pt"', f'width="{WIDTH}" height="{HEIGHT}"', 1
    )
    return drawn.rstrip("\n") + "\n"


def _panel(axes: Any, name: str, told: Sequence[tuple[int, Any, Any]], end: float) -> None:
    """All points, or those of the last third with the scale that they need."""
    begin = 0.0 if name == "all" else end * LAST
    axes.set_title("all steps" if name == "all" else "the last third", loc="left", fontsize=9, color="#333333")
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats per token")
    axes.grid(True, linewidth=0.8)
    looks = [(COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]) for index in range(len(told))]
    lines = [list(train) if name == "all" else since(train, begin) for _, train, _ in told]
    dots = [[point for point in val if point[0] >= begin] for _, _, val in told]
    if len(told) > MOST_NAMED:
        _many(axes, name, lines, dots, looks)
    else:
        for (seed, _, _), line, some, (colour, dash) in zip(told, lines, dots, looks, strict=True):
            if line:
                (drawn,) = axes.plot(*zip(*line, strict=True), linewidth=1.3, color=colour, linestyle=dash)
                drawn.set_gid(f"{name}-train-{seed}")
            if some:
                (drawn,) = axes.plot(*zip(*some, strict=True), linestyle="", marker="o", markersize=4, color=colour)
                drawn.set_gid(f"{name}-validation-{seed}")
    shown = [point for points in (*lines, *dots) for point in points]
    low, high = _span([loss for _, loss in shown])
    side = (end - begin) * 0.03 or 0.5
    axes.set_xlim(begin - side, end + side)
    axes.set_ylim(low, high)
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.ticklabel_format(style="plain", useOffset=False)


def _many(axes: Any, name: str, lines: list[Points], dots: list[Points], looks: Sequence[tuple[str, Any]]) -> None:
    """Very many seeds: as one collection each, which takes a tenth of the time."""
    from matplotlib.collections import LineCollection

    some = [(thinned(line, len(lines)), colour) for line, (colour, _) in zip(lines, looks, strict=True) if line]
    drawn = LineCollection([line for line, _ in some], linewidths=0.8, colors=[colour for _, colour in some])
    drawn.set_gid(f"{name}-train-seeds")
    axes.add_collection(drawn)
    if points := [point for few in dots for point in few]:
        (marks,) = axes.plot(*zip(*points, strict=True), linestyle="", marker="o", markersize=2, color="#555555")
        marks.set_gid(f"{name}-validation-seeds")


def thinned(points: Points, seeds: int) -> Points:
    """As many points of a line as there is room for beside so many others, the first and the last among them."""
    most = max(8, MOST_POINTS // seeds)
    if len(points) <= most:
        return points
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def _span(losses: Sequence[float]) -> tuple[float, float]:
    """Limits around the losses."""
    low, high = (min(losses), max(losses)) if losses else (0.0, 1.0)
    pad = (high - low) * 0.05 or max(abs(high), 1e-6) * 0.05
    return low - pad, high + pad


def since(points: Sequence[tuple[float, float]], begin: float) -> Points:
    """The points from `begin` on, and first where the line crosses it."""
    inside = [point for point in points if point[0] >= begin]
    before = [point for point in points if point[0] < begin]
    if not inside or not before or inside[0][0] == begin:
        return inside
    (x0, y0), (x1, y1) = before[-1], inside[0]
    return [(begin, y0 + (y1 - y0) * (begin - x0) / (x1 - x0)), *inside]


def _legend(figure: Any, told: Sequence[tuple[int, Any, Any]]) -> None:
    from matplotlib.lines import Line2D

    named = [
        Line2D([], [], color=COLOURS[index % len(COLOURS)], linestyle=DASHES[index % len(DASHES)], linewidth=1.3)
        for index in range(min(len(told), MOST_LABELS))
    ]
    titles = [f"seed {seed}" for seed, _, _ in told[:MOST_LABELS]]
    if any(val for _, _, val in told):
        named.append(Line2D([], [], color="#555555", linestyle="", marker="o", markersize=4))
        titles.append("validation")
    figure.legend(named, titles, loc="upper left", bbox_to_anchor=(0.865, 0.93), frameon=False, borderaxespad=0)


CREATOR = re.compile(rb"matplotlib (\d{1,6}(?:\.\w{1,12}){0,4})")
NAME = re.compile(rb"(?:all|last)-(?:train|validation)-(?:\d{1,20}|seeds)")
NUMBER = re.compile(rb"-?\d{1,9}(?:\.\d{1,12})?")
TAG = re.compile(rb"<([!?/]?[A-Za-z][\w:.-]{0,40})")
ACTIVE = re.compile(rb"\son\w{1,30}\s*=|javascript:|@import|url\(\s*['\"]?(?!#)", re.IGNORECASE)


def drawn_by(svg: bytes) -> str:
    """The version of matplotlib that a drawing says made it; '' where it says none."""
    found = CREATOR.search(svg)
    return found[1].decode() if found else ""


def same_lines(one: bytes, other: bytes) -> bool:
    """Whether two drawings of matplotlib's show the same numbers by the same names, and nothing of another kind.

    one: anybody's. It is read once from end to end, whatever is in it.
    """
    if len(one) > MOST_TIMES * len(other) or ACTIVE.search(one) or set(TAG.findall(one)) - set(TAG.findall(other)):
        return False
    ours, theirs = _lines(other), _lines(one)
    return ours.keys() == theirs.keys() and all(
        len(ours[name]) == len(theirs[name])
        and all(abs(a - b) <= NEAR for a, b in zip(ours[name], theirs[name], strict=True))
        for name in ours
    )


def _lines(svg: bytes) -> dict[bytes, list[float]]:
    """Name of each line -> every coordinate of it, in the file's order: of its path, or of its marks."""
    found: dict[bytes, list[float]] = {}
    for group in svg.split(b'<g id="')[1:]:
        name, _, rest = group.partition(b'"')
        if NAME.fullmatch(name):
            pieces = rest.split(b"</g>", 1)[0].split(b'"')
            wanted = (b" d=",) if b"-train-" in name else (b" x=", b" y=")
            told = [
                inside for before, inside in zip(pieces[::2], pieces[1::2], strict=False) if before.endswith(wanted)
            ]
            found[name] = [float(number) for place in told for number in NUMBER.findall(place)]
    return found
