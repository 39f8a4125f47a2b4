"""Facts and scores of a training's log and its evaluation's: which of them counts."""

from __future__ import annotations

from runner.logs.two_logs import counterpart, facts_of_both, last_score
from runner.results.phases import LogFacts
from tests.fixtures.results import score


def test_training_is_told_by_its_log_and_what_is_scored_by_the_evaluations() -> None:
    train = LogFacts(steps=9, eval_seconds=1.0, lengths=[1024], val_tokens=10)
    fresh = LogFacts(steps=None, eval_seconds=2.0, lengths=[2048, 1024], saw_nan=True)
    both = facts_of_both(train, fresh)
    assert (both.steps, both.eval_seconds, both.lengths, both.val_tokens) == (9, 2.0, [2048, 1024], 10)
    assert both.saw_nan


def test_the_score_of_the_same_rule_is_held_against_the_published_one() -> None:
    plain, sliding = score(3.7), score(3.6, "sliding")
    assert counterpart({"plain": plain, "sliding": sliding}, sliding, plain) == plain
    assert counterpart({}, sliding, plain) == sliding
    assert last_score([plain, sliding]) == sliding
    assert last_score([]) is None
