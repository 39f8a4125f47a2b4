"""The statements of a source, block by block: of its own, of every function, class, loop and branch in it.

Some twenty times fewer than the nodes of its tree, and nothing that stands inside an expression is a statement.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

BLOCKS = ("body", "orelse", "finalbody")
PARTS = (*BLOCKS, "handlers", "cases")
"""Fields of a node that hold statements, or what holds them: an `except`, a `case`."""


def blocks(tree: ast.AST, *, deep: bool = True) -> Iterator[tuple[ast.AST, str, list[ast.stmt]]]:
    """(node, field, its statements) of every block below `tree`, the outer before the inner.

    deep: those of functions and classes inside it, too. A field may be set anew once all are found.
    """
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not deep and node is not tree and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for field in PARTS:
            found = getattr(node, field, None)
            if isinstance(found, list) and found:
                if field in BLOCKS:
                    yield node, field, found
                waiting += found


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function that is defined below `tree`, in other functions and in classes as well."""
    for _, _, statements in blocks(tree):
        yield from (one for one in statements if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
