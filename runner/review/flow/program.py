"""One script followed from its first line to its last."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from runner.review.flow.statements import Statements
from runner.review.labels.machine import CutShort, Settings
from runner.review.labels.trace import Trace
from runner.review.labels.values import Scope, Thing, Value
from runner.review.nodes import nodes_of

ENTRIES = ("main", "run", "train", "main_worker")


def follow(
    texts: Sequence[tuple[str, ast.Module]], beside: Mapping[str, ast.Module], settings: Settings, every: bool
) -> Trace:
    """What the script does. `texts` are (name, tree) of its layers, each run as the script.

    `every`: branches that the settings switch off are followed too, and their events say so.
    """
    machine = Statements(settings, every, beside)
    scope = Scope("")
    for tree in (*(tree for _, tree in texts), *beside.values()):
        for node in nodes_of(tree):
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
                machine.counters.add(node.target.attr)
    try:
        for name, tree in texts:
            scope.file = machine.file = name
            machine.block(tree.body, scope)
        _unreached(machine, scope)
    except CutShort:
        machine.trace.cut = "The script needs more steps than a review follows."
    except RecursionError:
        machine.trace.cut = "The script is nested too deeply to be followed."
    machine.trace.sort()
    return machine.trace


def _unreached(machine: Statements, scope: Scope) -> None:
    """A script that defines a `main` and never calls it is run by somebody else."""
    if machine.trace.events and any(event.stack for event in machine.trace.events):
        return
    for name in ENTRIES:
        value = scope.names.get(name)
        if value is not None and value.thing is not None and value.thing.kind == "function":
            node = value.thing.node or ast.Pass()
            form = getattr(node, "args", None)
            blank = [Value() for _ in form.args] if isinstance(form, ast.arguments) else []
            machine.apply(Value(thing=value.thing), blank, {}, node, scope)
            return


__all__ = ["Thing", "follow"]
