"""What `golf fleet` prints: a table for each kind of node, what it rests on, and what it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.markdown import one_line
from reports.numbers import MISSING, fixed, signed
from runner.fleet.facts import Effect, FleetFacts, KindFacts, NodeFacts
from runner.listing import counted

HEADS = ("node", "seeds", "TFLOPS", "probe", "ms/step", "bpb", "at equal steps", "said")
DIGITS = 4
Shown = Callable[[float], str]


def terminal_fleet(found: FleetFacts) -> RenderableType:
    """A renderable of all kinds of nodes; their names are plain text."""
    if not found.kinds:
        return Text("no completed seed lies there")
    parts: list[RenderableType] = []
    for kind in found.kinds:
        parts += [
            Text(one_line(kind.hardware), "bold"),
            table_of(kind),
            *(Text(line) for line in lines(kind)),
            Text(),
        ]
    if found.unreadable:
        parts.append(Text(f"{counted(found.unreadable, 'file')} could not be read and counted nowhere", "yellow"))
    return Group(*parts)


def table_of(kind: KindFacts) -> Table:
    """One line a node; an effect stands with its interval."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in HEADS:
        words = head in ("node", "said")
        table.add_column(head, justify="left" if words else "right", no_wrap=not words)
    for node in kind.nodes:
        table.add_row(
            Text(one_line(node.host)),
            f"{node.seeds:,}",
            fixed(node.tflops, 3) if node.tflops is not None else MISSING,
            Text(share(node.probe)),
            Text(share(node.step)),
            Text(bpb(node.bpb)),
            Text(bpb(node.at_equal_steps)),
            Text(said(node), "" if said(node) in ("as the others", "unknown") else "bold yellow"),
        )
    return table


def share(effect: Effect) -> str:
    """A log of a ratio in percent, and its interval in the line below."""
    return _with_ends(effect, lambda value: f"{100 * math.expm1(value):+.1f}", " %")


def bpb(effect: Effect) -> str:
    """A difference in bits per byte with its interval."""
    return _with_ends(effect, lambda value: signed(value, DIGITS), "")


def _with_ends(effect: Effect, shown: Shown, unit: str) -> str:
    if effect.estimate is None:
        return "unknown"
    if effect.low is None or effect.high is None:
        return f"{shown(effect.estimate)}{unit}\n[unknown]"
    return f"{shown(effect.estimate)}{unit}\n[{shown(effect.low)} to {shown(effect.high)}]"


def said(node: NodeFacts) -> str:
    """A node in a few words."""
    words = []
    if node.step.said != "as the others" and node.step.said != "unknown":
        words.append("slow" if node.step.said == "higher" else "fast")
    elif node.probe.said in ("lower", "higher"):
        words.append("slow probe" if node.probe.said == "lower" else "fast probe")
    if node.bpb.said in ("lower", "higher"):
        words.append("worse" if node.bpb.said == "higher" else "better")
    if node.refused:
        words.append("refused")
    if words:
        return "\n".join(words)
    known = [effect for effect in (node.probe, node.step, node.bpb) if effect.said != "unknown"]
    return "as the others" if known else "unknown"


def lines(kind: KindFacts) -> list[str]:
    """What the table rests on."""
    told = ["Probe, ms/step and bpb are against the mean over the nodes that had the same job, with 95 % intervals."]
    if kind.scatter_bpb is None:
        told.append("No node ran two seeds of one job, so no interval of a score is known.")
    else:
        told.append(
            f"Seeds of one job on one node scatter by {fixed(kind.scatter_bpb, 6)} bpb "
            f"({counted(kind.scatter_df, 'degree')} of freedom)."
        )
    if kind.slope is None:
        told.append("A score at equal steps is unknown: steps of a job's seeds do not differ, or there are too few.")
    else:
        one = kind.slope
        per = math.log(1.01)
        ends = f"{signed(one.low * per, 6)} to {signed(one.high * per, 6)}"
        told.append(
            f"1 % more steps change a score by {signed(one.slope * per, 6)} bpb [{ends}], of {one.seeds} seeds; the "
            "score at equal steps is shown beside the score, never instead of it."
        )
    return told
