"""bytecount, valset: the bytes and tokens that a score is divided by, in the code and in logs that count."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator

from runner.printable import cut
from runner.review.answers import Answer, Place
from runner.review.inputs import Context, Reviewed
from runner.review.nodes import nodes_of, walk
from runner.review.rules.clocks import counted_lines

BOTH = re.compile(r"val_loss:\s*([\d.]+)\s+val_bpb:\s*([\d.]+)")
RATIOS = {"1024": (1.6884,), "4096": (2.3011,), "8192": (2.5831, 2.1884)}
"""Nats a token over bits a byte of the validation text, by vocabulary; the second of text cased apart."""
WHOLE = (62_021_632, 45_508_608, 40_540_160, 47_851_520)
"""Tokens of the whole validation text under the known tokenizers."""
TOKENS = re.compile(r"\bval_tokens:\s*([\d,_]+)|\bval_loader\b.*\btokens:\s*([\d,_]+)")
DATASET = re.compile(r"\btrain_loader:dataset:(\S{1,200})")
CHALLENGE = "fineweb"
"""What the name of a data set of the challenge's text holds."""
SPACE = "\u2581"


def byte_counts(reviewed: Reviewed, context: Context) -> Iterator[tuple[str, Answer]]:
    """(class, answer)."""
    for layer in (*reviewed.layers, *reviewed.siblings.values()):
        if layer.tree is not None and _adds_space_later(layer.tree):
            for node in _space_in_table(layer.tree):
                why = f"The table of bytes counts a leading space (l. {node.lineno}), and the score adds it again."
                yield "bytecount", Answer("violates", (Place(layer.name, node.lineno),), why)
    yield from _logged(context)


def _space_in_table(tree: ast.Module) -> Iterator[ast.BinOp]:
    """`len(piece) + 1` of a piece whose space was taken off, or `+ (1 if piece.startswith("\u2581") else 0)`."""
    for scope in _scopes(tree):
        inside = [one for top in scope for one in walk(top)]
        if not any(isinstance(one, ast.Constant) and one.value == SPACE for one in inside):
            continue
        for one in inside:
            if not isinstance(one, ast.BinOp) or not isinstance(one.op, ast.Add):
                continue
            sides = (one.left, one.right)
            if any(_is_length(side) for side in sides) and any(_is_one(side) for side in sides):
                yield one


def _scopes(tree: ast.Module) -> Iterator[list[ast.AST]]:
    for node in nodes_of(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield list(node.body)
    for top in tree.body:
        if not isinstance(top, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            yield [top]


def _is_length(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def _is_one(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return isinstance(node.body, ast.Constant) and node.body.value == 1 and "startswith" in ast.unparse(node.test)
    return isinstance(node, ast.Constant) and node.value == 1 and not isinstance(node.value, bool)


def _adds_space_later(tree: ast.Module) -> bool:
    """Whether a table of leading spaces is added to the bytes of tokens."""
    for node in nodes_of(tree):
        added = node.value if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            added = node.right
        if added is not None and any(
            isinstance(one, ast.Subscript) and re.search("space|lead", ast.unparse(one.value), re.IGNORECASE)
            for one in walk(added)
        ):
            return True
    return False


def _logged(context: Context) -> Iterator[tuple[str, Answer]]:
    last: tuple[str, int, float] | None = None
    tokens: tuple[str, int, int] | None = None
    data = CHALLENGE
    for name, line, text in counted_lines(context):
        both = BOTH.search(text)
        if both is not None and float(both[2]) > 0.3:
            last = (name, line, float(both[1]) / float(both[2]))
        told = TOKENS.search(text)
        if told is not None:
            tokens = (name, line, int(re.sub("[,_]", "", told[1] or told[2])))
        named = DATASET.search(text)
        if named is not None:
            data = named[1]
    known = CHALLENGE in data.lower()
    if last is not None:
        yield from (("bytecount", answer if known else _of(data, answer)) for answer in _ratio(context, *last))
    if tokens is not None and tokens[2] < 0.9 * min(WHOLE):
        why = (
            f"{tokens[0]}, line {tokens[1]}: {tokens[2]:,} validation tokens; all of them are {min(WHOLE):,} or more."
        )
        answer = Answer("violates", (Place(tokens[0], tokens[1]),), why)
        yield "valset", answer if known else _of(data, answer)


def _of(data: str, answer: Answer) -> Answer:
    """The same where the run read another text, of which none of what is known of the challenge's is true."""
    why = (
        f"The run read {cut(data, 60)}, which is not the challenge's text by its name; of that text nothing is known."
    )
    return Answer("unknown", answer.where, why)


def _ratio(context: Context, name: str, line: int, ratio: float) -> Iterator[Answer]:
    """Nats a token over bits a byte, against what the vocabulary has; that by default may not be the run's."""
    said = context.value_of("VOCAB_SIZE")
    size = said or getattr(context, "default_of", lambda _: None)("VOCAB_SIZE")
    expected = RATIOS.get(size[0].strip(), ()) if size else ()
    known = expected if said else tuple(one for ratios in RATIOS.values() for one in ratios)
    if not expected or any(math.isclose(ratio, one, rel_tol=0.01) for one in known):
        return
    shown = " or ".join(f"{one:.4f}" for one in expected)
    why = f"{name}, line {line}: {ratio:.4f} nats a token over bits a byte; this vocabulary has {shown}."
    yield Answer("violates" if said else "suspicious", (Place(name, line),), why)
