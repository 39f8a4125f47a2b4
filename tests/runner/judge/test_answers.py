"""Answers to the letter: how numbers are written beside their limits, and one case on either side of each bound."""

from __future__ import annotations

import math
from typing import Any

import pytest

from runner.data.known_texts import DOCUMENTS, TEXT_BYTES
from runner.judge.checks import first_line
from runner.judge.evidence import beside, percent, plain, status_of
from runner.judge.judge import OF_A_TRAINING
from runner.judge.ratio_checks import _allowed, _inside, printed_ratio
from runner.judge.text_checks import kept_back_answer, overlap_words
from runner.judge.yardsticks import DEFAULT_BOUNDS
from runner.logs.printed import ratio_bounds
from runner.results.frozen import Interval, Status
from runner.results.phases import Artifact, Compared, Score, Segment
from runner.results.verdicts import Check, Fit, RatioCoverage, Verification
from tests.fixtures.results import (
    LOCAL,
    SCRIPT_SHA256,
    challenge_facts,
    data_facts,
    no_overlap,
    phase,
    run_result,
    verification,
)
from tests.runner.judge.test_judge import SEEDS, check_of, on_gpu, verdict

# ---- how numbers are written ----


@pytest.mark.parametrize(
    ("value", "bound", "told"),
    [
        (60.0, 60.0, "60.00"),
        (59.999, 60.0, "60.00"),
        (60.004, 60.0, "60.004"),
        (60.000000000001, 60.0, "60.000000000001"),
        (1 + 4.44e-13, 1.0, "1.000000000000444"),
        (1234.5, 1e9, "1,234.50"),
        (-0.5, 0.0, "-0.50"),
    ],
)
def test_a_number_is_written_in_as_few_digits_as_stand_on_its_side(value: float, bound: float, told: str) -> None:
    assert beside(value, bound) == told


def test_a_number_is_written_in_another_style_and_in_more_digits_where_that_is_asked_for() -> None:
    assert beside(2.5e-9, 1e-9, "e") == "2.50e-09"
    assert beside(1.0001e-9, 1e-9, "e") == "1.0001e-09"
    assert beside(1.25, 2.0, least=6) == "1.250000"


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0, "0 %"),
        (-0.5, "0 %"),
        (0.000123, "0.012 %"),
        (0.0026, "0.26 %"),
        (0.00992, "0.99 %"),
        (0.001, "0.1 %"),
        (0.05, "5 %"),
        (0.055, "5.5 %"),
        (0.1, "10 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.996, "99.6 %"),
        (0.99996, "99.996 %"),
        (1 - 1e-11, "99.999999999 %"),
        (1 - 1e-13, "100 %"),
        (1.0, "100 %"),
        (1.5, "150 %"),
        (1.2345, "123 %"),
    ],
)
def test_a_share_has_two_digits_that_count_and_less_than_all_is_not_all(share: float, told: str) -> None:
    assert percent(share) == told


def test_limits_are_written_without_noughts_at_their_end() -> None:
    assert [plain(value) for value in (600.0, 0.5, 1.2, 3.015, 1200.0, 0.1234567)] == [
        *("600", "0.5", "1.2", "3.015", "1,200", "0.123457"),
    ]
    assert (status_of(True), status_of(False)) == ("pass", "fail")


def test_of_a_reason_the_first_line_that_says_something_is_told_and_cut() -> None:
    assert first_line(f"\n  {'x' * 200}  \nmore") == "x" * 160
    assert first_line(" one \ntwo") == "one"


def test_a_ratio_is_written_in_the_digits_that_it_bears() -> None:
    log2 = math.log(2)

    def ratio(low: float, high: float) -> str:
        return printed_ratio((low / log2, high / log2))

    assert ratio(2.0, 2.0011) == "2.00"
    assert ratio(1.25, 1.75) == "1.5"
    assert ratio(1.0, 9.0) == "5.0"
    assert ratio(2.5, 2.5) == "2.500000000000"
    assert printed_ratio((1 / log2, math.inf)) == "over 1.0000"


# ---- seeds, scripts, bytes ----


