"""Where a source says something to type checkers and readers of code alone: annotations of functions, indents.

A script runs without them, and they are a twentieth of its packed bytes. Annotations of classes stay, since
dataclasses read them, and so do those of functions whose decorator may (Triton's `constexpr`, operators of torch).
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence

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


def holders(tree: ast.AST) -> list[ast.AST]:
    """The nodes of a tree that are no expressions: all statements, and what holds them. Expressions, of which most of
    a tree consists, hold none."""
    found, left = [tree], [tree]
    while left:
        for child in ast.iter_child_nodes(left.pop()):
            if not isinstance(child, ast.expr | ast.expr_context | ast.arguments | ast.keyword | ast.alias):
                found.append(child)
                left.append(child)
    return found


def _functions(nodes: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if {ast.unparse(one) for one in node.decorator_list} <= HARMLESS:
            yield node


def _own_statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Statements of a function, not those of functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.expr_context | ast.arguments):
            continue
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _own_statements(child)


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = node.args
    found = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [one for one in found if one is not None and one.annotation is not None]


def annotation_spans(nodes: Iterable[ast.AST]) -> Iterator[Span]:
    """Annotations of arguments and of variables that are given a value, from the name's end to the annotation's."""
    for node in _functions(nodes):
        for one in _arguments(node):
            yield (one.lineno, one.col_offset + len(one.arg.encode())), _end(one)
        for line in _own_statements(node):
            if isinstance(line, ast.AnnAssign) and line.value is not None:
                yield _end(line.target), _end(line.annotation)


def return_spans(nodes: Iterable[ast.AST]) -> Iterator[Span]:
    """Types that functions are said to return; the arrow before each is still to be found."""
    for node in _functions(nodes):
        if node.returns is not None:
            yield (node.returns.lineno, node.returns.col_offset), _end(node.returns)


def _end(node: ast.expr | ast.arg) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def untyped(tree: ast.Module, nodes: Sequence[ast.AST]) -> ast.Module:
    """The same tree, changed: without what `annotation_spans` and `return_spans` name; for comparison. nodes: its
    `holders`."""
    functions = [*_functions(nodes)]
    for node in functions:
        node.returns = None
        for one in _arguments(node):
            one.annotation = None
    typed = [line for node in functions for line in _own_statements(node) if isinstance(line, ast.AnnAssign)]
    gone = {id(line) for line in typed if line.value is not None}
    for place in nodes:
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(place, block, None)
            if isinstance(statements, list):
                setattr(place, block, [_plain(one) if id(one) in gone else one for one in statements])
    return tree


def _plain(line: ast.AnnAssign) -> ast.Assign:
    assert line.value is not None
    return ast.Assign([line.target], line.value)


def narrow(source: str) -> str:
    """Every block indented by one blank, and lines that continue another by none; strings as they are."""
    lines, depth, begins, inside = source.split("\n"), 0, True, set[int]()
    wanted: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type == tokenize.NEWLINE:
            begins = True
        elif token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER):
            wanted.setdefault(token.start[0], depth if begins else 0)
            inside.update(range(token.start[0] + 1, token.end[0] + 1))  # of a string over several lines
            begins = False
    for line, blanks in wanted.items():
        if line not in inside:
            lines[line - 1] = " " * blanks + lines[line - 1].lstrip(" ")
    return "\n".join(lines)
