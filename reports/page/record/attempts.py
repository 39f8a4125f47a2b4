"""The ledger as a timeline: every attempt that was started, on its node, how long it held it and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.numbers import fixed
from reports.page.record.series import PATTERNS, UNKNOWN, axis, drawable, hatch, shortened
from reports.page.section import Cell, Kind, Part, Picture, Section, Table, Words
from runner.listing import counted
from runner.results.record import RecordData
from runner.results.runs import Launch

LOOKS: dict[str, tuple[str, int]] = {
    "completed": ("@3", 0),
    "failed": ("@2", 1),
    "timeout": ("@4", 3),
    "lost": ("@5", 4),
    "interrupted": ("@7", 2),
    "end not noted": ("@8", 5),
}
"""How an attempt ended -> colour and pattern."""
OPEN = "end not noted"
KINDS: dict[str, Kind] = {"completed": "good", "failed": "bad", "timeout": "bad", "lost": "open", OPEN: "open"}
MOST_LANES = 60
UNITS = ((600.0, 1.0, "seconds"), (4 * 3600.0, 60.0, "minutes"), (float("inf"), 3600.0, "hours"))
"""Up to so many seconds, one unit, its name."""


@dataclass(frozen=True)
class Attempt:
    """A launch that can be drawn."""

    launch: Launch
    node: str
    begin: float
    """Seconds after the first launch."""
    seconds: float | None

    @property
    def end(self) -> str:
        """How it ended, in words."""
        return self.launch.status or OPEN


def attempts_section(data: RecordData) -> Section:
    """The timeline, or the table alone where a record does not say when and where."""
    launches = data.launches
    title = "Attempts"
    if not launches:
        return Section("attempts", title, (Words("Not in this record: its attempts.", "muted"),))
    counted_attempts = {(result.seed, result.attempt) for result in data.results}
    told = ", ".join(f"{number} {end}" for end, number in sorted(_ends(launches).items()))
    parts: list[Part] = [Words(f"{counted(len(launches), 'attempt')} by the ledger: {told}.")]
    table = _table(launches, counted_attempts)
    attempts = attempts_of(launches)
    if attempts:
        parts.append(_picture(attempts, table))
    else:
        parts += [Words("Not in this record: when and where its attempts started.", "muted"), table]
    return Section("attempts", title, tuple(parts))


def _ends(launches: Sequence[Launch]) -> dict[str, int]:
    found: dict[str, int] = {}
    for launch in launches:
        found[launch.status or OPEN] = found.get(launch.status or OPEN, 0) + 1
    return found


def node_of(launch: Launch) -> str:
    """A node for people: its own name, and the beginning of the ledger's where there is one."""
    short = launch.node[:8]
    return f"{launch.host} ({short})" if launch.host and short else launch.host or short or UNKNOWN


def attempts_of(launches: Sequence[Launch]) -> list[Attempt]:
    """Those of known start, by their start; none where nothing is known of any."""
    timed = [(launch, at) for launch in launches if (at := _time(launch.started_at)) is not None]
    if not timed:
        return []
    first = min(at for _, at in timed)
    found = [Attempt(launch, node_of(launch), at - first, _seconds(launch)) for launch, at in timed]
    return sorted(found, key=lambda one: one.begin)


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(launch: Launch) -> float | None:
    seconds = drawable(launch.seconds)
    return seconds if seconds is not None and seconds >= 0 else None


def lanes(attempts: Sequence[Attempt]) -> list[tuple[str, int]]:
    """(node, lane) of each attempt: attempts that ran beside each other on a node have lanes of their own."""
    busy: dict[str, list[float]] = {}
    found = []
    for one in attempts:
        ends = busy.setdefault(one.node, [])
        lane = next((number for number, end in enumerate(ends) if end <= one.begin), len(ends))
        end = one.begin + (one.seconds or 0.0)
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = end
        found.append((one.node, lane))
    return found


def _picture(attempts: Sequence[Attempt], table: Table) -> Picture:
    placed = list(zip(attempts, lanes(attempts), strict=True))
    order = sorted({place for _, place in placed})[:MOST_LANES]
    height = {place: float(number) for number, place in enumerate(order)}
    whole = max(one.begin + (one.seconds or 0.0) for one in attempts)
    _, unit, unit_name = next(one for one in UNITS if whole <= one[0])
    traces = []
    for end, (colour, shape) in LOOKS.items():
        some = [(one, height[place]) for one, place in placed if one.end == end and place in height]
        if some:
            traces.append(_bars(end, some, unit, whole, colour, PATTERNS[shape]))
    strangers = sorted({one.end for one in attempts} - LOOKS.keys())
    for end in strangers:
        some = [(one, height[place]) for one, place in placed if one.end == end and place in height]
        traces += [_bars(end, some, unit, whole, "@8", "+")] if some else []
    names = [node if lane == 0 else "" for node, lane in order]
    figure = {
        "data": traces,
        "layout": {
            "barmode": "overlay",
            "bargap": 0.2,
            "xaxis": axis(f"{unit_name} since the first attempt started"),
            "yaxis": {
                "tickvals": list(height.values()),
                "ticktext": names,
                "range": [len(order) - 0.4, -0.6],
                "showgrid": False,
                "fixedrange": True,
                "title": {"text": "node"},
            },
        },
    }
    nodes = len({one.node for one in attempts})
    label = f"{len(attempts)} attempts on {nodes} nodes over {whole / unit:.1f} {unit_name}; the table has each."
    return Picture(figure, table, label, "Attempts by node", height=130 + 34 * len(order))


def _bars(
    end: str, some: Sequence[tuple[Attempt, float]], unit: float, whole: float, colour: str, shape: str
) -> dict[str, Any]:
    least = whole * 0.004
    return {
        "type": "bar",
        "orientation": "h",
        "name": end,
        "base": [one.begin / unit for one, _ in some],
        "x": [max(one.seconds or 0.0, least) / unit for one, _ in some],
        "y": [place for _, place in some],
        "text": [f"seed {one.launch.seed}" + f" #{one.launch.attempt}" * (one.launch.attempt > 1) for one, _ in some],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": "@back"},
        "hovertext": [_hover(one) for one, _ in some],
        "hoverinfo": "text",
        "marker": {
            "color": colour,
            "pattern": hatch(shape),
            "line": {"color": "@back", "width": 1},
        },
    }


def _hover(one: Attempt) -> str:
    held = "nobody saw its end" if one.seconds is None else f"held its node for {one.seconds:.1f} s"
    launch = one.launch
    return f"seed {launch.seed}, attempt {launch.attempt}: {one.end}\n{one.node}\nstarted {launch.started_at}\n{held}"


def _table(launches: Sequence[Launch], counted_attempts: set[tuple[int, int]]) -> Table:
    rows: list[Sequence[str | Cell]] = []
    for launch in launches:
        end = launch.status or OPEN
        apart = f"scored attempt {launch.trained_by}'s artifact" if launch.trained_by is not None else ""
        counts = "counts" if (launch.seed, launch.attempt) in counted_attempts else ""
        rows.append(
            [
                str(launch.seed),
                str(launch.attempt),
                node_of(launch),
                launch.started_at or UNKNOWN,
                fixed(launch.seconds, 1) if launch.seconds is not None else UNKNOWN,
                Cell(end, kind=KINDS.get(end, "")),
                "; ".join(filter(None, (counts, apart))),
            ]
        )
    heads = ("seed", "attempt", "node", "started, UTC", "held, s", "ended", "")
    return Table(heads, "rrllrll", shortened(rows, "ledger.jsonl"), "Attempts")
