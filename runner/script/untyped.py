"""Where a source says something to type checkers and readers of code alone: annotations of functions, indents.

A script runs without them, and they are a twentieth of its packed bytes. Annotations of classes stay, since
dataclasses read them, and so do those of functions whose decorator may (Triton's `constexpr`, operators of torch).
"""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterable, Iterator

from runner.script.blocks import blocks, functions

Span = tuple[tuple[int, int], tuple[int, int]]
"""Two places, each a line (1-based) and a column (0-based, in bytes of UTF-8)."""
HARMLESS = frozenset(
    {
        "property",
        "staticmethod",
        "classmethod",
        "cache",
        "contextmanager",
        "torch.no_grad()",
        "torch.inference_mode()",
    }
)
"""Decorators that do not look at annotations."""


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in functions(tree):
        if {ast.unparse(one) for one in node.decorator_list} <= HARMLESS:
            yield node


def _own_statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Statements of a function, not those of functions and classes in it."""
    for _, _, statements in blocks(node, deep=False):
        yield from statements


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = node.args
    found = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [one for one in found if one is not None and one.annotation is not None]


def annotation_spans(tree: ast.AST) -> Iterator[Span]:
    """Annotations of arguments and of variables that are given a value, from the name's end to the annotation's."""
    for node in _functions(tree):
        for one in _arguments(node):
            yield (one.lineno, one.col_offset + len(one.arg.encode())), _end(one)
        for line in _own_statements(node):
            if isinstance(line, ast.AnnAssign) and line.value is not None:
                yield _end(line.target), _end(line.annotation)


def return_spans(tree: ast.AST) -> Iterator[Span]:
    """Types that functions are said to return; the arrow before each is still to be found."""
    for node in _functions(tree):
        if node.returns is not None:
            yield (node.returns.lineno, node.returns.col_offset), _end(node.returns)


def _end(node: ast.expr | ast.arg) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def untyped(tree: ast.Module) -> ast.Module:
    """The same tree, changed: without what `annotation_spans` and `return_spans` name; for comparison."""
    for node in [*_functions(tree)]:
        node.returns = None
        for one in _arguments(node):
            one.annotation = None
        for place, block, statements in [*blocks(node, deep=False)]:
            setattr(place, block, [_plain(one) for one in statements])
    return tree


def _plain(line: ast.stmt) -> ast.stmt:
    if isinstance(line, ast.AnnAssign) and line.value is not None:
        return ast.Assign([line.target], line.value)
    return line


def narrow(lines: list[str], tokens: Iterable[tokenize.TokenInfo]) -> list[str]:
    """Every block indented by one blank, and lines that continue another by none; strings as they are.

    tokens: of the source that the lines are left of. A line that is empty now stays so.
    """
    depth, begins, inside = 0, True, set[int]()
    wanted: dict[int, int] = {}
    for kind, _, (first, _), (last, _), _ in tokens:
        if kind == tokenize.INDENT:
            depth += 1
        elif kind == tokenize.DEDENT:
            depth -= 1
        elif kind == tokenize.NEWLINE:
            begins = True
        elif kind not in (tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER):
            wanted.setdefault(first, depth if begins else 0)
            begins = False
            if first != last:
                inside.update(range(first + 1, last + 1))  # of a string over several lines
    found = [*lines]
    for line, blanks in wanted.items():
        if line not in inside and found[line - 1]:
            found[line - 1] = " " * blanks + found[line - 1].lstrip(" ")
    return found
