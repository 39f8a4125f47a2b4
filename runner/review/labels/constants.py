"""Arithmetic on what is known: the little of Python that settings go through, and nothing that could be expensive."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from runner.review.labels.values import UNSET
from runner.review.source.folding import COMPARES

MOST = 10_000
"""Characters, items or the like that a folded constant may have."""
PLAIN: Final = (bool, int, float, str, bytes, tuple, list, type(None))

BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    **COMPARES,
    ast.Is: lambda a, b: a is b if a is None or b is None else a == b,
    ast.IsNot: lambda a, b: a is not b if a is None or b is None else a != b,
}
BUILTINS: Final[dict[str, Callable[..., Any]]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "len": len,
    "min": min,
    "max": max,
    "abs": abs,
    "tuple": tuple,
    "list": list,
    "round": round,
    "sorted": sorted,
}
METHODS: Final = {"lower", "upper", "strip", "lstrip", "rstrip", "split", "startswith", "endswith", "replace", "join"}


def _plain(value: Any) -> bool:
    if not isinstance(value, PLAIN):
        return False
    if isinstance(value, (str, bytes, tuple, list)):
        return len(value) <= MOST
    return not isinstance(value, int) or abs(value) < 1 << 64


def folded(do: Callable[..., Any], *args: Any) -> Any:
    """What `do` gives for known `args`; UNSET where one is not known, or it fails, or it grows."""
    if any(one is UNSET or not _plain(one) for one in args):
        return UNSET
    if do is operator.mul and any(isinstance(one, (str, bytes, tuple, list)) for one in args):
        return UNSET
    if do is operator.mod and isinstance(args[0], (str, bytes)):
        return UNSET
    try:
        out = do(*args)
    except Exception:  # what the script would have raised: then nothing is known
        return UNSET
    return out if _plain(out) else UNSET


def method(name: str, receiver: Any, args: Sequence[Any]) -> Any:
    """A method of a known string."""
    if name not in METHODS or not isinstance(receiver, str):
        return UNSET
    return folded(getattr(receiver, name), *args)