@pytest.mark.parametrize(
    ("artifact", "data", "carried", "status"),
    [
        (100, 0, 0, "pass"),
        (101, 0, 0, "fail"),
        (90, 10, 0, "pass"),
        (90, 11, 0, "unknown"),
        (100, 1, 0, "unknown"),
        (101, 1, 0, "fail"),
        (90, 0, 10, "pass"),
        (90, 0, 11, "unknown"),
        (90, 5, 5, "pass"),
        (90, 5, 6, "unknown"),
        (100, 0, 1, "unknown"),
        (101, 0, 1, "fail"),
        (None, 0, 0, "unknown"),
    ],
)
def test_the_cap_to_the_byte_with_what_may_be_weights(
    artifact: int | None, data: int, carried: int, status: Status
) -> None:
    counted = verification(1337, code_bytes=0, artifact_bytes=artifact, data_bytes=data, carried_bytes=carried)
    check = check_of("bytes_total", run_result(), counted, cap_bytes=100)
    assert check.status == status
    over = f"; {data} B of data files beside the script are not counted" if data and artifact is not None else ""
    assert (over in check.detail) is True
    beside = f"; {carried} B of a tokenizer or sidecars that nobody knows are not counted"
    assert (beside in check.detail) is (status == "unknown" and bool(carried))
    assert carried or "sidecars" not in check.detail
    at_cap = verification(1337, code_bytes=100, artifact_bytes=None)
    assert check_of("bytes_total", run_result(), at_cap, cap_bytes=100).status == "unknown"
    assert check_of("bytes_total", run_result(), at_cap, cap_bytes=99).status == "fail"


def only(checks: list[Check], name: str) -> Check:
    (check,) = [check for check in checks if check.name == name]
    return check


def of_runs(name: str, *changes: dict[str, Any], counted: list[Verification] | None = None, **case: Any) -> Check:
    """The answer to a question over all, of one seed for each of these changes."""
    seeds = SEEDS[: len(changes)]
    results = [run_result(seed, **change) for seed, change in zip(seeds, changes, strict=True)]
    known = [verification(seed) for seed in seeds] if counted is None else counted
    return only(verdict(results, known, **{"seeds": seeds, **case}).checks, name)


@pytest.mark.parametrize(
    ("printed", "status"),
    [
        ("2.0386123", "unknown"),
        ("2.038612", "pass"),
        ("2.0386123e0", "unknown"),
        ("2.038612E+000", "pass"),
        ("2", "pass"),
    ],
)
def test_seven_digits_in_common_are_too_many_for_two_runs(printed: str, status: Status) -> None:
    same = Score(rule="plain", val_loss=2.0386123, val_bpb=1.25, printed_loss=printed)
    check = of_runs("distinct_seeds", {"final_score": same}, {"final_score": same})
    assert check.status == status
    other = same.model_copy(update={"val_bpb": 1.26})
    assert of_runs("distinct_seeds", {"final_score": same}, {"final_score": other}).status == "pass"
    nan = same.model_copy(update={"val_loss": math.nan})
    assert of_runs("distinct_seeds", {"final_score": nan}, {"final_score": nan}).status == "pass"


def test_how_many_artifacts_there_are_is_told() -> None:
    assert of_runs("distinct_seeds", {}).measured == "1 artifact"
    assert of_runs("distinct_seeds", {}, {}, {}).measured == "3 different artifacts"
    bare = [verification(seed, artifact_sha256=None) for seed in SEEDS[:2]]
    assert of_runs("distinct_seeds", {}, {}, counted=bare).measured == "2 different artifacts"
    assert of_runs("distinct_seeds", {"artifact": None}, {"artifact": None}).measured == "2 different artifacts"
    nothing = of_runs("distinct_seeds", {"artifact": None}, {"artifact": None}, counted=bare)
    assert (nothing.status, nothing.measured, nothing.detail) == (
        "unknown",
        "not measured",
        "not seen for seed 42, 1337",
    )
    one = [verification(seed, artifact_sha256=None, weights_sha256=f"{seed:064}") for seed in SEEDS[:2]]
    assert of_runs("distinct_seeds", {"artifact": None}, {"artifact": None}, counted=one).status == "unknown"


