"""What sinks are told: plain figures that are numbers, texts that are short, a configuration that fits the pipe."""

from __future__ import annotations

import json

from runner.sinks.told import MOST_OPENING, opening, seed_done, verdict, words_of
from tests.fixtures.full_record import told_record


def test_an_end_is_told_in_figures_and_in_words() -> None:
    result = told_record().results[0]
    facts = seed_done(result)
    assert facts["figures"]["val_bpb"] == result.final_score.val_bpb if result.final_score else False
    assert words_of(facts, "quick-1").startswith(f"golf quick-1: seed {result.seed} completed: bpb ")


def test_what_is_not_a_number_is_not_told() -> None:
    result = told_record().results[0]
    assert result.final_score is not None
    score = result.final_score.model_copy(update={"val_bpb": float("nan"), "val_loss": float("inf")})
    figures = seed_done(result.model_copy(update={"final_score": score}))["figures"]
    assert {"val_bpb", "val_loss"} & figures.keys() == set()


def test_a_reason_is_one_printable_line_and_short() -> None:
    result = (
        told_record().results[0].model_copy(update={"status": "failed", "reason": "\x1b[31m" + "x" * 999 + "\nTrace"})
    )
    facts = seed_done(result)
    assert "\x1b" not in facts["reason"]
    assert len(facts["reason"]) <= 310
    assert "Trace" not in words_of(facts, "quick-1")


def test_a_verdict_tells_its_first_reasons() -> None:
    data = told_record()
    worse = data.verdict.model_copy(update={"status": "rejected", "reasons": ["one", "two", "three", "four"]})
    said = words_of(verdict(data.model_copy(update={"verdict": worse})), "quick-1")
    assert said.splitlines()[1:] == ["one", "two", "three"]


def test_a_configuration_that_does_not_fit_the_pipe_is_left_out() -> None:
    job = {"name": "x", "track": "local", "hardware": "cpu", "seeds": list(range(10_000)), "config": {"a": {"b": 1}}}
    small = opening("x-1", {**job, "seeds": [1]}, [])
    assert small["config"] == {"a.b": 1}
    large = opening("x-1", {**job, "config": {"a": "b" * MOST_OPENING}}, [])
    assert (large["config"], len(large["seeds"])) == ({}, 100)
    assert len(json.dumps(large)) < MOST_OPENING
