"""Bounds of a configuration's numbers, read from the checks that its classes make when they are built.

Only what holds whatever the other fields say: a plain comparison of one field with constants, in a `require` that no
`if` stands before. What depends on other fields, no schema can say.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from golf_model.config.checks import MOST

Bound = dict[str, int | float]
"""Keyword of JSON Schema -> number."""
_RIGHT: dict[type[ast.cmpop], str] = {
    ast.GtE: "minimum",
    ast.Gt: "exclusiveMinimum",
    ast.LtE: "maximum",
    ast.Lt: "exclusiveMaximum",
}
"""What `field OP number` says of the field."""
_LEFT: dict[type[ast.cmpop], str] = {
    ast.LtE: "minimum",
    ast.Lt: "exclusiveMinimum",
    ast.GtE: "maximum",
    ast.Gt: "exclusiveMaximum",
}
"""What `number OP field` says of it."""


def bounds_of(kind: type) -> dict[str, Bound]:
    """Field -> its bounds, for a configuration dataclass; fields that have none of their own are left out."""
    check = getattr(kind, "__post_init__", None)
    if check is None:
        return {}
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(check))).body
    assert isinstance(body, ast.FunctionDef)
    found: dict[str, Bound] = {}
    for compared, loop in _required(body.body, {}):
        for name, bound in _bounds(compared, loop):
            found.setdefault(name, {}).update(bound)
    return found


def whole_bound() -> Bound:
    """What holds for every whole number of a configuration."""
    return {"minimum": -MOST, "maximum": MOST}


def _required(body: list[ast.stmt], loop: dict[str, list[str]]) -> Iterator[tuple[ast.Compare, dict[str, list[str]]]]:
    """Comparisons that are required on every path; `loop`: names that a variable of a loop stands for."""
    for statement in body:
        if isinstance(statement, ast.For) and isinstance(statement.target, ast.Name):
            names = [item.value for item in getattr(statement.iter, "elts", []) if isinstance(item, ast.Constant)]
            yield from _required(statement.body, {**loop, statement.target.id: [str(name) for name in names]})
        elif isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
            named = isinstance(call.func, ast.Name) and call.func.id == "require"
            if named and call.args and isinstance(compared := call.args[0], ast.Compare):
                yield compared, loop


def _bounds(compared: ast.Compare, loop: dict[str, list[str]]) -> Iterator[tuple[str, Bound]]:
    """(field, bound) of each link of a chain that has a field on one side and a number on the other."""
    sides = [compared.left, *compared.comparators]
    for left, operator, right in zip(sides, compared.ops, sides[1:], strict=False):
        low, high = _number(left), _number(right)
        for name in _fields(left, loop):
            if high is not None and type(operator) in _RIGHT:
                yield name, {_RIGHT[type(operator)]: high}
        for name in _fields(right, loop):
            if low is not None and type(operator) in _LEFT:
                yield name, {_LEFT[type(operator)]: low}


def _number(node: ast.expr) -> int | float | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) else None


def _fields(node: ast.expr, loop: dict[str, list[str]]) -> list[str]:
    """`self.name`, or all that `getattr(self, name)` stands for in a loop over names."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return [node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        return loop.get(getattr(node.args[1], "id", ""), [])
    return []