def test_seeds_are_complete_where_each_ran_once_and_what_is_wrong_is_told_of_each() -> None:
    good = of_runs("seeds_complete", {}, {})
    assert (good.status, good.measured, good.limit, good.detail) == (
        *("pass", "completed 1337, 42", "exactly 1337, 42", ""),
    )
    results = [run_result(1337, status="failed", reason=" \nout of memory\nmore"), run_result(7), run_result(42)]
    checks = verdict([*results, run_result(42)], seeds=(1337, 42, 42, 5)).checks
    check = only(checks, "seeds_complete")
    assert (check.status, check.measured) == ("fail", "completed 42, 7")
    assert check.detail == (
        "seed 1337 failed: out of memory; seed 5 never ran; seed 7 ran unasked; seed 42 ran 2 times; "
        "seed 42 asked for twice"
    )
    both = [run_result(seed, status="lost", reason="") for seed in SEEDS[:2]]
    told = only(verdict(both, seeds=SEEDS[:2]).checks, "seeds_complete")
    assert (told.measured, told.detail) == ("completed none", "seeds 42, 1337 lost")
    nobody = only(verdict([], [], seeds=()).checks, "seeds_complete")
    assert (nobody.status, nobody.limit, nobody.detail) == ("unknown", "exactly none", "no seed was asked for")
    assert only(verdict([run_result(7)], seeds=()).checks, "seeds_complete").status == "fail"


def test_a_script_is_seen_where_it_ran_and_was_counted() -> None:
    good = of_runs("one_script", {}, {})
    assert (good.status, good.measured, good.limit) == ("pass", SCRIPT_SHA256[:12], SCRIPT_SHA256[:12])
    unseen = of_runs("one_script", {}, {}, counted=[verification(1337)])
    assert (unseen.status, unseen.detail) == ("unknown", "not seen for seed 42")
    other = of_runs("one_script", {}, {"script_sha256": "9" * 64})
    assert (other.status, other.detail) == ("fail", "another script in seed 42")
    assert other.measured == ", ".join(sorted([SCRIPT_SHA256[:12], "9" * 12]))


def test_an_artifact_is_named_by_the_beginning_of_its_hash() -> None:
    frozen = run_result().artifact
    assert frozen is not None
    good = check_of("artifact_hash", run_result())
    assert (good.status, good.measured) == ("pass", frozen.sha256[:10])
    other = Artifact(file="a", bytes=1234, sha256="ab" * 32)
    bad = check_of("artifact_hash", run_result(artifact=other))
    assert (bad.status, bad.detail) == (
        "fail",
        f"frozen was ababababab, 1,234 B; on disk are {frozen.bytes:,} B",
    )
    for missing in ({"artifact_sha256": None}, {"artifact_bytes": None}):
        assert check_of("artifact_hash", run_result(), verification(1337, **missing)).measured == "not measured"


def test_what_was_packed_later_is_a_verdict_of_its_own_and_no_training_is_asked() -> None:
    assert sorted(OF_A_TRAINING) == ["log_clock", "process_agreement"]
    silent = run_result(1337, train_score=None)
    found = verdict([silent], [verification(1337)], seeds=(1337,), repacked=True)
    assert (found.status, found.reasons) == ("repacked", [])
    assert not only(found.checks, "process_agreement").required
    assert verdict([silent], [verification(1337)], seeds=(1337,)).status == "unverified"
    nobody = verdict(required=LOCAL | {"odd"}, seeds=()).checks
    odd = only(nobody, "odd")
    assert (odd.title, odd.measured, odd.limit, odd.detail) == (
        *("Is odd fulfilled?", "not measured", "an answer", "no such check exists"),
    )
    none = only(verdict([], [], seeds=()).checks, "train_clock")
    assert (none.title, none.detail, none.required) == ("Training in time?", "there was no seed to ask about", True)


# ---- scores ----


def agreement(apart: float, **changes: Any) -> Check:
    """Of two processes whose scores lie so far apart, one at nought, where floats are exact."""
    ours, fresh = (Score(rule="plain", val_loss=1.0, val_bpb=bpb, tokens=5, bytes=9) for bpb in (apart, 0.0))
    log = run_result().log.model_copy(update={"device_type": None})
    result = run_result(**{"train_score": ours, "eval_score": fresh, "final_score": None, "log": log, **changes})
    return check_of("process_agreement", result)


