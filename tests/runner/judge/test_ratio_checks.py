"""Somebody else's score: its digits in two processes, and what its ratio proves, never more."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.prefixes import Prefixes
from runner.judge.judge import judge
from runner.judge.ratio_checks import printed_ratio
from runner.plan.ratio_coverage import Named, ratio_coverage
from runner.results.nodes import Host
from runner.results.phases import Score
from runner.results.runs import RunResult
from runner.results.verdicts import Check
from tests.fixtures.ratios import TEXT, documents, printed_score, text_of
from tests.fixtures.results import LOCAL, SCRIPT_SHA256, run_result, verification

RULE = "final_int8_zlib_roundtrip"
SIXTY_FOUR = Named(lengths=(64,))
GPU = Host(node="n", hardware="gpu", device="A GPU", cpus=8, nproc=1)


def ask(name: str, result: RunResult, ratio: Any = None, spare_tail: float = 0.0) -> Check:
    counted = verification(1337, val_tokens=None, val_bytes=None, final_rule=None, ratio=ratio)
    judged = judge(
        required=LOCAL,
        cap_bytes=16_000_000,
        train_seconds=60.0,
        eval_seconds=60.0,
        seeds=(1337,),
        script_sha256=SCRIPT_SHA256,
        nproc=1,
        allowed_hardware=(),
        results=[result],
        verifications=[counted],
        spare_tail=spare_tail,
    )
    return next(check for check in judged.checks if check.name == name)


def printed(loss: str, bpb: str, rule: str = RULE, **counts: int) -> Score:
    return Score(rule=rule, val_loss=float(loss), val_bpb=float(bpb), printed_loss=loss, printed_bpb=bpb, **counts)


def agreement(ours: Score | None, fresh: Score | None, host: Host | None = None) -> Check:
    log = run_result().log.model_copy(update={"device_type": None})
    result = run_result(train_score=ours, eval_score=fresh, final_score=fresh or ours, log=log)
    return ask("process_agreement", result.model_copy(update={"host": host or result.host}))


# two processes --------------------------------------------------------------------------------------------------

SCORED = printed("2.03860961", "1.20737944")


def test_the_same_digits_in_both_processes_pass_and_both_lines_are_told() -> None:
    check = agreement(SCORED, SCORED)
    assert (check.status, check.measured, check.limit) == ("pass", "the same digits", "8 decimals, as printed")
    assert check.detail == (
        f"{RULE}: loss 2.03860961, bpb 1.20737944 in training, loss 2.03860961, bpb 1.20737944 in the fresh process"
    )


@pytest.mark.parametrize(("loss", "bpb"), [("2.03860962", "1.20737944"), ("2.03860961", "1.20737945")])
def test_one_digit_apart_fails_with_both_numbers(loss: str, bpb: str) -> None:
    check = agreement(SCORED, printed(loss, bpb))
    assert (check.status, check.measured) == ("fail", f"1.20737944 and {bpb} bpb")
    assert loss in check.detail


@pytest.mark.parametrize(("bpb", "status"), [("1.2074", "pass"), ("1.2073", "fail")])
def test_where_one_process_prints_fewer_digits_those_decide(bpb: str, status: str) -> None:
    check = agreement(SCORED, printed("2.0386", bpb))
    assert (check.status, check.limit) == (status, "4 decimals, as printed")


@pytest.mark.parametrize(
    ("bpb", "status", "limit"),
    [
        ("1.20737944", "pass", "8 decimals, as printed"),
        ("1.20738044", "pass", "1e-5 bpb on a GPU"),
        ("1.20739044", "fail", "8 decimals, as printed"),
    ],
)
def test_on_a_gpu_digits_may_differ_as_far_as_the_rules_let_two_runs(bpb: str, status: str, limit: str) -> None:
    check = agreement(SCORED, printed("2.03860961", bpb), GPU)
    assert (check.status, check.limit) == (status, limit)


def test_what_one_process_did_not_print_cannot_agree() -> None:
    alone = agreement(SCORED, None)
    assert (alone.status, alone.measured) == ("unknown", "not measured")
    assert alone.detail == "scored in the training process only: the job names no outputs.eval_env"
    silent = agreement(None, SCORED)
    assert silent.status == "unknown"
    assert silent.detail == "the training process printed no score, the other loss 2.03860961, bpb 1.20737944"
    other = agreement(printed("2.05", "1.21", "final_sliding"), SCORED)
    assert other.status == "unknown"
    assert other.detail == (
        f"the training process printed no {RULE}; its last score is final_sliding, loss 2.05, bpb 1.21"
    )


def test_scores_over_other_tokens_do_not_agree() -> None:
    one, other = (printed("2.0386", "1.2074", tokens=tokens, bytes=9) for tokens in (4, 5))
    assert agreement(one, other).status == "fail"
    assert agreement(one, printed("2.0386", "1.2074")).status == "pass"


@pytest.mark.parametrize("digits", ["nan", "inf"])
def test_what_is_no_number_agrees_with_nothing(digits: str) -> None:
    assert agreement(printed(digits, digits), printed(digits, digits)).status == "fail"


# what a ratio proves --------------------------------------------------------------------------------------------


def covers(score: Score, text: Prefixes = TEXT, named: Named = SIXTY_FOUR, spare_tail: float = 0.0) -> Check:
    ratio = ratio_coverage(text, score, named, spare_tail)
    return ask("bpb_arithmetic", run_result(train_score=None, eval_score=score, final_score=score), ratio, spare_tail)


WHOLE = [(0, TEXT.targets)]
SEQUENCES = [(0, TEXT.targets // 64 * 64)]


def test_the_whole_text_passes_by_ratio_and_says_what_no_ratio_shows() -> None:
    check = covers(printed_score(TEXT, WHOLE))
    assert (check.status, check.measured) == ("pass", "by ratio, the whole text")
    assert check.limit == "all 50,021 tokens but 0.1 %"
    assert check.detail.endswith("by our count; it also fits none of 99,940 cuts that leave out more")
    assert "its probabilities sum to one is the script's own arithmetic" in check.note


def test_a_rest_that_fills_no_sequence_may_be_missing_and_is_told() -> None:
    check = covers(printed_score(TEXT, SEQUENCES))
    assert check.status == "pass"
    assert check.measured == "by ratio, all whole sequences of 64; 37 of 50,021 left out (0.074 %)"


@pytest.mark.parametrize(("digits", "status"), [(8, "pass"), (6, "pass"), (4, "unknown"), (3, "unknown")])
def test_few_digits_prove_little_and_the_answer_says_what_would_help(digits: int, status: str) -> None:
    check = covers(printed_score(TEXT, WHOLE, digits))
    assert check.status == status
    if status == "unknown":
        assert "cuts that leave out more, too: too few digits to tell" in check.detail
        assert check.detail.endswith("print both with 8 decimals, or tokens:N bytes:N on the line of the score")
        assert check.note == ""


def test_counts_that_match_make_up_for_digits() -> None:
    check = covers(printed_score(TEXT, SEQUENCES, 4, counts=True))
    assert (check.status, check.measured) == ("pass", "by ratio and counts, 49,984 tokens")
    tokens_alone = printed_score(TEXT, SEQUENCES, 4, counts=True).model_copy(update={"bytes": None})
    assert covers(tokens_alone).status == "unknown"


def test_counts_that_are_not_the_texts_fail_whatever_the_ratio_is() -> None:
    score = printed_score(TEXT, WHOLE, 8, counts=True)
    check = covers(score.model_copy(update={"bytes": 99_999}))
    assert (check.status, check.measured) == ("fail", "50,021 tokens, 99,999 bytes")
    assert check.detail.startswith("the whole text has 50,021 tokens, 100,261 bytes")


@pytest.mark.parametrize("share", [0.98, 0.9, 0.5, 0.1])
def test_a_cut_fails_where_its_ratio_is_far_from_the_texts(share: float) -> None:
    check = covers(printed_score(TEXT, [(0, int(TEXT.targets * share))]))
    assert check.status == "fail"
    assert "for this text" in check.limit


def test_bytes_counted_otherwise_fail() -> None:
    whole = printed_score(TEXT, WHOLE)
    twice = printed(whole.printed_loss, f"{whole.val_bpb * 0.8:.8f}")
    check = covers(twice)
    assert (check.status, check.detail) == ("fail", "other text, a part of it, or bytes counted otherwise")


def test_a_cut_that_the_log_names_fails_by_it() -> None:
    check = covers(printed_score(TEXT, [(0, 45_000)]), named=Named(tokens=(45_000,)))
    assert (check.status, check.measured) == ("fail", "by ratio, the first 45,000 tokens")
    assert check.detail == "a number of tokens that it names itself; 5,021 of 50,021 left out (10 %)"


def test_a_ratio_near_the_texts_that_no_coverage_has_is_unknown() -> None:
    check = covers(printed_score(TEXT, [(7, TEXT.targets - 8)]))
    assert check.status == "unknown"
    assert check.detail == (
        "near the whole text's, but that of none of the 3 coverages tried; "
        "print tokens:N bytes:N on the line of the score, or name the length of a sequence in env:"
    )


def test_a_long_tail_is_spared_on_tracks_of_short_texts_only() -> None:
    text = text_of(documents(1000, 5))
    score = printed_score(text, [(0, 960)])
    spared = covers(score, text, SIXTY_FOUR, spare_tail=0.1)
    assert (spared.status, spared.limit) == ("pass", "all 1,000 tokens but 0.1 % or an end that fills no sequence")
    assert "40 of 1,000 left out (4 %)" in spared.measured
    ratio = ratio_coverage(text, score, SIXTY_FOUR, 0.1)
    contest = ask("bpb_arithmetic", run_result(eval_score=score, final_score=score), ratio)
    assert contest.status != "pass"


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        ((2.0, 2.5), "1.6"),
        ((2.0, 2.0001), "1.3863"),
        ((2.0, 2.0 + 1e-9), "1.386294361"),
        ((2.0, 2.0 + 1e-13), "1.386294361120"),
        ((2.0, 2.0), "1.386294361120"),
        ((2.0, math.inf), "over 1.3863"),
    ],
)
def test_a_ratio_is_shown_in_as_many_decimals_as_the_printed_digits_bear(
    bounds: tuple[float, float], shown: str
) -> None:
    assert printed_ratio(bounds) == shown


def test_without_a_ratio_nothing_is_known() -> None:
    score = printed_score(TEXT, WHOLE)
    nothing = ask("bpb_arithmetic", run_result(eval_score=score, final_score=score))
    assert (nothing.status, nothing.detail) == ("unknown", "the text was not counted")
    nan = covers(score.model_copy(update={"printed_bpb": "nan"}))
    assert (nan.status, nan.detail) == ("unknown", "its figures give no ratio")
    gone = ask("bpb_arithmetic", run_result(train_score=score, eval_score=None, final_score=None))
    assert (gone.status, gone.detail) == ("unknown", "no final score")


def test_doubtful_bytes_are_no_fail() -> None:
    whole = printed_score(TEXT, WHOLE)
    score = printed(whole.printed_loss, f"{whole.val_bpb * 0.8:.8f}")
    ratio = ratio_coverage(TEXT, score, Named(), doubt="bytes may be those of a sidecar")
    check = ask("bpb_arithmetic", run_result(eval_score=score, final_score=score), ratio)
    assert (check.status, check.detail) == ("unknown", "bytes may be those of a sidecar")


def test_a_stored_fit_that_its_own_numbers_deny_is_none() -> None:
    """Whoever edits a record must make up the digits, too."""
    score = printed_score(TEXT, [(0, 25_000)])
    honest = ratio_coverage(TEXT, printed_score(TEXT, WHOLE), Named())
    check = ask("bpb_arithmetic", run_result(eval_score=score, final_score=score), honest)
    assert check.status == "fail"


# properties -----------------------------------------------------------------------------------------------------

texts = (
    st.binary(min_size=60, max_size=400).map(lambda raw: [byte % 10 for byte in raw]).filter(lambda s: sum(s[:20]))
)


@given(texts, st.data(), st.integers(2, 10), st.floats(0.3, 9.0), st.booleans())
def test_no_cut_of_more_than_a_thousandth_passes_for_the_whole(
    sizes: list[int], data: st.DataObject, digits: int, loss: float, end: bool
) -> None:
    """On a text this short not one cut may share the ratio; lengths and tokens are named as a script would."""
    text = text_of(sizes)
    scored = data.draw(st.integers(20, text.targets - 1))
    part = (0, scored) if end else (text.targets - scored, text.targets)
    named = Named(lengths=tuple(data.draw(st.lists(st.integers(1, 64), max_size=2))))
    if text.between(*part):
        check = covers(printed_score(text, [part], digits, loss=loss), text, named)
        assert check.status != "pass"


@given(texts, st.integers(1, 30), st.floats(0.3, 9.0), st.integers(2, 12), st.integers(2, 12))
def test_an_honest_score_is_never_failed_by_rounding(
    sizes: list[int], length: int, loss: float, first: int, second: int
) -> None:
    text = text_of(sizes)
    for stop in (text.targets, text.targets // length * length):
        score = printed_score(text, [(0, stop)], first, loss=loss, bpb_digits=second)
        assert covers(score, text, Named(lengths=(length,)), spare_tail=0.5).status != "fail"
