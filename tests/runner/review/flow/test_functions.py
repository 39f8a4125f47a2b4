"""The script's own functions and classes, with what they are given."""

from __future__ import annotations

import ast

import pytest

from runner.review.flow.functions import yields
from tests.fixtures.followed import Followed


@pytest.mark.parametrize(
    "call", ["f(1, val)", "f(1, b=val)", "f(*[1, val])", "f(**{'a': 1, 'b': val})", "functools.partial(f, 1)(val)"]
)
def test_arguments_get_where_they_belong(call: str) -> None:
    found = Followed(f"def f(a, b=2, *rest, c=3): return b, c\nx, y = {call}\n")
    assert ("val" in found["x"].labels, found["y"].const) == (True, 3)


def test_a_function_that_calls_itself_ends() -> None:
    found = Followed("def f(n, t): return t if n == 0 else f(n - 1, t)\nx = f(os.getpid(), val)\n")
    assert "val" in found["x"].all


def test_fields_of_a_dataclass_and_of_its_constructor_are_kept() -> None:
    text = "class D:\n    a: int\n    b: object\nclass E:\n    def __init__(self, t): self.t = t\n"
    found = Followed(text + "d, e = D(1, val), E(val)\nx, y, z = d.a, d.b, e.t\n")
    assert (found["x"].const, "val" in found["y"].labels, "val" in found["z"].labels) == (1, True, True)


@pytest.mark.parametrize(
    ("body", "is_one"), [("yield 1", True), ("def g():\n        yield 1", False), ("return [(yield 1)]", True)]
)
def test_a_generator_has_a_yield_of_its_own(body: str, is_one: bool) -> None:
    assert yields(ast.parse(f"def f():\n    {body}\n").body[0]) is is_one