@pytest.mark.parametrize(
    ("host", "apart", "status", "measured"),
    [
        ("cpu", 0.0, "pass", "identical"),
        ("cpu", 1e-9, "pass", "1.00e-09 bpb apart"),
        ("cpu", math.nextafter(1e-9, 1), "fail", "1.0000000000000003e-09 bpb apart"),
        ("gpu", 1e-5, "pass", "1.00e-05 bpb apart"),
        ("gpu", math.nextafter(1e-5, 1), "fail", "1.0000000000000003e-05 bpb apart"),
        (None, 1e-9, "pass", "1.00e-09 bpb apart"),
        (None, math.nextafter(1e-9, 1), "unknown", "1.0000000000000003e-09 bpb apart"),
        (None, 1e-5, "unknown", "1.00e-05 bpb apart"),
        (None, math.nextafter(1e-5, 1), "fail", "1.00e-05 bpb apart"),
        ("cpu", math.nan, "fail", "inf bpb apart"),
    ],
)
def test_two_processes_agree_up_to_the_last_digit_that_may_differ(
    host: str | None, apart: float, status: Status, measured: str
) -> None:
    at = {"cpu": run_result().host, "gpu": on_gpu(), None: None}[host]
    check = agreement(apart, host=at)
    assert (check.status, check.measured) == (status, measured)
    assert check.limit == ("1e-5 bpb" if host == "gpu" else "1e-9 bpb")


@pytest.mark.parametrize(
    ("error", "status"), [(0.0, "pass"), (0.9e-9, "pass"), (1.1e-9, "fail"), (-0.9e-9, "pass"), (-1.1e-9, "fail")]
)
def test_bpb_follows_from_its_loss_to_a_billionth(error: float, status: Status) -> None:
    result = run_result()
    assert result.final_score is not None
    final = result.final_score
    bent = final.model_copy(update={"val_bpb": final.val_bpb * (1 + error)})
    assert check_of("bpb_arithmetic", run_result(final_score=bent)).status == status


def test_nought_of_a_text_is_told_as_nought() -> None:
    nought = Score(rule="plain", val_loss=2.0, val_bpb=1.2, tokens=0, bytes=0)
    result = run_result(train_score=None, eval_score=None, final_score=nought)
    check = check_of("bpb_arithmetic", result)
    assert (check.status, check.measured) == ("fail", "plain: 0 tokens in 0 bytes")
    counts = dict.fromkeys(("val_tokens", "val_bytes", "final_tokens", "final_bytes"), 0)
    for rule in ("plain", "sliding"):
        result = run_result(train_score=None, eval_score=None, final_score=nought.model_copy(update={"rule": rule}))
        check = check_of("bpb_arithmetic", result, verification(1337, final_rule=rule, **counts))
        assert (check.status, check.measured, check.detail) == ("fail", "inf relative", "0 tokens in 0 bytes")


def test_one_token_of_one_byte_is_a_text() -> None:
    one = Score(rule="plain", val_loss=math.log(2), val_bpb=1.0, tokens=1, bytes=1)
    counted = verification(1337, val_tokens=1, val_bytes=1, final_tokens=1, final_bytes=1)
    check = check_of("bpb_arithmetic", run_result(train_score=one, eval_score=one, final_score=one), counted)
    assert (check.status, check.measured) == ("pass", "exact")


def test_a_loss_of_nought_is_a_bpb_of_nought() -> None:
    counted = verification(1337, val_tokens=5, val_bytes=9, final_tokens=5, final_bytes=9)
    for bpb, status in ((0.0, "pass"), (1e-9, "pass"), (2e-9, "fail")):
        nought = Score(rule="plain", val_loss=0.0, val_bpb=bpb, tokens=5, bytes=9)
        result = run_result(train_score=nought, eval_score=nought, final_score=nought)
        assert check_of("bpb_arithmetic", result, counted).status == status
    for tokens, size in ((0, 9), (5, 0)):
        empty = Score(rule="plain", val_loss=1.0, val_bpb=1.0, tokens=tokens, bytes=size)
        known = {"val_tokens": tokens, "val_bytes": size, "final_tokens": tokens, "final_bytes": size}
        result = run_result(train_score=empty, eval_score=empty, final_score=empty)
        check = check_of("bpb_arithmetic", result, verification(1337, **known))
        assert (check.status, check.measured) == ("fail", "inf relative")


@pytest.mark.parametrize(("left_out", "noted"), [(1_000, False), (1_001, True), (2_000, True)])
def test_a_thousandth_of_the_text_is_left_out_without_a_word(left_out: int, noted: bool) -> None:
    counted = verification(1337, val_tokens=999_000, text_tokens=1_000_000, left_out=left_out)
    final = Score(rule="last", val_loss=0.0, val_bpb=0.0, tokens=5, bytes=9)
    rule = {"final_rule": "last", "final_tokens": 5, "final_bytes": 9, "val_bytes": 9}
    result = run_result(final_score=final, train_score=None, eval_score=None)
    check = check_of("bpb_arithmetic", result, counted.model_copy(update=rule), spare_tail=0.001)
    assert (check.status, bool(check.note)) == ("pass", noted)
    assert check.detail == "last scores 5 of 999,000 tokens, the others are left out; 9 bytes"
    none_spared = check_of("bpb_arithmetic", result, counted.model_copy(update=rule), spare_tail=0.0009)
    assert none_spared.status == ("fail" if noted else "pass")


