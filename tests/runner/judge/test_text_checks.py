"""Which text was scored: by hash, by counts, cut, another, unknown; its bytes; what training shards hold of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from runner.data.known_texts import DOCUMENTS, KNOWN_TEXTS, TEXT_BYTES
from runner.job.tracks import TRACKS
from runner.judge.evidence import Answer, Case, Evidence
from runner.judge.text_checks import (
    challenge_text,
    counted_bytes,
    kept_back_answer,
    text_answer,
    text_kept_back,
    validation_text,
)
from runner.results.datasets import DataFacts
from runner.results.phases import Score
from runner.results.runs import RunResult
from tests.fixtures.results import challenge_facts, data_facts, no_overlap, run_result, verification

SP1024, SP4096, CASEOPS = KNOWN_TEXTS[0], KNOWN_TEXTS[1], KNOWN_TEXTS[-1]


def of_text(answer: Answer) -> tuple[str, str]:
    return answer.status, answer.detail


def case(facts: DataFacts | None, *results: RunResult) -> Case:
    return Case(
        cap_bytes=16_000_000,
        train_seconds=60.0,
        eval_seconds=60.0,
        seeds=(1337,),
        script_sha256="",
        nproc=1,
        allowed_hardware=(),
        results=results,
        verifications=(),
        data=facts,
    )


# ---- the challenge's text ----


def test_the_text_is_known_by_tokenizer_tokens_documents_and_bytes() -> None:
    assert of_text(text_answer(challenge_facts())) == ("pass", "sp1024, by tokenizer, tokens, documents and bytes")


@pytest.mark.parametrize("text", [SP1024, CASEOPS], ids=["sp1024", "CaseOps"])
def test_the_text_is_known_by_the_hash_of_its_shards_whatever_else_is_said(text: Any) -> None:
    files = {
        "fineweb_val_000000.bin": text.shards[0],
        "fineweb_val_bytes_000000.bin": "1" * 64,
        "own.model": "2" * 64,
    }
    facts = data_facts(files=files, tokenizer="own.model")
    assert of_text(text_answer(facts)) == ("pass", f"{text.variant}, by the hash of its shards")
    assert challenge_text(facts) is text


def test_a_further_shard_is_another_text() -> None:
    files = {"fineweb_val_000000.bin": SP1024.shards[0], "fineweb_val_000001.bin": "1" * 64, "t.model": "2" * 64}
    assert text_answer(data_facts(files=files, tokenizer="t.model")).status == "unknown"


def test_a_cut_text_fails_and_says_in_what_it_differs() -> None:
    cut = challenge_facts(val_tokens=60_000, val_bytes=145_120, val_documents=51)
    assert of_text(text_answer(cut)) == (
        "fail",
        (
            "a cut or another text: 60,000 tokens, sp1024 has 62,021,846; 51 documents, the text has 50,000; "
            "145,120 bytes, the text has 151,080,891"
        ),
    )
    assert challenge_text(cut) is None


@pytest.mark.parametrize(
    "change", [{"val_documents": DOCUMENTS - 1}, {"val_bytes": TEXT_BYTES - 1}, {"val_documents": None}]
)
def test_other_text_of_the_same_length_fails(change: dict[str, Any]) -> None:
    assert text_answer(challenge_facts(**change)).status == "fail"


def test_its_bytes_in_another_number_of_tokens_are_unknown() -> None:
    answer = text_answer(challenge_facts(val_tokens=62_021_847))
    assert of_text(answer) == ("unknown", "its bytes, and yet 62,021,847 tokens, sp1024 has 62,021,846")


@pytest.mark.parametrize(
    ("tokens", "status"),
    [
        (45_508_608, "unknown"),
        (45_508_609, "pass"),
        (45_510_656, "pass"),
        (45_510_657, "unknown"),
        (45_516_437, "pass"),
    ],
)
def test_where_only_the_scored_targets_were_published_up_to_a_sequence_more_will_do(tokens: int, status: str) -> None:
    files = {"fineweb_val_000000.bin": "1" * 64, "t.model": SP4096.tokenizer}
    assert text_answer(challenge_facts(files=files, tokenizer="t.model", val_tokens=tokens)).status == status


def test_rewritten_text_is_known_by_its_tokens() -> None:
    files = {"fineweb_val_000000.bin": "1" * 64, "t.model": CASEOPS.tokenizer}
    known = {"files": files, "tokenizer": "t.model", "val_bytes": 160_000_000}
    assert text_answer(challenge_facts(**known, val_tokens=47_853_344)).status == "pass"
    assert text_answer(challenge_facts(**known, val_tokens=9_662_502, val_documents=10_000)).status == "fail"
    assert text_answer(challenge_facts(**known, val_tokens=47_853_343)).status == "fail"


def test_a_tokenizer_that_nobody_published_leaves_it_unknown() -> None:
    answer = text_answer(data_facts())
    assert of_text(answer) == ("unknown", "of the text under this tokenizer nothing is known")
    assert text_answer(None).status == "unknown"


def test_of_a_job_of_which_nothing_ran_nothing_is_known() -> None:
    assert validation_text(case(challenge_facts())).status == "unknown"
    assert text_kept_back(case(challenge_facts())).status == "unknown"
    assert validation_text(case(challenge_facts(), run_result())).status == "pass"


def test_both_contest_tracks_require_it_and_the_local_one_does_not() -> None:
    for name, track in TRACKS.items():
        assert ({"validation_text", "counted_bytes"} <= set(track.required)) == (name != "local")
        assert "text_kept_back" in track.required


# ---- its bytes ----


def scored(bytes_per_token: float, own: bool = False, loss: float = 2.0) -> Evidence:
    """A seed whose loss and bpb imply so many bytes for a token; own: whether it is our script, which is counted."""
    score = Score(rule="final", val_loss=loss, val_bpb=loss / math.log(2) / bytes_per_token)
    counted = verification() if own else verification(val_tokens=None, val_bytes=None)
    return Evidence(1337, run_result(final_score=score), counted)


RATIO = TEXT_BYTES / 62_021_845


@pytest.mark.parametrize(
    ("bytes_per_token", "status"),
    [
        (151_080_363 / 62_021_632, "pass"),  # the last sequence left out
        (RATIO * 1.0009, "pass"),
        (RATIO * 1.0011, "fail"),
        (176_332_748 / 40_540_802 / 3.7267 * RATIO, "fail"),  # spaces counted twice
    ],
)
def test_a_foreign_score_must_divide_by_the_bytes_of_the_known_text(bytes_per_token: float, status: str) -> None:
    answer = counted_bytes(case(challenge_facts()), scored(bytes_per_token))
    assert answer.status == status
    assert answer.limit == "2.4359 B/token ± 0.1 %"
    assert "the text has 151,080,891 B as published" in answer.detail


def test_a_table_that_counts_other_bytes_than_the_known_text_fails() -> None:
    files = {"fineweb_val_000000.bin": SP1024.shards[0], "t.model": "2" * 64}
    wrong = challenge_facts(files=files, tokenizer="t.model", val_bytes=TEXT_BYTES + 1)
    answer = counted_bytes(case(wrong), scored(RATIO))
    assert (answer.status, answer.measured) == ("fail", "151,080,892 B")


def test_bytes_of_rewritten_text_are_those_of_the_original_whatever_a_sidecar_says() -> None:
    files = {"fineweb_val_000000.bin": CASEOPS.shards[0], "t.model": CASEOPS.tokenizer}
    facts = challenge_facts(files=files, tokenizer="t.model", val_tokens=47_853_344, val_bytes=170_000_000)
    for sidecar in (None, 151_080_000, 302_000_000):
        with_it = facts.model_copy(update={"sidecar_bytes": sidecar})
        assert counted_bytes(case(with_it), scored(3.15715)).status == "pass"
        # Our own script knows the table alone, which counts the rewritten text.
        assert counted_bytes(case(with_it), scored(170_000_000 / 47_853_343, own=True)).status == "fail"


def test_of_our_own_text_it_is_held_against_the_bytes_of_a_target() -> None:
    facts = data_facts(val_tokens=101, val_bytes=240, recounted_bytes=240)
    answer = counted_bytes(case(facts), scored(2.4))
    assert (answer.status, answer.measured, answer.limit) == ("pass", "2.4000 B/token", "2.4000 B/token ± 0.1 %")


def test_of_an_unknown_text_the_decoder_is_the_second_count() -> None:
    facts = data_facts()
    ratio = facts.val_bytes / (facts.val_tokens - 1)
    assert counted_bytes(case(facts), scored(ratio, own=True)).status == "pass"
    assert counted_bytes(case(facts), scored(ratio)).status == "pass"
    assert counted_bytes(case(facts), scored(ratio * 1.01)).status == "unknown"  # a tail may be missing
    off = facts.model_copy(update={"recounted_bytes": facts.val_bytes - 7})
    assert counted_bytes(case(off), scored(ratio, own=True)).status == "fail"
    cut_character = facts.model_copy(update={"recounted_bytes": facts.val_bytes + 6})
    assert counted_bytes(case(cut_character), scored(ratio, own=True)).status == "pass"
    nobody = facts.model_copy(update={"recounted_bytes": None})
    answer = counted_bytes(case(nobody), scored(ratio, own=True))
    assert of_text(answer) == ("unknown", "not decoded; golf data info --recount does it")


@pytest.mark.parametrize(
    ("told", "restored", "status"),
    [(240, 240, "pass"), (240, -1, "fail"), (240, None, "unknown"), (None, None, "unknown")],
)
def test_bytes_of_an_unknown_rewritten_text_are_what_its_tokens_make(
    told: int | None, restored: int | None, status: str
) -> None:
    facts = data_facts(sidecar_bytes=told, restored_bytes=restored)
    seen = Evidence(1337, run_result(), verification(by_sidecar=True))
    assert counted_bytes(case(facts), seen).status == status


@pytest.mark.parametrize("facts", [data_facts(), challenge_facts()])
@pytest.mark.parametrize(
    "final",
    [
        None,
        *(
            Score(rule="x", val_loss=loss, val_bpb=bpb)
            for loss, bpb in ((math.nan, 1.0), (0.0, 1.0), (1.0, 0.0), (math.inf, 1.0), (1.0, math.inf), (-1.0, -1.0))
        ),
    ],
)
def test_without_a_score_nothing_is_known_of_its_bytes(facts: DataFacts, final: Score | None) -> None:
    seen = Evidence(1337, run_result(final_score=final), verification())
    assert counted_bytes(case(facts), seen).status == "unknown"
    assert counted_bytes(case(None), seen).status == "unknown"


# ---- kept out of training ----


def kept(own: bool = False, **changes: Any) -> Answer:
    """Of 136,327 tokens, or of the challenge's text."""
    facts = challenge_facts() if own else data_facts()
    return kept_back_answer(facts.model_copy(update={"overlap": no_overlap(**changes)}))


