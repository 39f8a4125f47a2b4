"""The nodes of a syntax tree, walked in half the time of `ast.walk`, and what was once found about one remembered.

A script's tree is walked by some twenty askers, and its functions are followed again for every call of them.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

AST = ast.AST
Answer = TypeVar("Answer")


def children(node: ast.AST) -> list[ast.AST]:
    """What stands directly in a node, in its order; as ast.iter_child_nodes."""
    found: list[ast.AST] = []
    for value in vars(node).values():
        kind = type(value)
        if kind is int or kind is str:  # where it stands, or a name: most of what a node holds
            continue
        if kind is list:
            found += [one for one in value if isinstance(one, AST)]
        elif isinstance(value, AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all that stands in it, level by level; as ast.walk."""
    pending = deque([node])
    while pending:
        one = pending.popleft()
        if one._fields:
            pending.extend(children(one))
        yield one


def remembered(ask: Callable[[ast.AST], Answer]) -> Callable[[ast.AST], Answer]:
    """`ask` with its answers kept for as long as their nodes live. Only for trees that nobody changes any more."""
    answers: WeakKeyDictionary[ast.AST, Answer] = WeakKeyDictionary()

    @wraps(ask)
    def asked(node: ast.AST) -> Answer:
        try:
            return answers[node]
        except KeyError:
            answer = answers[node] = ask(node)
            return answer

    return asked


@remembered
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a module without itself, in the order of `walk`."""
    return tuple(walk(tree))[1:]  # with itself, it would be held for ever