# ---- machines ----


def test_a_further_run_of_a_seed_that_does_not_say_where_leaves_the_machines_unknown() -> None:
    checks = verdict([run_result(1337), run_result(1337, host=None)], [verification(1337)], seeds=(1337,)).checks
    for name, why in (
        ("one_environment", "not every seed says what it ran with"),
        ("hardware", "not every seed says where it ran"),
    ):
        check = only(checks, name)
        assert (check.status, check.detail) == ("unknown", why)


# ---- what a printed ratio covers ----


@pytest.mark.parametrize(
    ("bounds", "inside"),
    [((2.25, 3.0), True), ((2.0, 2.25), True), ((2.26, 3.0), False), ((2.0, 2.24), False), ((2.25, 2.25), True)],
)
def test_bytes_per_token_at_the_end_of_what_was_printed_are_inside(bounds: tuple[float, float], inside: bool) -> None:
    assert _inside(Fit(what="", tokens=4, bytes=9, left_out=0), bounds) is inside


COVERAGE = RatioCoverage(
    tokens=10_000, bytes=22_500, most_left_out=10, tried=3, fits=[], cuts=6000, fitting_cuts=0, least=2.2, most=2.3
)


@pytest.mark.parametrize(
    ("left_out", "tail", "tokens", "spare", "allowed"),
    [
        (10, False, 5, 0.0, True),
        (11, False, 5, 0.0, False),
        (11, False, 5, 0.5, False),
        (5000, True, 5, 0.5, True),
        (5001, True, 5, 0.5, False),
        (10, True, 5, 0.0, True),
        (0, False, 0, 0.0, False),
        (0, False, 1, 0.0, True),
    ],
)
def test_a_thousandth_may_be_left_out_and_a_tail_where_it_is_spared(
    left_out: int, tail: bool, tokens: int, spare: float, allowed: bool
) -> None:
    fit = Fit(what="", tokens=tokens, bytes=9, left_out=left_out, tail=tail)
    assert _allowed(fit, COVERAGE, spare) is allowed


def ratio_check(loss: str, bpb: str, found: RatioCoverage, **counts: int) -> Check:
    final = Score(rule="r", val_loss=float(loss), val_bpb=float(bpb), printed_loss=loss, printed_bpb=bpb, **counts)
    counted = verification(1337, val_tokens=None, val_bytes=None, final_rule=None, ratio=found)
    return check_of("bpb_arithmetic", run_result(train_score=None, eval_score=None, final_score=final), counted)


LOSS = f"{2.25 * math.log(2):.8f}"
"""Of 9 bytes for 4 tokens, at one bit per byte."""
WHOLE = Fit(what="the whole text", tokens=10_000, bytes=22_500, left_out=0)


@pytest.mark.parametrize(
    ("fitting", "tried", "cuts", "status"),
    [
        (0, 3, 1, "pass"),
        (1, 3, 6000, "pass"),
        (1, 3, 5999, "unknown"),
        (2, 3, 12_000, "pass"),
        (2, 3, 11_999, "unknown"),
        (1, 1, 2000, "pass"),
        (1, 1, 1999, "unknown"),
    ],
)
def test_one_cut_in_two_thousand_for_each_coverage_that_was_tried_may_fit_by_chance(
    fitting: int, tried: int, cuts: int, status: Status
) -> None:
    found = COVERAGE.model_copy(update={"fits": [WHOLE], "fitting_cuts": fitting, "tried": tried, "cuts": cuts})
    check = ratio_check(LOSS, "1.00000000", found)
    assert (check.status, check.limit) == (status, "all 10,000 tokens but 0.1 %")
    others = f"{fitting:,} of {cuts:,}" if fitting else f"none of {cuts:,}"
    assert f"{others} cuts that leave out more" in check.detail
    counted = ratio_check(LOSS, "1.00000000", found, tokens=10_000, bytes=22_500)
    assert (counted.status, counted.measured) == ("pass", "by ratio and counts, 10,000 tokens")


