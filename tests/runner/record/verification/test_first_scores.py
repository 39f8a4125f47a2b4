"""The sp8192 fingerprint in `golf verify`: of records on that data alone, and no lie where the text is told."""

from __future__ import annotations

from runner.data.known_texts import DOCUMENTS, KNOWN_TEXTS
from runner.record.verification.first_scores import first_score_checks
from runner.results.runs import Curve
from tests.fixtures.full_record import told_record
from tests.fixtures.results import data_facts

SP8192 = KNOWN_TEXTS[2]


def statuses(tokens: int, size: int, bpb: float) -> list[str]:
    facts = data_facts(
        vocab_size=8192,
        val_tokens=tokens,
        val_bytes=size,
        val_documents=DOCUMENTS,
        tokenizer="t.model",
        files={"t.model": SP8192.tokenizer},
    )
    record = told_record()
    curves = [
        Curve(seed=one.seed, steps=[], losses=[], val_steps=[0], val_losses=[9.007], val_bpb=[bpb])
        for one in record.results
    ]
    return list(
        {check.status for check in first_score_checks(record.model_copy(update={"data": facts, "curves": curves}))}
    )


def test_a_record_on_the_challenges_text_is_held_against_its_first_score() -> None:
    assert statuses(40_540_803, 151_080_891, 3.4869) == ["pass"]
    assert statuses(40_540_803, 151_080_891, 3.684) == ["fail"]


def test_a_record_that_says_itself_that_its_text_is_another_is_not_wrong() -> None:
    assert statuses(1000, 3600, 3.6097) == ["unknown"]


def test_a_record_on_other_data_is_not_asked() -> None:
    assert list(first_score_checks(told_record())) == []
