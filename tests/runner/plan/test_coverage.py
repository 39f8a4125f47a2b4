"""The referee's count of what a rule scores, against the model's own windows and against counting by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.eval import EvalConfig
from golf_model.process.errors import ScriptError
from golf_model.scoring.windows import eval_windows, windows_of
from runner.data.dataset import DataSet, open_dataset, scored_targets
from runner.errors import DataError
from runner.job.open_data import DataRequest
from runner.plan.coverage import coverage, require_coverage, spans

RULES: tuple[Any, ...] = (
    "plain",
    "sliding",
    "last_stride",
    "last_stride_short",
    "exact_tail",
    "short_tail",
    "repeated_tail",
)


@given(st.sampled_from(RULES), st.integers(1, 24), st.data())
def test_spans_hold_the_targets_that_the_models_windows_score(rule: str, length: int, data: st.DataObject) -> None:
    targets, stride = data.draw(st.integers(length, 120)), data.draw(st.integers(1, length))
    by_model = Counter(
        int(start) + at
        for start, size, first in windows_of(rule, targets, length, stride)
        for at in range(first, size)
    )
    by_referee = Counter(at for first, stop in spans(rule, targets, length, stride) for at in range(first, stop))
    assert by_referee == by_model


@pytest.mark.parametrize(
    ("rule", "scored"),
    [
        ("plain", 96),
        ("last_stride", 72),
        ("last_stride_short", 64),
        ("exact_tail", 96),
        ("sliding", 96),
        ("streaming", 96),
        ("repeated_tail", 120),
    ],
)
def test_96_targets_in_windows_of_32_every_8(rule: str, scored: int) -> None:
    assert sum(stop - first for first, stop in spans(rule, 96, 32, 8)) == scored


@pytest.fixture(scope="module")
def data(tiny_data: DataRequest) -> DataSet:
    return open_dataset(Path(str(tiny_data.folder)), Path(str(tiny_data.tokenizer)), tiny_data.vocab_size)


def test_the_plain_rule_covers_whole_sequences(data: DataSet) -> None:
    counted = coverage(data, EvalConfig(), 16)
    assert (counted.tokens, counted.bytes) == scored_targets(data, 16)


def test_the_tail_is_covered_where_the_job_keeps_it(data: DataSet) -> None:
    targets = data.facts.val_tokens - 1
    length = next(n for n in range(16, 64) if targets % n)
    kept, cut = (coverage(data, EvalConfig("exact_tail", 0, 8, keep_tail=keep), length) for keep in (True, False))
    assert (kept.tokens, kept.bytes) == (targets, data.facts.val_bytes)
    assert (cut.tokens, cut.bytes) == scored_targets(data, length)


def test_a_target_that_is_scored_twice_counts_its_bytes_twice(data: DataSet) -> None:
    once, more = (coverage(data, EvalConfig(rule, 0, 8), 16) for rule in ("exact_tail", "repeated_tail"))
    assert more.tokens == once.tokens + 8
    assert more.bytes > once.bytes


def test_a_rule_that_scores_nothing_is_refused_with_what_to_do() -> None:
    require_coverage(32, EvalConfig("last_stride", 0, 8), 32)
    with pytest.raises(DataError, match=r"last_stride_short scores none of 32 validation targets in windows of 32"):
        require_coverage(32, EvalConfig("last_stride_short", 0, 8), 32)
    with pytest.raises(ScriptError, match="scores none"):
        eval_windows(EvalConfig("last_stride_short", 0, 8), 33, 32)