@pytest.mark.parametrize(
    ("loss", "bpb", "help_"),
    [
        ("1.55958115", "1.00000000", "print tokens:N bytes:N on the line of the score"),
        ("1.5595812", "1.00000000", "print both with 8 decimals, or tokens:N bytes:N on the line of the score"),
        ("1.55958115", "1.0000000", "print both with 8 decimals, or tokens:N bytes:N on the line of the score"),
    ],
)
def test_eight_decimals_are_enough(loss: str, bpb: str, help_: str) -> None:
    found = COVERAGE.model_copy(update={"fits": [WHOLE], "fitting_cuts": 1, "cuts": 1})
    assert ratio_check(loss, bpb, found).detail.endswith(f"too few digits to tell; {help_}")
    assert ratio_check(loss, bpb, COVERAGE).detail.endswith(f"{help_}, or name the length of a sequence in env:")


def test_a_ratio_that_fits_nothing_fails_by_what_is_known_of_it() -> None:
    outside = ratio_check("2.0", "1.0", COVERAGE)
    assert (outside.status, outside.limit) == ("fail", "1.524924 to 1.594239 for this text")
    assert ratio_check("1.0", "1.0", COVERAGE).status == "fail"
    bounds = ratio_bounds("2.0", "1.0")
    assert bounds is not None
    for least, most, status in (
        (bounds[1], 9.0, "unknown"),
        (math.nextafter(bounds[1], 9), 9.0, "fail"),
        (1.0, bounds[0], "unknown"),
        (1.0, math.nextafter(bounds[0], 0), "fail"),
    ):
        at_end = ratio_check("2.0", "1.0", COVERAGE.model_copy(update={"least": least, "most": most}))
        assert at_end.status == status
    counts = ratio_check(LOSS, "1.00000000", COVERAGE, tokens=9999, bytes=7)
    assert (counts.status, counts.measured) == ("fail", "9,999 tokens, 7 bytes")
    assert counts.detail == "the whole text has 10,000 tokens, 22,500 bytes, and no end of it has those printed"
    assert ratio_check(LOSS, "1.00000000", COVERAGE, tokens=9999).measured == "9,999 tokens"
    doubt = COVERAGE.model_copy(update={"doubt": "two counts of it"})
    assert (ratio_check("2.0", "1.0", doubt).status, ratio_check("2.0", "1.0", doubt).detail) == (
        *("unknown", "two counts of it"),
    )
    cut = COVERAGE.model_copy(update={"cut": Fit(what="half", tokens=5000, bytes=1, left_out=5000)})
    assert ratio_check(LOSS, "1.00000000", cut).detail == (
        "a number of tokens that it names itself; 5,000 of 10,000 left out (50 %)"
    )


# ---- clocks ----


def eval_clock(low: float, high: float, **changes: Any) -> Check:
    seen = phase("eval", high, clock=Interval(low=low, high=high), strict_clock=None, **changes)
    return check_of("eval_clock", run_result(eval=seen))


def test_an_interval_at_its_bound_and_no_duration() -> None:
    assert [eval_clock(*pair).status for pair in ((60.0, 60.0), (59.0, 60.0), (60.0, 60.001), (60.001, 60.002))] == [
        *("pass", "pass", "unknown", "fail"),
    ]
    assert eval_clock(60.0, 61.0).detail == "it may lie on either side of the limit"
    assert eval_clock(60.0, 61.0, clock_doubt="x").detail == (
        "it may lie on either side of the limit; more lines of steps, or shorter validations between them, "
        "narrow it; not narrowed: x"
    )
    assert eval_clock(0.0, 0.0).status == "pass"
    for pair in ((-0.001, 5.0), (5.0, 4.999)):
        assert (eval_clock(*pair).status, eval_clock(*pair).detail) == ("unknown", "not a duration")


@pytest.mark.parametrize(
    ("read", "status", "measured"),
    [
        (10.5, "pass", "0.5 s after"),
        (10.501, "fail", "0.5 s after"),
        (10.0, "pass", "0.0 s before"),
        (8.0, "pass", "2.0 s before"),
        (None, "unknown", "no reading seen"),
    ],
)
def test_half_a_second_lies_between_two_stamps_of_one_moment(
    read: float | None, status: Status, measured: str
) -> None:
    train = phase("train", 5.0, frozen_seconds=10.0, last_train_read=read)
    check = check_of("data_after_freeze", run_result(train=train))
    assert (check.status, check.measured) == (status, measured)
    unwatched = train.model_copy(update={"reads_watched": False})
    assert check_of("data_after_freeze", run_result(train=unwatched)).measured == "not measured"
    undated = train.model_copy(update={"frozen_seconds": None})
    assert check_of("data_after_freeze", run_result(train=undated)).measured == "not measured"


