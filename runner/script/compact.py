"""A source without its comments, docstrings and types of functions, every statement still on its line.

They are two fifths of the packed script's bytes and count against the cap like code. Line numbers stay, so a
traceback of the packed script points into the readable twin. Nothing that runs changes: what comes out is compared,
parsed, with what went in.
"""

from __future__ import annotations

import ast
import io
import tokenize
from bisect import bisect_right
from functools import lru_cache
from typing import TypeGuard

from runner.errors import UserError
from runner.script.blocks import blocks
from runner.script.sections import KEPT, sections
from runner.script.trees import same
from runner.script.untyped import annotation_spans, narrow, return_spans, untyped

MOST_SOURCE = 400_000
"""Characters of a source that is parsed; the largest of ours has 237,130."""

Place = tuple[int, int]
"""Line (1-based) and column (0-based, in characters)."""


def _bare_strings(tree: ast.AST) -> list[tuple[ast.Expr, bool]]:
    """Statements that are nothing but a string, and whether their block consists of them: then one has to stay."""
    found = []
    for node, _, statements in blocks(tree):
        strings = [one for one in statements if _is_string(one)]
        alone = len(strings) == len(statements) and not isinstance(node, ast.Module)
        found += [(one, alone and one is strings[0]) for one in strings]
    return found


def _is_string(node: ast.stmt) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _column(lines: list[str], line: int, utf8: int) -> int:
    """ast counts columns in bytes of UTF-8."""
    text = lines[line - 1]
    return utf8 if text.isascii() else len(text.encode("utf-8")[:utf8].decode("utf-8"))


def _without(lines: list[str], begin: Place, end: Place, put: str = "") -> None:
    """Take out what stands from `begin` to `end`, and leave as many lines."""
    (first, left), (last, right) = begin, end
    rest = lines[last - 1][right:]
    for line in range(first + 1, last + 1):
        lines[line - 1] = ""
    lines[first - 1] = lines[first - 1][:left] + put + (rest if first == last else "")
    if first != last:
        lines[last - 1] = rest


def _without_strings(tree: ast.Module) -> ast.Module:
    """The same tree, changed: without bare strings; for comparison."""
    for node, block, statements in [*blocks(tree)]:
        kept = [one for one in statements if not _is_string(one)]
        setattr(node, block, kept or ([] if isinstance(node, ast.Module) else [ast.Pass()]))
    return tree


def compact(source: str, *, typed: bool = False) -> str:
    """`source` without comments (but those of its head), docstrings and types of functions; as it is where that
    cannot be done safely.

    typed: types and indents stay, as they did in scripts that were made before. UserError for one of more than
    MOST_SOURCE characters: its tree takes some hundred bytes for each.
    """
    return "\n".join(compact_sections(source, typed=typed))


def compact_sections(source: str, *, typed: bool = False) -> list[str]:
    """The lines of `compact`, section by section; in one where the sections are no sources of their own."""
    if len(source) > MOST_SOURCE:
        raise UserError(f"the flat script has {len(source):,} characters; at most {MOST_SOURCE:,} are parsed")
    first, *others = sections(source)
    try:
        made = [_compact(first, typed, headed=True), *(_compact(one, typed) for one in others)]
    except SyntaxError:
        made = [_compact(source, typed, headed=True)]
    short = [one for one in made if one is not None]
    return short if len(short) == len(made) else [source]


@lru_cache(maxsize=KEPT)
def _compact(source: str, typed: bool, *, headed: bool = False) -> str | None:
    """headed: comments that it begins with stay. None where it cannot be done safely."""
    lines = source.split("\n")
    tree = ast.parse(source)
    head = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines)) * headed
    taken = [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0), stays)
        for node, stays in _bare_strings(tree)
    ]
    taken += [] if typed else [(begin, end, False) for begin, end in annotation_spans(tree)]
    cut = [
        ((first, _column(lines, first, left)), (last, _column(lines, last, right)), "pass" if stays else "")
        for (first, left), (last, right), stays in taken
    ]
    arrows: list[Place] = []
    tokens = [*tokenize.generate_tokens(io.StringIO(source).readline)]
    for token in tokens:
        if token.type == tokenize.COMMENT and token.start[0] > head:
            cut.append((token.start, token.end, ""))
        elif token.string == "->":
            arrows.append(token.start)
    for (first, left), (last, right) in () if typed else return_spans(tree):
        arrow = arrows[bisect_right(arrows, (first, _column(lines, first, left))) - 1]
        cut.append((arrow, (last, _column(lines, last, right)), ""))
    for begin, end, put in sorted(cut, reverse=True):
        _without(lines, begin, end, put)
    lines = [line.rstrip() for line in lines]
    shorter = "\n".join(lines if typed else narrow(lines, tokens))
    wanted = _without_strings(tree if typed else untyped(tree))
    try:
        return shorter if same(_without_strings(ast.parse(shorter)), wanted) else None
    except SyntaxError:
        return None
