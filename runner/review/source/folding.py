"""Expressions over constants, worked out as data: what an exec shell would hand to Python, without running any of it.

Only operations that are named here are done, on Python's plain values, within a budget of steps and bytes; nothing of
a script is compiled or called. `Unfoldable` says what is not known. Statements are `tracing`'s.
"""

from __future__ import annotations

import ast
import lzma
import operator
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from runner.review.source.decoders import DECODERS, MOST, Damaged, decoded
from runner.review.source.foldable_methods import method

MOST_STEPS = 2_000_000
MOST_SECONDS = 20.0
MOST_BUILT = 512 << 20
"""Bytes of all values of one script together."""
DEEPEST = 150
"""Expressions and calls inside one another."""
LARGEST = 1 << 64
BUILTINS = frozenset(
    (
        *("exec", "eval", "compile", "open", "bytes", "str", "int", "bytearray", "chr", "ord", "len", "range", "zip"),
        *(
            "enumerate",
            "list",
            "tuple",
            "dict",
            "reversed",
            "sorted",
            "map",
            "filter",
            "getattr",
            "__import__",
            "repr",
        ),
        *("globals", "locals", "vars", "print", "isinstance", "hasattr", "min", "max", "sum", "memoryview", "set"),
    )
)


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


class Unfoldable(Exception):
    """A value that is not known from the script's own constants and files."""


class Exhausted(Unfoldable):
    """The budget of one script is spent: nothing more of it is worked out."""


@dataclass(frozen=True)
class Dotted:
    """A module, or something of one, by its full name."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """A name whose value is not known, and why where somebody could tell."""

    why: str = ""


@dataclass
class Function:
    """A function or lambda of the script, and the names that it sees."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope


@dataclass
class Module:
    """A module that the script makes: `types.ModuleType(name)`."""

    name: str
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stream:
    """An open file, or bytes that are read like one."""

    content: bytes | str | None
    path: str = ""
    text: bool = False
    written: bool = False