@pytest.mark.parametrize(
    ("steps", "low", "limit"),
    [
        (1000, 600.0, "600 s + 1.2 s"),
        (1200, 600.0, "600 s + 1 s"),
        (1199, 600.0, "600 s + 1.001 s"),
        (100, 600.0, "600 s + 12 s"),
        (99, 600.0, "600 s + 12 s"),
        (10**12, 600.0, "600 s + 1 s"),
        (1, 0.25, "600 s + 1 s"),
    ],
)
def test_two_steps_of_grace_lie_between_a_second_and_a_fiftieth(steps: int, low: float, limit: str) -> None:
    log = run_result().log.model_copy(update={"steps": steps})
    train = phase("train", low, clock=Interval(low=low, high=low + 5.0))
    assert check_of("train_clock", run_result(log=log, train=train), train_seconds=600.0).limit == limit


def resumed(earlier: float | None, own: tuple[float, float] = (0.0, 10.0), **facts: Any) -> tuple[Status, str]:
    """The clock of a seed that went on after one life of so many seconds."""
    counted = [] if earlier is None else [
        Segment(attempt=1, clock=Interval(low=earlier, high=earlier), strict_clock=Interval(low=0.0, high=0.0))
    ]  # fmt: skip
    spent = earlier or 0.0
    clock = Interval(low=spent + own[0], high=spent + own[1])
    train = phase("train", 1.0, clock=clock, strict_clock=None, earlier=counted, events={}, frozen_seconds=None)
    log = run_result().log.model_copy(update=facts)
    check = check_of("train_clock", run_result(train=train, log=log))
    return check.status, check.detail


def test_lives_that_count_and_what_was_lost_stand_beside_a_clock() -> None:
    second = Interval(low=1.0, high=1.0)
    lives = [Segment(attempt=attempt, clock=second, strict_clock=second) for attempt in (1, 3)]
    train = phase(
        "train", 1.0, clock=Interval(low=9.0, high=9.0), strict_clock=None, earlier=lives, started_afresh="afresh"
    )
    log = run_result().log.model_copy(update={"resumed_step": 1, "resumed_seconds": 2.0, "steps": 9})
    check = check_of("train_clock", run_result(train=train, log=log))
    assert (check.status, check.detail) == ("pass", "resumed, attempt 1, 3 counted with what it lost; afresh")


def test_steps_beyond_what_a_log_can_claim_tell_no_pace() -> None:
    most = 10**12
    assert resumed(3.0, resumed_step=most, resumed_seconds=3.0, steps=2 * most)[0] == "unknown"
    assert resumed(3.0, resumed_step=2 * most, resumed_seconds=3.0, steps=3 * most + 1)[0] == "pass"


@pytest.mark.parametrize(
    ("told", "status"), [(3.5, "pass"), (3.501, "fail"), (None, "pass"), (0.0, "pass"), (math.nan, "fail")]
)
def test_what_a_log_says_of_earlier_lives_may_be_half_a_second_more_than_was_counted(
    told: float | None, status: Status
) -> None:
    assert resumed(3.0, resumed_step=1, resumed_seconds=told, steps=800)[0] == status


@pytest.mark.parametrize(
    ("step", "steps", "status"),
    [
        # 40 steps in 10 s: 4 in a second. Two seconds of earlier lives may stand for six.
        (24, 64, "pass"),
        (25, 65, "unknown"),
        (48, 68, "unknown"),
        (12, 32, "pass"),
        (48, 67, "pass"),
        (48, 48, "pass"),
    ],
)
def test_earlier_lives_were_at_most_twice_as_fast_and_twenty_steps_tell_a_pace(
    step: int, steps: int, status: Status
) -> None:
    assert resumed(2.0, resumed_step=step, resumed_seconds=2.0, steps=steps)[0] == status
    assert resumed(2.0, (0.0, 0.0), resumed_step=step, resumed_seconds=2.0, steps=steps)[0] == "pass"


