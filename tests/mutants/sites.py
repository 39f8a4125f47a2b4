"""Every place of a source file where a small fault can be put, and the file with that fault in it. Pure.

A fault is one that a person makes: a comparison that is off by its boundary or turned round, a sign, `and` for `or`,
a bound's other end, the largest for the smallest, a whole number off by one, a step that is left out. What stands in
texts, annotations and docstrings is none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_At = Callable[[int, int], int]
"""Line and ast's column -> place of a character in the text."""
COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}
"""Comparison -> what is put in its place."""
WRITTEN: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
COMPUTED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
"""Operator -> how it is written, and what is put in its place."""
NAMES = {"low": "high", "high": "low", "first": "last", "last": "first", "begin": "end", "end": "begin"}
"""Attribute -> the one that is easily taken for it."""
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Site:
    """One fault: which part of the source gives way to what."""

    line: int
    """1-based."""
    begin: int
    end: int
    """Characters of the whole text."""
    old: str
    new: str

    def put_into(self, source: str) -> str:
        """The source with the fault."""
        return source[: self.begin] + self.new + source[self.end :]


def sites(source: str) -> list[Site]:
    """All of them, in the order of the text, each once; every one still is Python."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines(keepends=True)

    def at(line: int, column: int) -> int:
        """Place of a character; ast counts bytes."""
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found: dict[tuple[int, int, str], Site] = {}
    asked = {id(node.left) for node in ast.walk(tree) if isinstance(node, ast.Compare) and _asks_none(node)}
    for node in _living(tree):
        if id(node) in asked and isinstance(node, ast.Attribute):
            continue  # both of a pair are None, or none
        for begin, end, new in _faults(node, source, at):
            site = Site(source.count("\n", 0, begin) + 1, begin, end, source[begin:end], new)
            if site.old != new and _is_python(site.put_into(source)):
                found[begin, end, new] = site
    return [found[key] for key in sorted(found)]


def _asks_none(node: ast.Compare) -> bool:
    return isinstance(node.ops[0], ast.Is | ast.IsNot) and ast.unparse(node.comparators[0]) == "None"


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _living(node: ast.AST) -> Iterator[ast.AST]:
    """What is computed: no annotation, decorator or docstring, nothing inside a text."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or (name == "args" and _rounds(node)):
            if name == "args" and isinstance(node, ast.Call):
                yield from _living(node.args[0])  # how many digits are kept changes nothing that matters
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom):
                yield from _living(child)


def _rounds(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "round" and bool(node.args)
    )


def _faults(node: ast.AST, source: str, at: _At) -> Iterator[tuple[int, int, str]]:
    """(begin, end, what is put there) of one node."""
    if isinstance(node, ast.Compare):
        left: ast.expr = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            for new in COMPARED[type(operator)]:
                yield from _between(left, right, WRITTEN[type(operator)], new, source, at)
            left = right
    elif isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        yield from _between(node.left, node.right, *COMPUTED[type(node.op)], source, at)
    elif isinstance(node, ast.AugAssign) and type(node.op) in COMPUTED:
        old, new = COMPUTED[type(node.op)]
        yield from _between(node.target, node.value, f"{old}=", f"{new}=", source, at)
    elif isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from _between(left, right, old, new, source, at)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield at(node.lineno, node.col_offset), at(node.operand.lineno, node.operand.col_offset), ""
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        end = at(node.end_lineno or 0, node.end_col_offset or 0)
        yield end - len(node.attr), end, NAMES[node.attr]
    elif isinstance(node, ast.Name) and node.id in CALLS and isinstance(node.ctx, ast.Load):
        begin = at(node.lineno, node.col_offset)
        yield begin, begin + len(node.id), CALLS[node.id]
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield from _other_value(node, at)
    if isinstance(node, ast.Continue | ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0), "pass"


def _other_value(node: ast.Constant, at: _At) -> Iterator[tuple[int, int, str]]:
    begin, end = at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0)
    if isinstance(node.value, bool):
        yield begin, end, str(not node.value)
    elif isinstance(node.value, int):
        yield begin, end, str(node.value + 1)
    elif isinstance(node.value, float):
        yield begin, end, repr(node.value * 2 if node.value else 1.0)


def _between(
    left: ast.expr, right: ast.expr, old: str, new: str, source: str, at: _At
) -> Iterator[tuple[int, int, str]]:
    """The operator that stands between two expressions, if it can be told from brackets and comments."""
    begin = at(left.end_lineno or 0, left.end_col_offset or 0)
    end = at(right.lineno, right.col_offset)
    place = source[begin:end].find(old)
    if place >= 0:
        yield begin + place, begin + place + len(old), new
