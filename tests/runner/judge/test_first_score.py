"""The sp8192 fingerprint: what a model that has learned nothing scores, on the challenge's text and on others."""

from __future__ import annotations

import pytest

from runner.data.known_texts import KNOWN_TEXTS
from runner.judge.first_score import LIMIT, expected_answer, first_answer, is_asked
from runner.results.datasets import DataFacts
from runner.results.runs import Curve
from tests.fixtures.results import data_facts

SP1024, SP8192, CASEOPS = KNOWN_TEXTS[0], KNOWN_TEXTS[2], KNOWN_TEXTS[-1]


def facts(tokens: int, size: int, tokenizer: str = SP8192.tokenizer, vocab: int = 8192) -> DataFacts:
    return data_facts(
        vocab_size=vocab, val_tokens=tokens, val_bytes=size, tokenizer="t.model", files={"t.model": tokenizer}
    )


CHALLENGE = facts(40_540_803, 151_080_891)


def logged(loss: float, bpb: float | None, step: int = 0) -> Curve:
    return Curve(seed=1, steps=[], losses=[], val_steps=[step], val_losses=[loss], val_bpb=[bpb])


@pytest.mark.parametrize(("loss", "bpb"), [(9.0047, 3.4860), (9.0090, 3.4877)])
def test_the_first_scores_in_the_logs_of_pr_1394_are_the_fingerprint(loss: float, bpb: float) -> None:
    found = first_answer(logged(loss, bpb), CHALLENGE)
    assert (found.status, found.limit) == ("pass", "3.486 to 3.488 bpb, 2.5831 nats per bpb")


def test_shards_that_another_model_cut_are_told() -> None:
    found = first_answer(logged(9.0070, 3.684), CHALLENGE)
    assert (found.status, found.measured) == ("fail", "3.6840 bpb, 2.4449 nats per bpb")
    assert found.detail == "other text or tokenizer; shards cut by another model of 8,192 pieces gave 3.684"


def test_other_text_under_the_same_tokenizer_is_told() -> None:
    found = first_answer(logged(9.0070, 3.52), CHALLENGE)
    assert (found.status, found.detail) == ("fail", "other text or tokenizer")


def test_other_first_weights_on_the_same_text_are_not_taken_for_other_text() -> None:
    found = first_answer(logged(9.5, 9.5 / 2.58311), CHALLENGE)
    assert (found.status, found.detail) == ("pass", "its loss of 9.5000 is not that of PR 1394's first weights")


@pytest.mark.parametrize("curve", [None, logged(9.007, 3.487, step=4000), logged(9.007, None), logged(9.007, 0.0)])
def test_a_first_score_that_no_log_tells_is_unknown(curve: Curve | None) -> None:
    assert first_answer(curve, CHALLENGE).status == "unknown"


def test_shards_tell_the_first_score_before_anything_ran() -> None:
    found = expected_answer(CHALLENGE)
    assert (found.status, found.measured, found.limit) == ("pass", "about 3.488 bpb, 2.5831 nats per bpb", LIMIT)
    foreign = expected_answer(facts(42_831_000, 151_080_891))
    assert (foreign.status, foreign.measured) == ("fail", "about 3.685 bpb, 2.4450 nats per bpb")
    assert expected_answer(facts(0, 0)).status == "unknown"


def test_only_data_that_are_to_be_sp8192s_are_asked() -> None:
    assert is_asked(CHALLENGE)
    assert is_asked(facts(1, 1, tokenizer="f" * 64))  # of as many pieces, and nobody knows whose
    assert not is_asked(facts(1, 1, tokenizer=CASEOPS.tokenizer))
    assert not is_asked(facts(1, 1, tokenizer=SP1024.tokenizer, vocab=1024))
