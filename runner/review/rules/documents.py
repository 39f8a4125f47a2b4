"""bos: a mixer of one token with the one before it, that does not stop where a document begins."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from runner.review.answers import Answer, Place
from runner.review.inputs import Context, Reviewed
from runner.review.nodes import children, nodes_of, walk

STARTS = ("bos", "doc_start", "boundary")


def documents(reviewed: Reviewed, context: Context) -> Iterator[tuple[str, Answer]]:
    """(class, answer) of every unmasked mixer of neighbouring tokens' states."""
    for layer in (*reviewed.layers, *reviewed.siblings.values()):
        if layer.tree is None:
            continue
        for function in nodes_of(layer.tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                mixers = list(_mixers(function))
                if mixers and not _stops(function):
                    parents = {child: node for node in walk(function) for child in children(node)}
                    for node in mixers:
                        yield "bos", _answer(layer.name, node, function, parents, context)


def _stops(function: ast.AST) -> bool:
    """Whether something in it depends on where documents begin."""
    for node in walk(function):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            against = node.comparators[0]
            if isinstance(against, ast.Constant) and against.value in (0, 1) and not isinstance(against.value, bool):
                subject = node.left.value if isinstance(node.left, ast.Subscript) else node.left
                if isinstance(subject, ast.Name):
                    return True
            if any(word in ast.unparse(against).lower() for word in STARTS):
                return True
        if isinstance(node, (ast.Name, ast.Attribute, ast.arg)):
            name = (
                node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else node.arg
            )
            if any(word in name.lower() for word in STARTS):
                return True
    return False


def _mixers(function: ast.AST) -> Iterator[ast.AST]:
    for node in walk(function):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
            continue
        if not isinstance(node.right, ast.BinOp) and not isinstance(node.left, ast.BinOp):
            continue  # none of the two is weighted
        left, right = _shift(node.left), _shift(node.right)
        neighbours = {left, right} == {"now", "before"} or ("rolled" in (left, right) and left != right)
        if neighbours and not {"%", "^"} & set(ast.unparse(node)):  # hashes of tokens are no states
            yield node


def _shift(node: ast.expr) -> str:
    """Whether states from the second token on (now), to the last but one (before), or rolled by one are in it."""
    for one in walk(node):
        if isinstance(one, ast.Call):
            name = one.func.attr if isinstance(one.func, ast.Attribute) else getattr(one.func, "id", "")
            if (
                name == "roll"
                and len(one.args) > 1
                and isinstance(one.args[-2], ast.Constant)
                and one.args[-2].value == 1
            ):
                return "rolled"
        if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Tuple):
            for part in one.slice.elts:
                if isinstance(part, ast.Slice):
                    if part.lower is None and part.upper is not None and ast.unparse(part.upper) == "-1":
                        return "before"
                    if part.upper is None and part.lower is not None and ast.unparse(part.lower) == "1":
                        return "now"
    return ""


def _answer(name: str, node: ast.AST, function: ast.AST, parents: dict[ast.AST, ast.AST], context: Context) -> Answer:
    line = getattr(node, "lineno", 1)
    where = (Place(name, line),)
    why = f"A token's state is mixed with the one before it (l. {line}), also where a document begins."
    one: ast.AST | None = node
    while one is not None and one is not function:
        above = parents.get(one)
        if isinstance(above, ast.If) and one in above.body:
            found = _switch(above.test, context)
            if found is not None:
                setting, on = found
                if not on:
                    known = bool(getattr(context, "known", False))
                    return Answer("dormant" if known else "violates-if", where, why, f"{setting}=1")
        one = above
    return Answer("violates", where, why)


def _switch(test: ast.expr, context: Context) -> tuple[str, bool] | None:
    """The setting that a test asks for, and whether it is on."""
    settings = getattr(context, "settings", {})
    for node in walk(test):
        if isinstance(node, ast.Attribute):
            for name, setting in settings.items():
                if setting.kept == node.attr or name.lower() == node.attr.lower():
                    said = context.value_of(name) or ((setting.default, "") if setting.default is not None else None)
                    if said is not None:
                        return name, said[0].strip("'\" ").lower() not in ("0", "false", "", "none", "0.0")
    return None
