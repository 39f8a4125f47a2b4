"""clock: a training loop that does not look at the time, and logs that show more than the limit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from runner.review.answers import Answer, Place
from runner.review.inputs import Context, Reviewed
from runner.review.nodes import nodes_of, walk

LIMIT_MS = 601_000
"""600 s and the second that accepted records needed to stop."""
STOPPED = re.compile(r"(?:stopping_early|wallclock_cap)\b.*?train_time:\s*([\d.]+)\s*(ms|s)\b")
TIMES = {"perf_counter", "time", "monotonic", "elapsed_ms", "elapsed"}


def clocks(reviewed: Reviewed, context: Context) -> Iterator[tuple[str, Answer]]:
    """(class, answer): what the loop's test and the logs that count show."""
    for layer in (*reviewed.layers, *reviewed.siblings.values()):
        if layer.tree is not None:
            for node in nodes_of(layer.tree):
                if isinstance(node, ast.While) and isinstance(node.test, ast.IfExp) and _one_sided(node.test):
                    why = f"The training loop (l. {node.lineno}) looks at the time in one of two cases only."
                    yield "clock", Answer("violates", (Place(layer.name, node.lineno),), why)
    for name, line, text in () if getattr(context, "untimed", False) else counted_lines(context):
        found = STOPPED.search(text)
        if found is not None:
            spent = float(found[1]) * (1 if found[2] == "ms" else 1000)
            if spent > LIMIT_MS:
                why = f"{name}, line {line}: training stopped after {spent / 1000:.1f} s."
                yield "clock", Answer("violates", (Place(name, line),), why)


def counted_lines(context: Context) -> Iterator[tuple[str, int, str]]:
    """(log, line number, line) of the logs that count."""
    for log in getattr(context, "logs", ()):
        if log.counts:
            for number, line in enumerate(log.lines, 1):
                yield log.name, number, line


def _one_sided(test: ast.IfExp) -> bool:
    return _times(test.body) != _times(test.orelse)


def _times(node: ast.expr) -> bool:
    names = {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in walk(node)}
    return bool(names & TIMES)
