"""Trees are walked and compared as the standard library does it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from runner.script import flatten
from runner.script.trees import Kinds, nodes, same

SOURCES = {
    "a module of ours": Path(flatten.__file__).read_text(encoding="utf-8"),
    "nothing": "",
    "odd fields": "global a, b\n{**a, 1: 2}\nmatch a:\n    case [B(c=1), *d] | None: ...\nf'{a!r:>{b}}'\nx: int\n",
}


@pytest.mark.parametrize("name", SOURCES)
def test_all_nodes_but_contexts_are_found_in_the_order_of_ast_walk(name: str) -> None:
    tree = ast.parse(SOURCES[name])
    expected = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
    assert nodes(tree) == expected
    assert Kinds(tree).of(ast.Name) == [node for node in expected if isinstance(node, ast.Name)]
    assert same(tree, ast.parse(ast.unparse(tree)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 1", "a = 1.0"),
        ("a = 1", "a = True"),
        ("a = 1", "a = 2"),
        ("a = 'b'", "a = b'b'"),
        ("a = 0.0", "a = 0"),
        ("a = None", "a = ..."),
        ("a", "b"),
        ("a(b)", "a(b=b)"),
        ("a(b)", "a(b, c)"),
        ("a; b", "a"),
        ("a; b", "b; a"),
        ("a + b", "a - b"),
        ("{**a}", "{a: a}"),
        ("global a", "global b"),
        ("def f(a): pass", "def f(*, a): pass"),
        ("def f(*, a): pass", "def f(*, a=None): pass"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("a: int = 1", "a = 1"),
        ("a: int", "(a): int"),
        ("return a", "return"),
        ("import a.b", "import a"),
        ("import a as b", "import a"),
        ("from a import b", "from .a import b"),
        ("f'{a}'", "f'{a!r}'"),
    ],
)
def test_programs_that_differ_are_not_the_same(one: str, other: str) -> None:
    trees = ast.parse(one), ast.parse(other)
    assert not same(*trees)
    assert not same(*reversed(trees))
    assert same(trees[0], ast.parse(f"\n\n{one}  # elsewhere"))


def test_a_name_that_is_read_is_not_one_that_is_written() -> None:
    assert not same(ast.Name("a", ast.Load()), ast.Name("a", ast.Store()))
    assert same(ast.Name("a", ast.Load()), ast.Name("a", ast.Load()))
