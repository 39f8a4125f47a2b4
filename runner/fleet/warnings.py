"""What is said of a node before something runs there, where earlier runs found it slow or its scores off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.errors import UserError
from runner.fleet.facts import Effect, NodeFacts
from runner.fleet.fleet import fleet_of


def share(value: float | None) -> str:
    """A log of a ratio as percent with its sign: `+12.0 %`."""
    return "unknown" if value is None else f"{100 * math.expm1(value):+.1f} %"


def warnings_of(node: NodeFacts) -> Iterator[str]:
    """What speaks against a node; nothing where it is as the others, or that is not known."""
    if node.step.said == "higher":
        yield f"its steps took longer than on other nodes, {_interval(node.step)}, in {_seeds(node.step)}"
    if node.probe.said == "lower":
        yield f"its speed probe was below other nodes', {_interval(node.probe)}"
    if node.bpb.said == "higher" and node.bpb.estimate is not None:
        ends = f"{node.bpb.low:+.4f} to {node.bpb.high:+.4f}"
        yield f"its scores were worse than other nodes', {node.bpb.estimate:+.4f} bpb [{ends}], in {_seeds(node.bpb)}"
    if node.refused:
        yield f"preflight refused it {node.refused} time{'' if node.refused == 1 else 's'}"


def _interval(effect: Effect) -> str:
    return f"{share(effect.estimate)} [{share(effect.low)} to {share(effect.high)}]"


def _seeds(effect: Effect) -> str:
    return f"{effect.values} seed{'' if effect.values == 1 else 's'}"


def known_before(output: Path, hardware: str, hosts: Iterable[str]) -> list[str]:
    """A line for each node of these that runs under `output` found slow or off; a damaged neighbour says nothing."""
    try:
        found = fleet_of([output])
    except (UserError, OSError):
        return []
    lines = []
    for host in hosts:
        node = found.node(hardware, host)
        told = [] if node is None else list(warnings_of(node))
        if told:
            lines.append(f"node {host}, by earlier runs (golf fleet): {'; '.join(told)}")
    return lines
