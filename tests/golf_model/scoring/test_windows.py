"""Windows of every scoring rule, against loops that walk the text as each original's description says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.eval import EvalConfig
from golf_model.process.errors import ScriptError
from golf_model.scoring.evaluate import by_head
from golf_model.scoring.windows import eval_windows, targets_of, windows_of

Window = tuple[int, int, int]
"""Start, length, first scored target within the window."""


def side_by_side(targets: int, length: int, stride: int) -> list[Window]:
    """The official rule: whole sequences, the rest dropped."""
    found, at = [], 0
    while at + length <= targets:
        found.append((at, length, 0))
        at += length
    return found


def last_of_every_full_window(targets: int, length: int, stride: int) -> list[Window]:
    """PR #102: starts 0, stride, ... while the window fits; only its last targets, in the first one, too."""
    found, at = [], 0
    while at + length <= targets:
        found.append((at, length, length - stride))
        at += stride
    return found


def one_window_fewer(targets: int, length: int, stride: int) -> list[Window]:
    """PR #372: (numel - seq) // stride windows, where numel counts tokens, one more than targets."""
    return [(w * stride, length, length - stride) for w in range((targets + 1 - length) // stride)]


def first_whole_and_exact_tail(targets: int, length: int, stride: int) -> list[Window]:
    """PR #160: all of the first window, the last targets of the others, and a window at the end for what is left."""
    found, at, done = [], 0, 0
    while at + length <= targets:
        found.append((at, length, 0 if at == 0 else length - stride))
        done = at + length
        at += stride
    tail = targets - length
    if done < targets:
        found.append((tail, length, done - tail))
    return found


def windows_that_shrink_at_the_end(targets: int, length: int, stride: int) -> list[Window]:
    """PR #465: a window at every stride, short ones at the end; all of the first one, the last targets of others."""
    found = []
    for at in range(0, targets, stride):
        size = min(length, targets - at)
        found.append((at, size, 0 if at == 0 else max(size - stride, 0)))
    return found


RULES: dict[str, Callable[[int, int, int], list[Window]]] = {
    "plain": side_by_side,
    "sliding": first_whole_and_exact_tail,
    "exact_tail": first_whole_and_exact_tail,
    "last_stride": last_of_every_full_window,
    "last_stride_short": one_window_fewer,
    "repeated_tail": windows_that_shrink_at_the_end,
}
every_rule = pytest.mark.parametrize("rule", RULES)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int, int]:
    """(targets, length, stride) with stride <= length <= targets, as the configuration demands."""
    length = draw(st.integers(1, 30))
    return draw(st.integers(length, 150)), length, draw(st.integers(1, length))


def table(rule: str, cut: tuple[int, int, int]) -> list[Window]:
    return [(int(start), int(size), int(first)) for start, size, first in windows_of(rule, *cut)]


def times_scored(windows: list[Window]) -> Counter[int]:
    return Counter(start + at for start, size, first in windows for at in range(first, size))


@every_rule
@given(cuts())
def test_windows_are_those_of_the_description(rule: str, cut: tuple[int, int, int]) -> None:
    assert table(rule, cut) == RULES[rule](*cut)


@pytest.mark.parametrize(
    ("rule", "scored"),
    [("plain", 96), ("last_stride", 72), ("last_stride_short", 64), ("exact_tail", 96), ("repeated_tail", 120)],
)
def test_96_targets_in_windows_of_32_every_8_are_scored_as_often_as_in_the_originals(rule: str, scored: int) -> None:
    assert times_scored(table(rule, (96, 32, 8))).total() == scored


@pytest.mark.parametrize("rule", ["sliding", "exact_tail"])
@given(cuts())
def test_an_exact_tail_scores_every_target_exactly_once(rule: str, cut: tuple[int, int, int]) -> None:
    assert times_scored(table(rule, cut)) == Counter(range(cut[0]))


@given(cuts())
def test_a_sliding_target_has_the_context_that_window_and_stride_promise(cut: tuple[int, int, int]) -> None:
    _, length, stride = cut
    for start, size, first in table("sliding", cut):
        assert size == length
        assert start == 0 or first >= length - stride


@pytest.mark.parametrize("rule", ["last_stride", "last_stride_short"])
@given(cuts())
def test_scoring_the_last_targets_alone_leaves_out_head_and_tail_and_repeats_none(
    rule: str, cut: tuple[int, int, int]
) -> None:
    targets, length, stride = cut
    scored = times_scored(table(rule, cut))
    assert set(scored.values()) <= {1}
    assert sorted(scored) == list(range(length - stride, length - stride + len(scored)))
    assert targets - (length - stride) - len(scored) < (stride if rule == "last_stride" else 2 * stride)


@given(cuts())
def test_a_repeated_tail_scores_everything_and_the_last_targets_again_and_again(cut: tuple[int, int, int]) -> None:
    targets, length, stride = cut
    scored = times_scored(table("repeated_tail", cut))
    assert sorted(scored) == list(range(targets))
    short = sum(at + length > targets for at in range(0, targets, stride))
    assert scored[targets - 1] == short + ((targets - length) % stride == 0)
    assert all(times == 1 for at, times in scored.items() if at < targets - stride)


@every_rule
@given(cuts())
def test_the_head_sees_every_position_that_counts(rule: str, cut: tuple[int, int, int]) -> None:
    windows = windows_of(rule, *cut)
    if not len(windows):
        return
    groups = by_head(windows)
    assert sorted(tuple(row) for group, _ in groups for row in group.tolist()) == sorted(table(rule, cut))
    for group, last in groups:
        for _, size, first in group.tolist():
            assert last == 0 or (size == cut[1] and first >= size - last)


@pytest.mark.parametrize(
    ("rule", "keep_tail", "targets"),
    [
        ("plain", False, 96),
        ("plain", True, 96),
        ("exact_tail", False, 96),
        ("exact_tail", True, 101),
        ("repeated_tail", False, 96),
        ("sliding", False, 101),
        ("streaming", False, 101),
    ],
)
def test_the_rest_after_the_last_whole_sequence_counts_where_the_rule_says_so(
    rule: Any, keep_tail: bool, targets: int
) -> None:
    assert targets_of(EvalConfig(rule, keep_tail=keep_tail), 101, 32) == targets


def test_a_window_may_be_longer_or_shorter_than_a_training_sequence_but_for_the_plain_rule() -> None:
    assert eval_windows(EvalConfig("sliding", window=48, stride=8), 102, 32)[:, 1].tolist() == [48] * 8
    assert eval_windows(EvalConfig("plain", window=48), 102, 32).tolist() == [[0, 32, 0], [32, 32, 0], [64, 32, 0]]


@pytest.mark.parametrize(("rule", "window"), [("plain", 0), ("sliding", 40), ("repeated_tail", 0)])
def test_a_text_shorter_than_one_window_is_refused(rule: Any, window: int) -> None:
    length = window or 32
    with pytest.raises(ScriptError, match=rf"eval\.rule {rule} scores none of \d+ validation targets"):
        eval_windows(EvalConfig(rule, window=window, stride=8), length, 32)
