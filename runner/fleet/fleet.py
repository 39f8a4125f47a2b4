"""From what past runs saw of their nodes to what is known of each: speed probe, steps, scores, with intervals.

A score is of the node that trained it. The score at equal steps stands beside the score and never in its place: with
a clock that ends training, a slow node's worse score is the rule's own.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.fleet.effects import UNKNOWN, Value, node_effects, scatter, step_slope
from runner.fleet.facts import Effect, FleetFacts, KindFacts, NodeFacts, StepSlope
from runner.fleet.sightings import Sightings, sightings
from runner.results.nodes import Host
from runner.results.runs import RunResult


def trained_on(result: RunResult) -> Host | None:
    """The node that made the weights."""
    return result.host if result.training is None else result.training.host


def step_ms(result: RunResult) -> float | None:
    """Milliseconds a step: the log's own mean, else the training clock over the steps."""
    if result.log.step_avg_ms:
        return result.log.step_avg_ms
    clock = None if result.train is None else result.train.clock
    if clock is None or not result.log.steps or clock.high <= 0:
        return None
    return 1000 * (clock.low + clock.high) / 2 / result.log.steps


def fleet_of(folders: Sequence[Path]) -> FleetFacts:
    """Everything that lies below these folders. UserError where one is no folder."""
    return facts_of(sightings(folders))


def facts_of(found: Sightings) -> FleetFacts:
    """The same of what was seen."""
    kinds = {host.hardware for result in found.seeds.values() if (host := trained_on(result)) is not None}
    kinds |= {report.hardware for report, _ in found.looks.values()}
    return FleetFacts(
        kinds=[_kind(name, found) for name in sorted(kinds)],
        results=len(found.seeds),
        unreadable=found.unreadable,
    )


def _kind(hardware: str, found: Sightings) -> KindFacts:
    seeds = [
        (run, host.node, result)
        for (run, _, _), result in found.seeds.items()
        if (host := trained_on(result)) is not None and host.hardware == hardware
    ]
    looks = [(report, refused) for report, refused in found.looks.values() if report.hardware == hardware]
    probes = [
        Value(report.probe.device, report.host, math.log(report.probe.gemm_tflops))
        for report, _ in looks
        if report.probe is not None and report.probe.gemm_tflops > 0
    ]
    paces = [
        Value(run, node, math.log(ms)) for run, node, one in seeds if (ms := step_ms(one)) is not None and ms > 0
    ]
    scored = [(run, node, bpb, one.log.steps) for run, node, one in seeds if (bpb := _bpb(one)) is not None]
    scores = [Value(run, node, bpb) for run, node, bpb, _ in scored]
    residual = node_effects(scores)
    slope, level = _at_equal_steps(scored)
    probe, pace, scattered = node_effects(probes), node_effects(paces), scatter(scores)
    hosts = dict.fromkeys([*(node for _, node, _ in seeds), *(report.host for report, _ in looks)])
    return KindFacts(
        hardware=hardware,
        nodes=[
            NodeFacts(
                host=host,
                seeds=len([node for _, node, _ in seeds if node == host]),
                runs=len({run for run, node, _ in seeds if node == host}),
                probes=len([value for value in probes if value.node == host]),
                refused=len([report for report, refused in looks if refused and report.host == host]),
                tflops=_median(math.exp(value.value) for value in probes if value.node == host),
                probe=probe.get(host, UNKNOWN),
                step=pace.get(host, UNKNOWN),
                bpb=residual.get(host, UNKNOWN),
                at_equal_steps=level.get(host, UNKNOWN),
            )
            for host in sorted(hosts)
        ],
        slope=slope,
        scatter_bpb=None if scattered is None else scattered.std,
        scatter_df=0 if scattered is None else scattered.df,
    )


def _at_equal_steps(
    scored: Sequence[tuple[str, str, float, int | None]],
) -> tuple[StepSlope | None, dict[str, Effect]]:
    """The slope of scores over steps, and each node's residual with its steps taken out.

    scored: run, node, bpb, steps. The interval holds the slope's uncertainty, too.
    """
    known = [(run, node, bpb, math.log(steps)) for run, node, bpb, steps in scored if steps]
    scores = [Value(run, node, bpb) for run, node, bpb, _ in known]
    steps = [Value(run, node, logs) for run, node, _, logs in known]
    found = step_slope(scores, steps) if known else None
    if found is None:
        return None, {}
    slope, variance = found
    away = node_effects(steps)
    added = {node: variance * (one.estimate or 0.0) ** 2 for node, one in away.items()}
    rest = [Value(run, node, bpb - slope.slope * logs) for run, node, bpb, logs in known]
    return slope, node_effects(rest, added)


def _bpb(result: RunResult) -> float | None:
    score = result.final_score
    return score.val_bpb if score is not None and math.isfinite(score.val_bpb) else None


def _median(values: Iterator[float]) -> float | None:
    known = list(values)
    return statistics.median(known) if known else None
