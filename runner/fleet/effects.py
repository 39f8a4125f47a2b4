"""How far each node's values are from the others', over jobs: least squares with a mean for each job and node.

Pure. For each job the node's mean is held against the mean over that job's nodes; jobs are put together by the
inverse of their variances. The deviation between seeds is pooled over all jobs and nodes, so that a node with one
seed has a wide interval, not none; where no node ran two seeds of one job, no interval is known at all.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.fleet.facts import Effect, StepSlope
from runner.statistics import holm, t_quantile

UNKNOWN = Effect(values=0, groups=0, estimate=None, low=None, high=None, p=None)
EQUAL_STEPS = 1e-6
"""Logs of steps that differ by less are the same: nothing follows from them."""
FEWEST = 4
"""Seeds, beyond one for each job, without which no slope is told."""


@dataclass(frozen=True)
class Value:
    """One measurement."""

    group: str
    """What it may be compared within: a job, or a kind of node."""
    node: str
    value: float


@dataclass(frozen=True)
class Scatter:
    """Deviation within one group on one node, pooled."""

    std: float
    df: int


def scatter(values: Sequence[Value]) -> Scatter | None:
    """None where no node has two values of one group, or none of them scatter."""
    cells = _cells(values)
    rest = sum(
        sum((x - statistics.fmean(cell)) ** 2 for x in cell) for nodes in cells.values() for cell in nodes.values()
    )
    df = sum(len(cell) - 1 for nodes in cells.values() for cell in nodes.values())
    return Scatter(math.sqrt(rest / df), df) if df and rest > 0 else None


def _cells(values: Sequence[Value]) -> Mapping[str, Mapping[str, list[float]]]:
    """Group -> node -> values."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in values:
        found[one.group][one.node].append(one.value)
    return found


def node_effects(values: Sequence[Value], added: Mapping[str, float] | None = None) -> dict[str, Effect]:
    """Node -> how far its values are from the others'. added: node -> variance that its estimate has besides."""
    pooled, found = scatter(values), dict[str, Effect]()
    parts: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    """Node -> (difference, its variance in units of the scatter's, values) of each group."""
    for nodes in _cells(values).values():
        count = len(nodes)
        if count < 2:
            continue
        means = {node: statistics.fmean(cell) for node, cell in nodes.items()}
        middle, inverse = statistics.fmean(means.values()), sum(1 / len(cell) for cell in nodes.values())
        for node, cell in nodes.items():
            variance = ((1 - 1 / count) ** 2 / len(cell)) + (inverse - 1 / len(cell)) / count**2
            parts[node].append((means[node] - middle, variance, len(cell)))
    for node in dict.fromkeys(one.node for one in values):
        found[node] = _effect(parts[node], pooled, (added or {}).get(node, 0.0)) if parts[node] else UNKNOWN
    known = [node for node, effect in found.items() if effect.p is not None]
    for node, p in zip(known, holm([found[node].p or 0.0 for node in known]), strict=True):
        found[node] = found[node].model_copy(update={"p": p})
    return found


def _effect(parts: Sequence[tuple[float, float, int]], pooled: Scatter | None, added: float) -> Effect:
    from scipy import special

    weight = sum(1 / variance for _, variance, _ in parts)
    estimate = sum(difference / variance for difference, variance, _ in parts) / weight
    own, groups = sum(count for _, _, count in parts), len(parts)
    if pooled is None:
        return Effect(values=own, groups=groups, estimate=estimate, low=None, high=None, p=None)
    error = math.sqrt(pooled.std**2 / weight + added)
    half = t_quantile(pooled.df) * error
    p = 2 * float(special.stdtr(pooled.df, -abs(estimate) / error))
    return Effect(values=own, groups=groups, estimate=estimate, low=estimate - half, high=estimate + half, p=p)


def step_slope(scores: Sequence[Value], steps: Sequence[Value]) -> tuple[StepSlope, float] | None:
    """Scores over logs of steps, both about each job's mean, and the slope's variance; None where it cannot be told.

    scores, steps: of the same seeds in one order.
    """
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for score, step in zip(scores, steps, strict=True):
        groups[score.group].append((step.value, score.value))
    about = [
        (x - statistics.fmean(x for x, _ in group), y - statistics.fmean(y for _, y in group))
        for group in groups.values()
        for x, y in group
    ]
    spread, df = sum(x * x for x, _ in about), len(about) - len(groups) - 1
    if df < FEWEST - 1 or math.sqrt(spread / len(about)) < EQUAL_STEPS:
        return None
    slope = sum(x * y for x, y in about) / spread
    variance = sum((y - slope * x) ** 2 for x, y in about) / df / spread
    half = t_quantile(df) * math.sqrt(variance)
    return StepSlope(slope=slope, low=slope - half, high=slope + half, seeds=len(about)), variance