@pytest.mark.parametrize(
    ("limit", "after", "status"),
    [
        (60.0, 60.0, "pass"),
        (60.0, 60.001, "unknown"),
        (240.0, 60.0, "pass"),
        (400.0, 100.0, "pass"),
        (400.0, 100.001, "unknown"),
    ],
)
def test_a_minute_or_a_quarter_of_the_limit_may_pass_until_the_artifact(
    limit: float, after: float, status: Status
) -> None:
    train = phase("train", 5.0, events={}, over_seconds=10.0, frozen_seconds=10.0 + after)
    assert check_of("train_clock", run_result(train=train), train_seconds=limit).status == status


@pytest.mark.parametrize(
    ("low", "high", "claim", "part", "status"),
    [
        (60.0, 60.0, 60.5, None, "pass"),
        (60.0, 60.0, 60.75, None, "fail"),
        (60.0, 60.0, 59.25, None, "fail"),
        (40.0, 42.0, 41.0, None, "pass"),
        (40.0, 42.25, 41.0, None, "unknown"),
        (60.0, 62.5, 61.0, None, "unknown"),
        (60.0, 62.25, 61.0, None, "pass"),
        (100.0, 200.0, 150.0, (75.0, 75.0), "pass"),
        (100.0, 200.0, 150.0, (74.75, 74.75), "unknown"),
        (100.0, 200.0, 150.0, (100.0, 99.0), "pass"),
        (100.0, 200.0, 150.0, (100.0, 98.75), "fail"),
        (100.0, 200.0, 150.0, (100.0, 101.0), "pass"),
        (100.0, 200.0, 150.0, (40.0, 40.5), "unknown"),
        (100.0, 200.0, 150.0, (40.0, 40.75), "fail"),
    ],
)
def test_a_log_and_the_referee_agree_to_half_a_second_or_a_hundredth(
    low: float, high: float, claim: float, part: tuple[float, float] | None, status: Status
) -> None:
    compared = None if part is None else Compared(arrived=part[0], claimed=part[1])
    train = phase("train", 5.0, clock=Interval(low=low, high=high), strict_clock=None, compared=compared)
    log = run_result().log.model_copy(update={"train_seconds": claim})
    check = check_of("log_clock", run_result(train=train, log=log))
    assert (check.status, check.limit) == (status, "0.5 s or 1 %")


# ---- texts ----


@pytest.mark.parametrize(
    ("shared", "tokens", "passages", "own", "status"),
    [
        (0, 0, 0, False, "pass"),
        (1, 1, 0, False, "fail"),
        (0, 1000, 0, False, "pass"),
        (0, 1001, 0, False, "fail"),
        (0, 0, 400, False, "pass"),
        (0, 0, 401, False, "fail"),
        (5, 100, 0, True, "pass"),
        (5, 101, 0, True, "fail"),
        (5, 100, 401, True, "fail"),
    ],
)
def test_how_much_of_a_text_may_stand_in_training_shards(
    shared: int, tokens: int, passages: int, own: bool, status: Status
) -> None:
    facts = challenge_facts() if own else data_facts()
    overlap = no_overlap(shared=shared, shared_tokens=tokens, shared_passages=passages, passages=4000)
    size = {"val_tokens": 10_000} if not own else {}
    if own:
        scale = facts.val_tokens / 10_000
        overlap = overlap.model_copy(update={"shared_tokens": math.floor(tokens * scale)})
    assert kept_back_answer(facts.model_copy(update={"overlap": overlap, **size})).status == status


def test_what_training_shards_hold_of_a_text_in_a_few_words() -> None:
    some = no_overlap(documents=1000, shared=3)
    assert overlap_words(some, 0.0123, 0.0) == "3 of 1,000 documents, 1.23 % of it"
    assert overlap_words(some, 0.1, 0.25) == "3 of 1,000 documents, 25 % of its passages"
    assert overlap_words(some, 0.11, 0.25) == "3 of 1,000 documents, 11.00 % of it"
    none = no_overlap(documents=1000)
    assert overlap_words(none, 0.1, 0.1) == "none of 1,000 documents"
    assert overlap_words(none, 0.11, 0.0) == "none of 1,000 documents, 11.00 % of it"


def test_figures_of_the_challenges_text_and_bounds_of_the_yardsticks() -> None:
    assert (DOCUMENTS, TEXT_BYTES) == (50_000, 151_080_891)
    assert (DEFAULT_BOUNDS.train_tokens, DEFAULT_BOUNDS.train_text_bytes, DEFAULT_BOUNDS.val_text_bytes) == (
        *(20_000_000, 50_331_648, 8_388_608),
    )
