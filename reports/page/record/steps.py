"""How long steps took: a histogram over nodes, from the training time that each log tells beside its steps.

Between two lines of a log only the mean is known, so every step between them counts with that mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.numbers import fixed
from reports.page.record.series import UNKNOWN, axis, drawable, pattern, shortened
from reports.page.section import Cell, Part, Picture, Section, Table, Words
from runner.results.record import RecordData
from runner.results.runs import Curve

BINS = 30
MOST_NODES = 16
SHARE_SHOWN = 0.99
"""Of all steps; the slowest are told in words, or one of them would squeeze the others into a corner."""

FAR = 1.2


@dataclass(frozen=True)
class Pace:
    """So many steps that took so long each."""

    ms: float
    steps: int


def steps_section(data: RecordData) -> Section:
    """The histogram; one line where the logs tell no times."""
    title = "Step time"
    nodes = paces_by_node(data)
    if not nodes:
        return Section("steps", title, (Words("Not in this record: training time beside the steps.", "muted"),))
    parts: list[Part] = [_picture(nodes)]
    limit = _bound(nodes)
    slow = [pace for paces in nodes.values() for pace in paces if pace.ms > limit]
    if slow:
        number, worst = sum(pace.steps for pace in slow), max(pace.ms for pace in slow)
        parts.append(Words(f"Slower, and not drawn: {number:,} steps, up to {worst:,.1f} ms each.", "muted"))
    if len(nodes) > MOST_NODES:
        parts.append(Words(f"Drawn: {MOST_NODES} of {len(nodes):,} nodes; all are in the table.", "muted"))
    return Section("steps", title, tuple(parts))


def paces_by_node(data: RecordData) -> dict[str, list[Pace]]:
    """Node -> how long its steps took; `unknown` for seeds of which no node is noted."""
    hosts = {
        result.seed: result.training.host.node if result.training else result.host.node if result.host else UNKNOWN
        for result in data.results
    }
    found: dict[str, list[Pace]] = {}
    for curve in data.curves:
        if paces := paces_of(curve):
            found.setdefault(hosts.get(curve.seed, UNKNOWN), []).extend(paces)
    return found


def paces_of(curve: Curve) -> list[Pace]:
    """Between each two lines of a log that tell a time; where it runs backwards (a resumed seed), nothing is told."""
    told = [
        (step, seconds)
        for step, value in zip(curve.steps, curve.seconds, strict=False)
        if (seconds := drawable(value)) is not None
    ]
    return [
        Pace(1000 * (after - before) / (step - last), step - last)
        for (last, before), (step, after) in pairwise(told)
        if step > last and after > before
    ]


def _bound(nodes: dict[str, list[Pace]]) -> float:
    """Milliseconds up to which is drawn: all, unless the slowest are so slow that they would hide the others."""
    paces = sorted((pace for paces in nodes.values() for pace in paces), key=lambda pace: pace.ms)
    usual = quantile(paces, SHARE_SHOWN)
    return usual if paces[-1].ms > FAR * usual else paces[-1].ms


def quantile(paces: Sequence[Pace], share: float) -> float:
    """The least time that so large a share of all steps does not exceed. paces: sorted, not empty."""
    wanted, seen = share * sum(pace.steps for pace in paces), 0
    for pace in paces:
        seen += pace.steps
        if seen >= wanted:
            return pace.ms
    return paces[-1].ms


def _picture(nodes: dict[str, list[Pace]]) -> Picture:
    bound = _bound(nodes)
    low = min(pace.ms for paces in nodes.values() for pace in paces)
    width = (bound - low) / BINS or max(bound, 1e-3) / 100
    centres = [low + (place + 0.5) * width for place in range(BINS)]
    traces = []
    for index, (node, paces) in enumerate(list(nodes.items())[:MOST_NODES]):
        heights = [0] * BINS
        for pace in paces:
            if pace.ms <= bound:
                heights[min(BINS - 1, math.floor((pace.ms - low) / width))] += pace.steps
        traces.append(
            {
                "type": "bar",
                "name": node,
                "x": centres,
                "y": heights,
                "width": width,
                "hovertemplate": f"{node}\nabout %{{x:.1f}} ms\n%{{y}} steps",
                "marker": pattern(index),
            }
        )
    figure = {
        "data": traces,
        "layout": {"barmode": "stack", "xaxis": axis("milliseconds per step"), "yaxis": axis("steps")},
    }
    total = sum(pace.steps for paces in nodes.values() for pace in paces)
    label = f"Step times of {total:,} steps on {len(nodes)} nodes, most between {low:.1f} and {bound:.1f} ms."
    return Picture(figure, _table(nodes), label, "Step time by node", height=300)


def _table(nodes: dict[str, list[Pace]]) -> Table:
    rows: list[Sequence[str | Cell]] = []
    for node, paces in nodes.items():
        ordered = sorted(paces, key=lambda pace: pace.ms)
        steps = sum(pace.steps for pace in ordered)
        mean = math.fsum(pace.ms * pace.steps for pace in ordered) / steps
        told = [fixed(value, 2) for value in (mean, *(quantile(ordered, share) for share in (0.05, 0.5, 0.95)))]
        rows.append([node, f"{steps:,}", *told, fixed(ordered[-1].ms, 2)])
    heads = ("node", "steps", "mean ms", "5 % under", "median ms", "95 % under", "slowest ms")
    return Table(heads, "lrrrrrr", shortened(rows, "results.json"))
