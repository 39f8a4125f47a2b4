"""Switches that a log proves on, by lines that only the code behind them prints."""

from __future__ import annotations

import ast

import pytest

from runner.review.run.script_settings import settings_of
from runner.review.run.shown import shown

SCRIPT = """
class H:
    warm = bool(int(os.environ.get("WARM", "0")))
    order = int(os.environ.get("ORDER", "7"))
    quiet = int(os.environ.get("QUIET", "0"))
def rounds(net):
    print(f"round:{1} of {2}")
def main(h):
    log(f"train:start seed:{h.seed}")
    if h.warm and rank == 0:
        log(f"warm:start rate:{h.rate}")
        log(f"step:{1}")
        rounds(net)
    if h.order >= 2:
        log("order:scoring now")
    if not h.quiet:
        log("loud:and clear")
    log(f"step:{2}")
"""


def found(*lines: str) -> dict[str, tuple[str, int]]:
    tree = ast.parse(SCRIPT)
    return shown([tree, None], settings_of([("train_gpt.py", tree)]), lines)


@pytest.mark.parametrize("line", ["warm:start rate:0.1", "  round:1 of 2"])
def test_a_line_that_only_the_switched_code_prints_proves_the_switch(line: str) -> None:
    assert found("train:start seed:1", line) == {"WARM": ("1", 2)}


def test_a_number_that_switches_keeps_its_default() -> None:
    assert found("order:scoring now") == {"ORDER": ("7", 1)}


@pytest.mark.parametrize(
    "line", ["step:1", 'log(f"warm:start rate:{h.rate}")', "loud:and clear", "cold:start", "warm:"]
)
def test_lines_printed_elsewhere_the_code_itself_and_a_switch_that_is_off_prove_nothing(line: str) -> None:
    assert found(line) == {}