def test_nothing_shared_passes_and_nothing_looked_for_is_unknown() -> None:
    answer = kept()
    assert (answer.status, answer.measured) == ("pass", "none of 481 documents")
    assert kept_back_answer(data_facts(overlap=None)).status == "unknown"
    assert kept_back_answer(None).status == "unknown"


def test_one_document_of_a_text_of_ones_own_fails_with_its_share_and_its_shard() -> None:
    answer = kept(shared=1, shared_tokens=300, where=["fineweb_train_000003.bin"])
    assert (answer.status, answer.measured) == ("fail", "1 of 481 documents, 0.22 % of it")
    assert answer.detail == "in fineweb_train_000003.bin"


def test_short_documents_alone_fail_only_where_they_are_a_tenth_of_the_text() -> None:
    few = kept(shared_short=9, shared_tokens=400)
    assert (few.status, few.detail) == ("pass", "also 9 under 64 tokens")
    assert (few.measured, few.limit) == ("none of 481 documents", "none of 64+ tokens")
    assert kept(shared_short=480, shared_tokens=13_633).status == "fail"


def test_passages_alone_fail_where_they_are_a_tenth() -> None:
    answer = kept(shared_passages=401)
    assert (answer.status, answer.measured) == ("fail", "none of 481 documents, 10 % of its passages")
    assert kept(shared_passages=400).status == "pass"


def test_of_the_challenges_own_text_one_token_in_a_hundred_may_be_shared() -> None:
    answer = kept(own=True, documents=50_000, shared=180, shared_tokens=620_000)
    assert (answer.status, answer.limit) == ("pass", "1 % of it")
    assert kept(own=True, documents=50_000, shared=180, shared_tokens=620_300).status == "fail"
