"""What a printed ratio can tell of the text that was scored: exact counts by hand, and no cut taken for the whole."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.eval import EvalConfig
from runner.data.dataset import open_dataset
from runner.data.prefixes import Prefixes, prefixes_of
from runner.job.open_data import DataRequest
from runner.plan.coverage import coverage, spans
from runner.plan.ratio_coverage import Named, byte_doubt, named_by, other_cuts, ratio_coverage, stages
from runner.results.phases import LogFacts
from runner.results.verdicts import Fit, RatioCoverage
from tests.fixtures.ratios import TEXT, printed_score, text_of

NAMED = Named(lengths=(64,))


def found(text: Prefixes, score_of: list[tuple[int, int]], digits: int = 8, named: Named = NAMED) -> RatioCoverage:
    answer = ratio_coverage(text, printed_score(text, score_of, digits), named)
    assert answer is not None
    return answer


def test_the_whole_text_and_whole_sequences_are_told_apart_by_eight_decimals() -> None:
    whole = found(TEXT, [(0, TEXT.targets)])
    assert [(fit.what, fit.left_out) for fit in whole.fits] == [("the whole text", 0)]
    sequences = TEXT.targets // 64 * 64
    cut = found(TEXT, [(0, sequences)])
    assert cut.fits == [
        Fit(
            what="all whole sequences of 64",
            tokens=sequences,
            bytes=TEXT.before(sequences),
            left_out=TEXT.targets - sequences,
            tail=True,
        )
    ]
    assert (cut.tokens, cut.bytes) == (TEXT.targets, TEXT.before(TEXT.targets))
    assert (cut.tried, cut.most_left_out) == (2, TEXT.targets // 1000)


@pytest.mark.parametrize(("digits", "fits"), [(8, 1), (4, 1), (2, 2)])
def test_fewer_digits_fit_more_coverages(digits: int, fits: int) -> None:
    assert len(found(TEXT, [(0, TEXT.targets)], digits).fits) == fits


def test_cuts_that_have_the_same_ratio_by_chance_are_counted_one_by_one() -> None:
    sizes = np.array([2, 1, 3, 2, 2, 1, 3, 2], dtype=np.uint16)  # two bytes a token in the mean, at several places
    text = prefixes_of(sizes)
    exact = (2.0, 2.0)
    ends = [stop for stop in range(1, 8) if text.before(stop) == 2 * stop]
    begins = [first for first in range(1, 8) if text.between(first, 8) == 2 * (8 - first)]
    assert (ends, begins) == ([1, 3, 4, 5, 7], [1, 3, 4, 5, 7])
    assert other_cuts(text, 0, exact) == (14, 10)
    assert other_cuts(text, 3, exact) == (8, 6)  # ends before 5 and beginnings after 3
    assert other_cuts(text, 0, (1.0, math.inf)) == (14, 14)


@pytest.mark.parametrize("rule", ["last_stride", "last_stride_short", "repeated_tail"])
def test_windows_are_tried_where_a_stride_is_named(rule: str) -> None:
    parts = spans(rule, TEXT.targets // 32 * 32, 32, 16)
    named = Named(lengths=(32,), strides=(16,))
    assert "windows of 32 every 16" in found(TEXT, parts, 9, named).fits[0].what
    assert found(TEXT, parts, 9, Named(lengths=(32,))).fits == []


def test_what_no_script_names_is_looked_for_among_powers_of_two() -> None:
    sequences = TEXT.targets // 64 * 64
    assert [fit.what for fit in found(TEXT, [(0, sequences)], named=Named()).fits] == ["all whole sequences of 64"]
    assert found(TEXT, [(0, 50_000)], named=Named()).fits == []
    assert [fit.what for fit in found(TEXT, [(0, 50_000)], named=Named(tokens=(50_000,))).fits] == [
        "the first 50,000 tokens"
    ]


@pytest.mark.parametrize(("first", "which"), [(0, "first"), (1021, "last")])
def test_a_part_that_the_script_itself_names_is_none_where_too_much_is_missing(first: int, which: str) -> None:
    answer = found(TEXT, [(first, first + 49_000)], named=Named(tokens=(49_000,)))
    assert (answer.fits, answer.cut and answer.cut.what) == ([], f"the {which} 49,000 tokens")
    assert answer.cut is not None
    assert answer.cut.left_out == 1021


def test_a_tail_that_fills_no_sequence_may_be_longer_where_the_track_spares_it() -> None:
    length = TEXT.targets // 10 + 100
    score = printed_score(TEXT, [(0, TEXT.targets // length * length)])
    named = Named(lengths=(length,))
    strict, spared = (ratio_coverage(TEXT, score, named, spare) for spare in (0.0, 0.1))
    assert strict is not None
    assert spared is not None
    assert (strict.fits, [fit.tail for fit in spared.fits]) == ([], [True])


def test_printed_counts_leave_only_what_has_them() -> None:
    parts = [(0, TEXT.targets)]
    score = printed_score(TEXT, parts, 4, counts=True)
    answer = ratio_coverage(TEXT, score, NAMED)
    assert answer is not None
    assert [fit.what for fit in answer.fits] == ["the whole text"]
    wrong = score.model_copy(update={"bytes": (score.bytes or 0) + 1})
    answer = ratio_coverage(TEXT, wrong, NAMED)
    assert answer is not None
    assert (answer.fits, answer.tried) == ([], 0)


def test_no_digits_no_answer() -> None:
    score = printed_score(TEXT, [(0, 10)]).model_copy(update={"printed_bpb": "nan"})
    assert ratio_coverage(TEXT, score, NAMED) is None
    assert ratio_coverage(text_of([]), printed_score(TEXT, [(0, 10)]), NAMED) is None


def test_a_text_with_more_targets_than_sums_is_counted_alike() -> None:
    coarse = prefixes_of(TEXT.sizes, most_steps=200)
    assert coarse.step == -(-TEXT.targets // 200)
    one, other = (found(text, [(0, text.targets)]) for text in (TEXT, coarse))
    assert one.fits == other.fits
    assert other.cuts < one.cuts


def test_every_coverage_is_tried_once_and_counts_what_it_says() -> None:
    named = Named(lengths=(64, 16, 0), strides=(16, 0, 128), tokens=(TEXT.targets - 1, 0, TEXT.targets + 5))
    tried = [one for stage in stages(TEXT, named) for one in stage]
    assert len({(one.tokens, one.bytes) for one in tried}) == len(tried)
    for one in tried:
        assert one.bytes > 0
        assert 0 <= one.left_out < TEXT.targets


def test_names_come_from_job_log_and_source_in_this_order() -> None:
    log = LogFacts(lengths=[1024, 512], strides=[64], val_tokens=99)
    source = 'seq_len = int(os.environ.get("SEQ_LEN", 256))\nstride = 32'
    named = named_by({"TRAIN_SEQ_LEN": "2048", "OTHER": "7"}, source, log)
    assert named == Named((2048, 1024, 512, 256), (64, 32), (99,))


def test_a_sidecar_of_bytes_beside_the_shards_is_a_doubt(tmp_path: Path) -> None:
    assert byte_doubt(tmp_path) == ""
    (tmp_path / "fineweb_val_bytes_000000.bin").touch()
    assert "fineweb_val_bytes_000000.bin" in byte_doubt(tmp_path)


def test_the_referees_own_rules_fit_their_own_counts(tiny_data: DataRequest) -> None:
    data = open_dataset(Path(str(tiny_data.folder)), Path(str(tiny_data.tokenizer)), tiny_data.vocab_size)
    counted = coverage(data, EvalConfig("last_stride", 0, 8), 16)
    targets = data.facts.val_tokens - 1
    parts = spans("last_stride", targets // 16 * 16, 16, 8)
    assert (counted.text_tokens, counted.left_out) == (targets, targets - sum(b - a for a, b in parts))
    plain = coverage(data, EvalConfig(), 16)
    assert plain.left_out == targets % 16
    assert coverage(data, EvalConfig("repeated_tail", 0, 8), 16).left_out == targets % 16


# properties -----------------------------------------------------------------------------------------------------

texts = (
    st.binary(min_size=40, max_size=300).map(lambda raw: [byte % 10 for byte in raw]).filter(lambda s: sum(s[:20]))
)


@given(texts, st.integers(1, 40), st.floats(0.3, 9.0), st.integers(2, 12), st.integers(2, 12))
def test_rounding_never_makes_a_whole_text_misfit(
    sizes: list[int], length: int, loss: float, first: int, second: int
) -> None:
    text = text_of(sizes)
    scored = text.targets // length * length
    for parts in ([(0, text.targets)], [(0, scored)]):
        score = printed_score(text, parts, first, loss=loss, bpb_digits=second)
        answer = ratio_coverage(text, score, Named(lengths=(length,)), 0.5)
        if answer is not None:
            counts = {(fit.tokens, fit.bytes) for fit in answer.fits}
            tokens = parts[0][1]
            earlier = [fit for fit in answer.fits if fit.what == "the whole text"]
            assert (tokens, text.before(tokens)) in counts or earlier
            assert answer.least <= answer.bytes / answer.tokens <= answer.most
