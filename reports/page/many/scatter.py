"""Score against bytes and against time: a mark for each record with its seeds around it, and the limit as a line.

What is known as an interval is drawn as a bar from end to end. Records that lack the score, or what it is drawn
against, are counted below the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reports.numbers import MISSING, fixed, mean_and_std
from reports.page.many.entries import MOST_ROWS, STANDINGS, Entry, SeedPoint, Standing, labels, left_out, ranked
from reports.page.many.leaderboard import clock_words
from reports.page.section import Cell, Picture, Section, Table, Words
from runner.listing import counted
from runner.results.frozen import Interval

LOOKS: dict[Standing, tuple[str, str, str]] = {
    "passed": ("@good", "circle", "●"),
    "repacked": ("@1", "square", "■"),
    "claimed": ("@7", "diamond-open", "◇"),
    "unverified": ("@open", "triangle-up", "▲"),
    "rejected": ("@bad", "x", "✖"),
    "accused": ("@4", "cross-open", "✚"),
}
"""Colour, shape, and the shape as a sign: colour or shape alone tells them apart."""
NEAR_LIMIT = 0.5
"""Where the largest value is at least this share of the limit, the limit is in the picture from the start."""
BEYOND_LIMIT = 1.3
"""Where it is more than so many limits, what lies near the limit is shown first."""
MARGIN = 0.06
MOST_WITH_DOTS = 500
"""Of more records the means alone are drawn."""
PLACES = 6
"""Decimals of what is drawn."""
LABEL_ROOM = 0.05
"""Share of the axis between two limits that both have their words."""


@dataclass(frozen=True)
class Against:
    """What scores are drawn against."""

    anchor: str
    axis: str
    """Title of the axis, with its unit."""
    value: Callable[[SeedPoint], Interval | None]
    limit: Callable[[Entry], float | None]
    limit_words: Callable[[float], str]
    words: Callable[[Entry], str]
    """The same as a cell of the table."""
    head: str
    lacks: str
    """What is missing where it is not known."""


def _bytes(point: SeedPoint) -> Interval | None:
    return None if point.total_bytes is None else Interval(low=point.total_bytes, high=point.total_bytes)


def _size_words(entry: Entry) -> str:
    sizes = sorted(point.total_bytes for point in entry.points if point.total_bytes is not None)
    if len(sizes) < len(entry.points) or not sizes:
        return MISSING
    return f"{sizes[0]:,}" if sizes[0] == sizes[-1] else f"{sizes[0]:,} to {sizes[-1]:,}"


BYTES = Against(
    "bytes",
    "script and artifact (bytes)",
    _bytes,
    lambda entry: entry.cap_bytes,
    lambda limit: f"cap {limit:,.0f} B",
    _size_words,
    "bytes",
    "a score or a known size",
)
TIME = Against(
    "time",
    "training clock (seconds)",
    lambda point: point.train,
    lambda entry: entry.train_limit,
    lambda limit: f"limit {limit:,.0f} s",
    clock_words,
    "train s",
    "a score or a known training clock",
)


def score_section(entries: Sequence[Entry]) -> Section | None:
    """Both pictures; None where no record has a score."""
    if not any(entry.points for entry in entries):
        return None
    cut = [Words(f"Their tables: {words}", "muted") for words in [left_out(len(entries))] if words]
    pictures = [made for against in (BYTES, TIME) if (made := picture(entries, against)) is not None]
    absent = [Words(words, "muted") for against in (BYTES, TIME) for words in [not_drawn(entries, against)] if words]
    texts = {entry.data for entry in entries if entry.data}
    several = [Words("Scores on different texts are not comparable: see the matrix below.", "open")]
    told = Words("Each mark is a record's mean with its sample standard deviation; small dots are its seeds, if few.")
    warned = several if len(texts) > 1 else []
    return Section("scores", "Score against bytes and time", (told, *warned, *pictures, *absent, *cut))


def not_drawn(entries: Sequence[Entry], against: Against) -> str:
    """Whom the picture lacks; empty where nobody is."""
    number = sum(not drawable(entry, against) for entry in entries)
    return (
        ""
        if not number
        else f"Not drawn against {against.anchor}: {counted(number, 'record')} without {against.lacks}."
    )


def drawable(entry: Entry, against: Against) -> bool:
    """Whether a record has a score, and all its seeds what it is drawn against."""
    return bool(entry.points) and all(against.value(point) is not None for point in entry.points)


def picture(entries: Sequence[Entry], against: Against) -> Picture | None:
    """One of the two; None where nothing can be drawn."""
    names = dict(zip(map(id, entries), labels(entries), strict=True))
    drawn = [entry for entry in ranked(entries) if drawable(entry, against)]
    if not drawn:
        return None
    traces: list[dict[str, Any]] = []
    for standing, words in STANDINGS.items():
        own = [entry for entry in drawn if entry.standing == standing]
        if own:
            dots = len(drawn) <= MOST_WITH_DOTS
            (colour, symbol, sign), own_names = LOOKS[standing], [names[id(entry)] for entry in own]
            traces += [
                *([_seeds(own, against, standing, f"{sign} {words}", colour)] if dots else []),
                _means(own, against, standing, f"{sign} {words}", (colour, symbol), own_names),
            ]
    limits = sorted({limit for entry in drawn if (limit := against.limit(entry)) is not None})
    layout, views = _layout(against, limits), _views(drawn, against, limits)
    if len(views) == 1:  # a choice of one is none
        layout["xaxis"]["range"], layout["yaxis"]["range"] = views.pop()["relayout"].values()
    figure = {"data": traces, "layout": layout, "views": views}
    return Picture(
        figure,
        _table(drawn[:MOST_ROWS], against, [names[id(entry)] for entry in drawn[:MOST_ROWS]]),
        f"Bits per byte of {counted(len(drawn), 'record')} against {against.axis}; further down and left is better.",
        title=f"Bits per byte against {against.axis}",
        height=420,
        half=True,
    )


def _ends(entry: Entry, against: Against) -> list[tuple[float, float]]:
    return [(value.low, value.high) for point in entry.points if (value := against.value(point)) is not None]


def _middle(entry: Entry, against: Against) -> float:
    ends = _ends(entry, against)
    return sum(low + high for low, high in ends) / (2 * len(ends))


def _seeds(own: Sequence[Entry], against: Against, standing: str, words: str, colour: str) -> dict[str, Any]:
    """Small dots; an interval as a bar to both sides of its middle."""
    ends = [pair for entry in own for pair in _ends(entry, against)]
    halves = [(high - low) / 2 for low, high in ends]
    bars = {"error_x": {"type": "data", "array": halves, "thickness": 1, "width": 0, "color": colour}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words,
        "legendgroup": standing,
        "showlegend": False,
        "x": [round((low + high) / 2, PLACES) for low, high in ends],
        "y": [round(point.bpb, PLACES) for entry in own for point in entry.points],
        "marker": {"size": 3.5, "color": colour, "opacity": 0.55},
        "hoverinfo": "skip",
        **(bars if any(halves) else {}),
    }


def _means(
    own: Sequence[Entry],
    against: Against,
    standing: str,
    words: str,
    look: tuple[str, str],
    names: Sequence[str],
) -> dict[str, Any]:
    colour, symbol = look
    samples = [entry.sample for entry in own if entry.sample is not None]
    spread = {
        "type": "data",
        "array": [None if one.std is None else round(one.std, PLACES) for one in samples],
        "thickness": 1.2,
        "width": 3,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words,
        "legendgroup": standing,
        "x": [round(_middle(entry, against), PLACES) for entry in own],
        "y": [round(one.mean, PLACES) for one in samples],
        "error_y": {**spread, "color": colour},
        "marker": {"size": 9, "color": colour, "symbol": symbol, "line": {"width": 1.5, "color": colour}},
        "text": [
            f"{name}\n{words}\n{mean_and_std(one.mean, one.std)} bpb, {counted(one.n, 'seed')}\n"
            f"{against.head}: {against.words(entry)}"
            for name, entry, one in zip(names, own, samples, strict=True)
        ],
        "hovertemplate": "%{text}",
    }


def _layout(against: Against, limits: Sequence[float]) -> dict[str, Any]:
    lines = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": limit,
            "x1": limit,
            "y0": 0,
            "y1": 1,
            "line": {"color": "@bad", "width": 1.5, "dash": "dash"},
        }
        for limit in limits
    ]
    notes = [
        {
            "xref": "x",
            "yref": "paper",
            "x": limit,
            "y": 1,
            "text": against.limit_words(limit),
            "showarrow": False,
            "xanchor": "right",
            "yanchor": "top",
            "textangle": -90,
            "font": {"color": "@bad", "size": 11},
        }
        for limit in _apart(limits)
    ]
    return {
        "xaxis": {"title": {"text": against.axis}, "tickformat": ",d" if against is BYTES else ""},
        "yaxis": {"title": {"text": "bits per byte, lower is better"}},
        "shapes": lines,
        "annotations": notes,
    }


def _apart(limits: Sequence[float]) -> list[float]:
    """The largest limit, and of the others those whose words do not lie over another's."""
    kept: list[float] = []
    for limit in sorted(limits, reverse=True):
        if not kept or kept[-1] - limit > LABEL_ROOM * max(limits):
            kept.append(limit)
    return kept


