"""Blocks: every statement of a source is found once, and those of inner functions only where they are asked for."""

from __future__ import annotations

import ast

from runner.script.blocks import blocks, functions

SOURCE = """\
import a
class One:
    def first(self):
        for b in c:
            with d:
                e = lambda: f
        else:
            g = 1
async def second():
    try:
        h = 2
    except I:
        j = 3
    else:
        k = 4
    finally:
        l = 5
    def inner():
        m = 6
    match n:
        case 1 if o:
            p = 7
    while q:
        r = 8
"""


def assigned(tree: ast.AST, *, deep: bool = True) -> set[str]:
    return {
        target.id
        for _, _, statements in blocks(tree, deep=deep)
        for one in statements
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }


def test_every_statement_is_in_one_block() -> None:
    tree = ast.parse(SOURCE)
    found = [id(one) for _, _, statements in blocks(tree) for one in statements]
    assert len(found) == len(set(found))
    assert set(found) == {id(one) for one in ast.walk(tree) if isinstance(one, ast.stmt)}
    assert assigned(tree) == {"e", "g", "h", "j", "k", "l", "m", "p", "r"}


def test_functions_are_found_in_classes_and_in_functions() -> None:
    assert {one.name for one in functions(ast.parse(SOURCE))} == {"first", "second", "inner"}


def test_a_function_s_own_statements_are_without_those_of_inner_ones() -> None:
    (second,) = (one for one in functions(ast.parse(SOURCE)) if one.name == "second")
    assert assigned(second, deep=False) == {"h", "j", "k", "l", "p", "r"}
    assert assigned(second) == {"h", "j", "k", "l", "m", "p", "r"}


def test_a_block_can_be_replaced() -> None:
    tree = ast.parse("if a:\n    'said'\n    b = 1\n'end'\n")
    for node, field, statements in [*blocks(tree)]:
        setattr(node, field, [one for one in statements if not isinstance(one, ast.Expr)])
    assert ast.unparse(tree) == "if a:\n    b = 1"
