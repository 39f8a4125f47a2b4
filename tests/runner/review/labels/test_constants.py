"""Arithmetic on constants: nothing that grows, nothing that fails."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

from runner.review.labels.constants import folded, method
from runner.review.labels.values import UNSET


@pytest.mark.parametrize(
    ("do", "args", "out"),
    [
        (operator.add, (2, 3), 5),
        (operator.mul, ("ab", 10**9), UNSET),
        (operator.mod, ("%999999d", 1), UNSET),
        (operator.truediv, (1, 0), UNSET),
        (operator.mul, (1 << 63, 1 << 63), UNSET),
        (operator.add, (UNSET, 1), UNSET),
    ],
)
def test_what_is_known_small_and_defined_is_worked_out(
    do: Callable[..., Any], args: tuple[Any, ...], out: Any
) -> None:
    assert folded(do, *args) == out


def test_only_plain_methods_of_text_are_done() -> None:
    assert method("split", "a,b", [","]) == ["a", "b"]
    assert method("format", "{}", ["x"]) is UNSET
    assert method("lower", 3, []) is UNSET