def _views(drawn: Sequence[Entry], against: Against, limits: Sequence[float]) -> list[dict[str, Any]]:
    """All of it, what is no further out than the limit, the points alone, and the better half of the scores."""
    ends = [end for entry in drawn for pair in _ends(entry, against) for end in pair]
    scores = [point.bpb for entry in drawn for point in entry.points]
    means = sorted(entry.sample.mean for entry in drawn if entry.sample is not None)
    down, across = _room(scores), {"all": _room([*ends, *limits])}
    first = "all"
    if limits and max(ends) < NEAR_LIMIT * max(limits):
        first, across["points"] = "points", _room(ends)
    elif limits and max(ends) > BEYOND_LIMIT * max(limits):
        first, across["up to the limit"] = "up to the limit", _room([min([*ends, *limits]), max(limits)])
    views = [
        {"label": label, "relayout": {"xaxis.range": across[label], "yaxis.range": down}}
        for label in sorted(across, key=lambda label: label != first)
    ]
    better = [one for one in scores if one <= means[len(means) // 2]]
    if len(drawn) > 3 and better:
        half = {"xaxis.range": across[first], "yaxis.range": _room(better)}
        views.append({"label": "better half", "relayout": half})
    return views


def _room(values: Sequence[float]) -> list[float]:
    """The range of some values with a little room beside them."""
    low, high = min(values), max(values)
    room = MARGIN * (high - low) or abs(high) * 0.01 or 1.0
    return [low - room, high + room]


def _table(drawn: Sequence[Entry], against: Against, names: Sequence[str]) -> Table:
    rows: list[list[str | Cell]] = []
    for name, entry in zip(names, drawn, strict=True):
        sample = entry.sample
        assert sample is not None
        ends = _ends(entry, against)
        limit = against.limit(entry)
        rows.append(
            [
                name,
                STANDINGS[entry.standing],
                Cell(mean_and_std(sample.mean, sample.std), sample.mean),
                f"{fixed(sample.min, 4)} to {fixed(sample.max, 4)}",
                Cell(against.words(entry), max(high for _, high in ends)),
                MISSING if limit is None else f"{limit:,.0f}",
            ]
        )
    heads = ("record", "verdict", "bpb", "its seeds", against.head, "limit")
    return Table(heads, "llrrrr", rows, sortable=True)
