"""Expressions over constants, worked out as data: what an exec shell would hand to Python, without running any of it.

Only operations that are named here are done, on Python's plain values, within a budget of steps and bytes; nothing of
a script is compiled or called. `Unfoldable` says what is not known. Statements are `tracing`'s.
"""

from __future__ import annotations

import ast
import lzma
import operator
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from runner.review.source.decoders import DECODERS, Damaged, decoded
from runner.review.source.foldable_methods import method
from runner.review.source.items import Items
from runner.review.source.known_values import Dotted, Exhausted, Function, Module, Scope, Stream, Unfoldable, Unknown

DEEPEST = 150
"""Expressions and calls inside one another."""


COMPARES: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


WHOLE: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
"""What is done to whole numbers."""


class Folder(Items):
    """Works out expressions. What a call means that is no codec and no method of text, a subclass says."""

    def fold(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression; Unfoldable where the script's constants do not say."""
        self.budget.step()
        worker = getattr(self, f"_{type(node).__name__}", None)
        if worker is None:
            raise Unfoldable(f"{type(node).__name__} is not worked out")
        self.budget.depth += 1
        try:
            if self.budget.depth > DEEPEST:
                raise Unfoldable("nested too deeply")
            return worker(node, scope)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, ArithmeticError, AttributeError) as error:
            raise Unfoldable(f"{type(error).__name__}: {str(error)[:80]}") from None
        finally:
            self.budget.depth -= 1

    def _Constant(self, node: ast.Constant, scope: Scope) -> Any:
        return node.value

    def _Name(self, node: ast.Name, scope: Scope) -> Any:
        return scope.get(node.id)

    def _JoinedStr(self, node: ast.JoinedStr, scope: Scope) -> Any:
        parts = []
        for one in node.values:
            if not isinstance(one, ast.FormattedValue):
                parts.append(self.fold(one, scope))
                continue
            value = self.fold(one.value, scope)
            if one.format_spec is not None or not isinstance(value, (str, int)):
                raise Unfoldable("a formatted value")
            parts.append(repr(value) if one.conversion == 114 else str(value))
        return self.known("".join(parts), *parts)

    def _BinOp(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.fold(node.left, scope), self.fold(node.right, scope)
        if isinstance(node.op, ast.Div) and isinstance(left, PurePosixPath):
            return left / right
        return self.known(self.combine(node.op, left, right), left, right)

    def combine(self, op: ast.operator, left: Any, right: Any) -> Any:
        """`left op right` of plain values."""
        if isinstance(op, ast.Add) and type(left) is type(right) and isinstance(left, (str, bytes, list, tuple)):
            self.budget.bytes(len(left) + len(right))
            return left + right
        if isinstance(op, ast.Mult) and isinstance(left, (str, bytes, list, tuple)) and isinstance(right, int):
            self.budget.bytes(len(left) * max(right, 0))
            return left * right
        if not isinstance(left, int) or not isinstance(right, int):
            raise Unfoldable("an operation on other values")
        if isinstance(op, (ast.LShift, ast.RShift)) and not 0 <= right <= 64:
            raise Unfoldable("a shift of too many bits")
        if type(op) not in WHOLE:
            raise Unfoldable("an operation that is not worked out")
        return WHOLE[type(op)](left, right)

    def _UnaryOp(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self.fold(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub) and isinstance(value, int):
            return -value
        raise Unfoldable("an operation that is not worked out")

    def _Compare(self, node: ast.Compare, scope: Scope) -> Any:
        if len(node.ops) != 1:
            raise Unfoldable("a chain of comparisons")
        left, right = self.fold(node.left, scope), self.fold(node.comparators[0], scope)
        compare = COMPARES.get(type(node.ops[0]))
        plain = isinstance(left, (str, bytes, int)) and isinstance(right, (str, bytes, int, list, tuple, dict))
        if compare is None or not plain:
            raise Unfoldable("a comparison of other values")
        return compare(left, right)

    def _IfExp(self, node: ast.IfExp, scope: Scope) -> Any:
        return self.fold(node.body if self.fold(node.test, scope) else node.orelse, scope)

    def _NamedExpr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.fold(node.value, scope)
        scope.names[node.target.id] = value
        return value

    def _Lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return Function(node, scope)

    def _Attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self.fold(node.value, scope)
        if isinstance(owner, Dotted):
            module, _, name = f"{owner.name}.{node.attr}".rpartition(".")
            if module == "lzma" and name.startswith(("FILTER_", "FORMAT_", "CHECK_", "PRESET_", "MF_", "MODE_")):
                return getattr(lzma, name)
            if module == "zlib" and name in ("MAX_WBITS", "DEF_BUF_SIZE"):
                return getattr(zlib, name)
            if module == "os" and name == "sep":
                return "/"
            return Dotted(f"{module}.{name}")
        if isinstance(owner, PurePosixPath) and node.attr in ("parent", "name", "stem", "suffix"):
            return getattr(owner, node.attr)
        if isinstance(owner, Module):
            if node.attr == "__dict__":
                return owner
            if node.attr == "__name__":
                return owner.name
            return owner.names[node.attr]
        raise Unfoldable(f"attribute {node.attr} of something else")

    def _Call(self, node: ast.Call, scope: Scope) -> Any:
        function: Any = Unknown()
        if isinstance(node.func, ast.Attribute):
            owner = self._or_unknown(node.func.value, scope)
            if isinstance(owner, (str, bytes, list, dict)):
                values, named = self.arguments(node, scope)
                return self.known(method(self.budget.bytes, owner, node.func.attr, values, named), owner, *values)
            if isinstance(owner, (PurePosixPath, Stream)):
                return self.file_method(owner, node, scope)
            if isinstance(owner, Dotted):
                function = self._or_unknown(node.func, scope)
            elif isinstance(owner, Module):
                function = owner.names.get(node.func.attr, function)
            elif isinstance(owner, Unknown):
                function = owner
        else:
            function = self._or_unknown(node.func, scope)
        if isinstance(function, Dotted) and function.name in DECODERS:
            return self.decode(function.name, node, scope)
        return self.effect(function, node, scope)

    def _or_unknown(self, node: ast.expr, scope: Scope) -> Any:
        try:
            return self.fold(node, scope)
        except Exhausted:
            raise
        except Unfoldable as error:
            return Unknown(str(error))

    def arguments(self, node: ast.Call, scope: Scope) -> tuple[list[Any], dict[str, Any]]:
        """The values of a call's arguments."""
        values = self._items(node.args, scope)
        named: dict[str, Any] = {}
        for one in node.keywords:
            value = self.fold(one.value, scope)
            if one.arg is None:
                named.update(value)
            else:
                named[one.arg] = value
        return values, named

    def decode(self, function: str, node: ast.Call, scope: Scope) -> bytes:
        """What a codec makes of its argument; Unfoldable for what it does not read."""
        values, named = self.arguments(node, scope)
        data = (
            values[0] if values else next((named.pop(key) for key in ("data", "s", "string") if key in named), None)
        )
        if not isinstance(data, (bytes, str)):
            raise Unfoldable("a codec of something else than bytes")
        name, _, options = DECODERS[function]
        given = {**dict(zip(options, values[1:], strict=False)), **{k: named[k] for k in options if k in named}}
        try:
            found = decoded(function, data, {k: v for k, v in given.items() if v is not None})
        except Damaged as error:
            raise Unfoldable(str(error)) from None
        self.budget.bytes(len(found))
        self.note(found, data, name)
        return found