@dataclass
class Scope:
    """Names of a function, or of the module."""

    names: dict[str, Any]
    outer: Scope | None = None

    def get(self, name: str) -> Any:
        """The value; Unfoldable where it is not known."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                value = scope.names[name]
                if isinstance(value, Unknown):
                    raise Unfoldable(f"{name} is not known")
                return value
            scope = scope.outer
        if name in BUILTINS:
            return Dotted(f"builtins.{name}")
        raise Unfoldable(f"{name} is not known")


class Budget:
    """Steps, bytes and seconds that one script may take."""

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.built = MOST_BUILT
        self.until = time.monotonic() + MOST_SECONDS
        self.depth = 0

    def step(self) -> None:
        """One more; Exhausted when there are none left."""
        self.steps -= 1
        if self.steps < 0 or (self.steps % 4096 == 0 and time.monotonic() > self.until):
            self.steps = -1
            raise Exhausted("working it out takes too long")

    def bytes(self, size: int) -> None:
        """So many more, for one value; Unfoldable for too large a value, Exhausted when all are spent."""
        if size > MOST:
            raise Unfoldable(f"a value of more than {MOST:,} bytes")
        self.built -= size
        if self.built < 0:
            raise Exhausted("its values take too much memory")


class Folder:
    """Works out expressions. What a call means that is no codec and no method of text, a subclass says."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.steps_of: dict[bytes | str, tuple[str, ...]] = {}
        """How a value was decoded."""

    def effect(self, function: Any, node: ast.Call, scope: Scope) -> Any:
        """The value of a call of `function`, Unknown where that is not known; Unfoldable where there is none."""
        raise NotImplementedError

    def file_method(self, owner: PurePosixPath | Stream, node: ast.Call, scope: Scope) -> Any:
        """The value of a method of a path or an open file; Unfoldable where there is none."""
        raise NotImplementedError

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

    def known(self, value: Any, *of: Any) -> Any:
        """A value on its way out: within the budget, and with the history of what it was made of."""
        if isinstance(value, (bytes, str)):
            self.budget.bytes(len(value))
            history = next((self.steps_of[one] for one in of if _hashable(one) and one in self.steps_of), ())
            if history and len(value) > 40:
                self.steps_of.setdefault(value, history)
        elif isinstance(value, (list, tuple, dict, set)):
            self.budget.bytes(8 * len(value))
            for one in value if len(value) <= 64 and any(_hashable(part) for part in of) else ():
                if _hashable(one):  # the pieces of a text that was split
                    self.known(one, *of)
        elif isinstance(value, int) and not -LARGEST < value < LARGEST:
            raise Unfoldable("a number of too many digits")
        return value

    def note(self, value: bytes | str, source: Any, step: str) -> None:
        """Remember that `value` was decoded from `source` by `step`."""
        before = self.steps_of.get(source, ()) if _hashable(source) else ()
        self.steps_of[value] = (*before, step)

    def _Constant(self, node: ast.Constant, scope: Scope) -> Any:
        return node.value

    def _Name(self, node: ast.Name, scope: Scope) -> Any:
        return scope.get(node.id)

    def _Tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self._items(node.elts, scope))

    def _List(self, node: ast.List, scope: Scope) -> Any:
        return self._items(node.elts, scope)

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        found: list[Any] = []
        for one in nodes:
            if isinstance(one, ast.Starred):
                found += self.iterate(self.fold(one.value, scope))
            else:
                found.append(self.fold(one, scope))
        return found

    def _Dict(self, node: ast.Dict, scope: Scope) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update(self.fold(value, scope))
                continue
            name = self.fold(key, scope)
            try:
                made[name] = self.fold(value, scope)
            except Exhausted:
                raise
            except Unfoldable:
                made[name] = Unknown()
        return made

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

    def _Subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        value = self.fold(node.value, scope)
        if isinstance(value, Module):
            value = value.names
        if isinstance(node.slice, ast.Slice):
            bounds = [
                None if one is None else self.fold(one, scope)
                for one in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            if not isinstance(value, (str, bytes, list, tuple, range)):
                raise Unfoldable("a part of something else")
            return self.known(value[slice(*bounds)], value)
        key = self.fold(node.slice, scope)
        if not isinstance(value, (str, bytes, list, tuple, dict, range)):
            raise Unfoldable("a part of something else")
        found = value[key]
        if isinstance(found, Unknown):
            raise Unfoldable("an item that is not known")
        return found

    def _GeneratorExp(self, node: ast.GeneratorExp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _ListComp(self, node: ast.ListComp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _SetComp(self, node: ast.SetComp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _DictComp(self, node: ast.DictComp, scope: Scope) -> Any:
        pair = ast.Tuple(elts=[node.key, node.value], ctx=ast.Load())
        return dict(self._comprehended(pair, node.generators, scope))

    def _comprehended(self, element: ast.expr, generators: list[ast.comprehension], scope: Scope) -> list[Any]:
        if not generators:
            return [self.fold(element, scope)]
        first, *rest = generators
        inner = Scope({}, scope)
        found: list[Any] = []
        for value in self.iterate(self.fold(first.iter, scope)):
            self.budget.step()
            self.assign(first.target, value, inner)
            if all(self.fold(test, inner) for test in first.ifs):
                found += self._comprehended(element, rest, inner)
        return found

    def iterate(self, value: Any) -> list[Any]:
        """What a loop over a value goes through."""
        if isinstance(value, range):
            self.budget.bytes(8 * len(value))
            return list(value)
        if isinstance(value, (str, bytes, list, tuple, dict, set)):
            self.budget.bytes(8 * len(value))
            return list(value)
        raise Unfoldable("a loop over something else")

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give names their values; a target that is no name keeps none."""
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            known = isinstance(value, (list, tuple)) and len(value) == len(target.elts)
            for index, one in enumerate(target.elts):
                self.assign(one, value[index] if known else Unknown(), scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, Unknown(), scope)
        elif isinstance(target, ast.Subscript):
            try:
                owner, key = self.fold(target.value, scope), self.fold(target.slice, scope)
                if isinstance(owner, (dict, list)):
                    owner[key] = value
            except (Unfoldable, TypeError, IndexError):
                return
        elif isinstance(target, ast.Attribute):
            try:
                owner = self.fold(target.value, scope)
            except Unfoldable:
                return
            if isinstance(owner, Module):
                owner.names[target.attr] = value

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


def _hashable(value: Any) -> bool:
    return isinstance(value, (bytes, str))
