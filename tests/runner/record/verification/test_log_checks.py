"""Scores that a script prints in fewer digits are held against the one that they are of."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.record.answers import Findings
from runner.record.folder import open_record
from runner.record.verification.log_checks import rounded_scores
from runner.record.verification.seed_logs import Head
from runner.results.phases import Score
from runner.results.runs import RunResult

PLAIN = Score(rule="plain", val_loss=3.8126941612348535, val_bpb=5.575101843465495)
SLIDING = Score(rule="sliding", val_loss=3.8135599294582607, val_bpb=5.576288415133555)
LINES = {
    "plain": "final_float16_golf_roundtrip val_loss:3.8127 val_bpb:5.5751 eval_time:364ms",
    "plain, exact": "final_float16_golf_roundtrip_exact val_loss:3.81269416 val_bpb:5.57510184",
    "by the rule": "final_float16_golf_sliding val_loss:3.8136 val_bpb:5.5763 eval_time:558ms",
    "by the rule, exact": "final_float16_golf_sliding_exact val_loss:3.81355993 val_bpb:5.57628842",
}


@pytest.fixture
def result(kept_record: Path) -> RunResult:
    """A seed that was scored by a rule of its own."""
    scores = {"train_score": PLAIN, "eval_score": PLAIN, "final_score": SLIDING}
    return open_record(kept_record).data.results[0].model_copy(update=scores)


def answer_to(result: RunResult, *lines: str) -> tuple[str, str]:
    """(status, measured) for a log of these lines."""
    head, facts = Head(), Findings("log_facts", "Facts?", "the log")
    for line in lines:
        head.line(line)
    rounded_scores(facts, "results.0", head, result)
    check = facts.check()
    return check.status, check.measured


def test_a_score_by_a_rule_of_its_own_is_held_against_the_published_one(result: RunResult) -> None:
    assert answer_to(result, *LINES.values()) == ("pass", "4 compared")


@pytest.mark.parametrize("name", LINES)
def test_another_score_than_the_line_prints_is_told(result: RunResult, name: str) -> None:
    field, bpb = ("final_score", "4.018671") if name.startswith("by") else ("eval_score", "4.017591")
    scores = {"train_score": 4.017591, "eval_score": 4.017591, "final_score": 4.018671}
    forged = {one: getattr(result, one).model_copy(update={"val_bpb": less}) for one, less in scores.items()}
    status, told = answer_to(result.model_copy(update=forged), LINES[name])
    assert status == "fail"
    assert told.startswith(f"results.0.{field} is {bpb} bpb, its log also prints 5.57")
