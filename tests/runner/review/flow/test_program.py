"""A script from its first line to its last."""

from __future__ import annotations

import ast

import pytest

from runner.review.flow.program import follow
from runner.review.labels import machine
from tests.fixtures.followed import IMPORTS, VALIDATION, Said

MAIN = "def main():\n    F.cross_entropy(nn.Linear(2, 2)(val), val)\n"


def prices(text: str) -> list[int]:
    trace = follow([("train_gpt.py", ast.parse(IMPORTS + VALIDATION + text))], {}, Said({}), every=False)
    return [one.place.line for one in trace.of("price")]


def test_main_is_run_where_the_script_runs_it_and_where_nobody_does() -> None:
    assert prices(MAIN + "if __name__ == '__main__':\n    main()\n") == [5]
    assert prices(MAIN) == [5]


def test_a_script_of_too_many_steps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_STEPS", 30)
    trace = follow([("train_gpt.py", ast.parse("x = 1\n" * 40))], {}, Said({}), every=False)
    assert trace.cut == "The script needs more steps than a review follows."
