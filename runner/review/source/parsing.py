"""Bytes to a syntax tree, or the reason why there is none: any encoding, other Python versions, bounded.

Nothing is compiled. A tree that is handed out is no deeper than DEEPEST, so that whoever walks it may recurse.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings

from runner.printable import cut
from runner.review.nodes import children
from runner.review.source.pep701 import NoString, rewritten, with_fstrings

MOST_CODE = 4 << 20
"""Characters of a source, long runs without a quote or a line end (payloads) left out."""
MOST_LINES = 200_000
DEEPEST = 300
"""Nodes inside one another."""
PAYLOAD = re.compile(r"[^'\"\n]{1000,}")


def text_of(content: bytes) -> tuple[str, str]:
    """(a source's text with plain line ends, why it has none)."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content[:4096]).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return content.decode("utf-8", "replace"), f"is no text that Python reads: {cut(str(error), 120)}"
    if "\0" in text:
        return text, "is no Python: it holds NUL characters"
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), ""


def tree_of(text: str) -> tuple[ast.Module | None, str]:
    """(the syntax tree, why there is none). F-strings of newer Pythons are read by older ones too."""
    if text.count("\n") > MOST_LINES or len(text) - sum(len(run) for run in PAYLOAD.findall(text)) > MOST_CODE:
        return None, f"is longer than is read: {len(text):,} characters"
    tree, reason = _parsed(text)
    if tree is None and "f" in text.lower():
        try:
            again, _ = _parsed(rewritten(text))
            tree = with_fstrings(again) if again is not None else None
        except (NoString, RecursionError):
            tree = None
    if tree is None:
        return None, reason
    if (depth := _depth(tree)) > DEEPEST:
        return None, f"is nested {depth} levels deep; at most {DEEPEST} are read"
    return tree, ""


def _parsed(text: str) -> tuple[ast.Module | None, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text), ""
        except SyntaxError as error:
            return None, f"is no Python that can be read: {cut(error.msg or 'bad syntax', 120)}, line {error.lineno}"
        except (ValueError, RecursionError, MemoryError) as error:
            return None, f"is no Python that can be read: {cut(str(error) or type(error).__name__, 120)}"


def _depth(tree: ast.AST) -> int:
    """How many nodes of a tree are inside one another at most, counted without recursion."""
    deepest = 0
    level: list[ast.AST] = [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in children(node)]
    return deepest
