"""Switches that a log proves on: it shows a line that only the code behind the switch prints.

`if args.warm: log(f"warm:start ...")` and a log with a line `warm:start ...` say that `warm` was on, whatever README
and defaults say. A line that is printed elsewhere, too, proves nothing, and one that is missing is no proof either.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.review.nodes import nodes_of, walk
from runner.review.run.script_settings import Setting

SAYS = re.compile(r"log|print|info|write", re.IGNORECASE)
LEAST = 6
"""Characters of a line's beginning that tell it from others."""
OFF = ("0", "False", "false", "", "0.0")
DEEPEST = 4
"""Functions called by functions behind a switch that are looked into."""


def shown(
    trees: Iterable[ast.Module | None], settings: Mapping[str, Setting], lines: Sequence[str]
) -> dict[str, tuple[str, int]]:
    """{NAME: (value, line of the log)} of settings whose branch printed one of these lines.

    The value is the default where that switches it on, else "1".
    """
    kept = {one.kept: name for name, one in settings.items() if one.kept}
    found: dict[str, tuple[str, int]] = {}
    for tree in trees:
        if tree is None:
            continue
        script = _Script(tree)
        for node in script.branches:
            names = [name for name in _wanted(node.test, settings, kept) if name not in found]
            if not names:
                continue
            number = _first(script.only_in(node.body), lines)
            for name in names if number else ():
                default = settings[name].default or ""
                found[name] = ("1" if default in OFF else default, number)
    return found


class _Script:
    """What a text prints, and which function is called from where."""

    def __init__(self, tree: ast.Module) -> None:
        self.branches: list[ast.If] = []
        self.functions: dict[str, ast.AST] = {}
        self.calls: dict[str, set[int]] = {}
        self.said: dict[str, set[int]] = {}
        for node in nodes_of(tree):
            if isinstance(node, ast.If):
                self.branches.append(node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions[node.name] = node
            elif isinstance(node, ast.Call):
                self.calls.setdefault(_called(node), set()).add(id(node))
                for start in _starts(node):
                    self.said.setdefault(start, set()).add(id(node))

    def only_in(self, body: Sequence[ast.stmt]) -> list[str]:
        """Beginnings of lines that these statements and functions that only they call print, and nobody else."""
        inside = {id(node) for top in body for node in walk(top)}
        entered: set[str] = set()
        for _ in range(DEEPEST):
            more = [
                name
                for name, where in self.calls.items()
                if name in self.functions and name not in entered and where <= inside
            ]
            if not more:
                break
            entered.update(more)
            inside |= {id(node) for name in more for node in walk(self.functions[name])}
        own = [start for start, where in self.said.items() if where <= inside]
        others = tuple(start for start, where in self.said.items() if not where <= inside)
        return [start for start in own if not any(start.startswith(one) or one.startswith(start) for one in others)]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _starts(node: ast.Call) -> Iterator[str]:
    """How the line begins that a call prints, if that is known well enough."""
    if not node.args or not SAYS.search(_called(node)):
        return
    first = node.args[0]
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        start = first.value.strip()
        if len(start) >= LEAST:
            yield start


def _wanted(test: ast.expr, settings: Mapping[str, Setting], kept: Mapping[str, str]) -> list[str]:
    """Settings that a test wants on."""
    if isinstance(test, ast.BoolOp):
        return [name for part in test.values for name in _wanted(part, settings, kept)] * isinstance(test.op, ast.And)
    if isinstance(test, ast.Compare):
        above = isinstance(test.ops[0], (ast.Gt, ast.GtE))
        one = isinstance(test.ops[0], ast.Eq) and getattr(test.comparators[0], "value", None) in ("1", 1, True)
        return _wanted(test.left, settings, kept) if above or one else []
    if isinstance(test, ast.Call):
        names = [arg.value for arg in test.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        named = [name for name in names if name in settings]
        return named or (_wanted(test.args[0], settings, kept) if test.args else [])
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return [kept[name]] if name in kept else []


def _first(starts: Sequence[str], lines: Sequence[str]) -> int:
    """Number of the first line that begins so; 0 where none does."""
    if not starts:
        return 0
    wanted = tuple(starts)
    return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(wanted)), 0)
