"""A source without its comments, docstrings and types of functions, every statement still on its line.

They are two fifths of the packed script's bytes and count against the cap like code. Line numbers stay, so a
traceback of the packed script points into the readable twin. Nothing that runs changes: what comes out is compared,
parsed, with what went in.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable

from runner.errors import UserError
from runner.script.untyped import annotation_spans, holders, narrow, return_spans, untyped

MOST_SOURCE = 400_000
"""Characters of a source that is parsed; the largest of ours has 237,130."""

Place = tuple[int, int]
"""Line (1-based) and column (0-based, in characters)."""


def _bare_strings(nodes: Iterable[ast.AST]) -> list[tuple[ast.Expr, bool]]:
    """Statements that are nothing but a string, and whether their block consists of them: then one has to stay."""
    found = []
    for node in nodes:
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and statements:
                strings = [one for one in statements if _is_string(one)]
                alone = len(strings) == len(statements) and not isinstance(node, ast.Module)
                found += [(one, alone and one is strings[0]) for one in strings]
    return found


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _column(lines: list[str], line: int, utf8: int) -> int:
    """ast counts columns in bytes of UTF-8."""
    return len(lines[line - 1].encode("utf-8")[:utf8].decode("utf-8"))


def _without(lines: list[str], begin: Place, end: Place, put: str = "") -> None:
    """Take out what stands from `begin` to `end`, and leave as many lines."""
    (first, left), (last, right) = begin, end
    rest = lines[last - 1][right:]
    for line in range(first + 1, last + 1):
        lines[line - 1] = ""
    lines[first - 1] = lines[first - 1][:left] + put + (rest if first == last else "")
    if first != last:
        lines[last - 1] = rest


def _without_strings(tree: ast.Module, nodes: Iterable[ast.AST]) -> str:
    """The parsed source without bare strings, for comparison. nodes: all that have blocks."""
    for node in nodes:
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and statements:
                kept = [one for one in statements if not _is_string(one)]
                setattr(node, block, kept or ([] if isinstance(node, ast.Module) else [ast.Pass()]))
    return ast.dump(tree)


def compact(source: str, *, typed: bool = False) -> str:
    """`source` without comments (but those of its head), docstrings and types of functions; as it is where that
    cannot be done safely.

    typed: types and indents stay, as they did in scripts that were made before. UserError for one of more than
    MOST_SOURCE characters: its tree takes some hundred bytes for each.
    """
    if len(source) > MOST_SOURCE:
        raise UserError(f"the flat script has {len(source):,} characters; at most {MOST_SOURCE:,} are parsed")
    lines = source.split("\n")
    tree = ast.parse(source)
    nodes = holders(tree)
    head = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    taken = [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0), stays)
        for node, stays in _bare_strings(nodes)
    ]
    taken += [] if typed else [(begin, end, False) for begin, end in annotation_spans(nodes)]
    cut = [
        ((first, _column(lines, first, left)), (last, _column(lines, last, right)), "pass" if stays else "")
        for (first, left), (last, right), stays in taken
    ]
    arrows: list[Place] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.start[0] > head:
            cut.append((token.start, token.end, ""))
        elif token.string == "->":
            arrows.append(token.start)
    for (first, left), (last, right) in () if typed else return_spans(nodes):
        arrow = max(one for one in arrows if one <= (first, _column(lines, first, left)))
        cut.append((arrow, (last, _column(lines, last, right)), ""))
    for begin, end, put in sorted(cut, reverse=True):
        _without(lines, begin, end, put)
    shorter = "\n".join(line.rstrip() for line in lines)
    try:
        wanted = _without_strings(tree if typed else untyped(tree, nodes), nodes)
        shorter = shorter if typed else narrow(shorter)
        made = ast.parse(shorter)
        same = _without_strings(made, holders(made)) == wanted
    except (SyntaxError, tokenize.TokenError):
        return source
    return shorter if same else source
