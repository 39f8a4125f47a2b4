"""Which tokens a model sees to score which targets: the official rule, ours, and the originals' four sliding ones.

Pure arithmetic on positions. Target t is the token at t + 1, predicted from the tokens up to t. A window is three
numbers: its first position, its length, and the first of its targets that counts (within the window). Windows
shorter than the others are padded by the evaluation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golf_model.config.eval import EvalConfig
from golf_model.process.errors import ScriptError

Windows = NDArray[np.int64]
"""(windows, 3): start, length, first scored target."""


TO_THE_END = ("sliding", "streaming")
"""Rules that always speak of every target."""


def targets_of(config: EvalConfig, count: int, length: int) -> int:
    """How many of `count` targets a rule speaks of: whole training sequences of `length`, or all."""
    to_the_end = config.rule in TO_THE_END or (config.keep_tail and config.rule != "plain")
    return count if to_the_end else count // length * length


def windows_of(rule: str, targets: int, length: int, stride: int) -> Windows:
    """All windows of a rule over `targets` targets, of which there are at least `length`, in order.

    rule: as EvalConfig.rule, sources there. The sets of scored targets differ between the rules.
    """
    if rule == "plain":
        return _table(np.arange(0, targets - length + 1, length), length, 0)
    if rule == "last_stride":
        return _table(np.arange(0, targets - length + 1, stride), length, length - stride)
    if rule == "last_stride_short":
        return _table(np.arange((targets + 1 - length) // stride) * stride, length, length - stride)
    if rule == "repeated_tail":
        starts = np.arange(0, targets, stride)
        lengths = np.minimum(length, targets - starts)
        return _table(starts, lengths, np.where(starts == 0, 0, np.maximum(lengths - stride, 0)))
    if rule == "short_tail":
        starts = np.arange(0, max(targets - (length - stride), 1), stride)
        return _table(starts, np.minimum(length, targets - starts), np.where(starts == 0, 0, length - stride))
    starts = np.arange(0, targets - length + 1, stride)
    whole = _table(starts, length, np.where(starts == 0, 0, length - stride))
    last = targets - length
    if last == starts[-1]:
        return whole
    return np.concatenate((whole, _table(np.array([last]), length, int(starts[-1]) + length - last)))


def _table(starts: NDArray[np.int64], lengths: int | NDArray[np.int64], first: int | NDArray[np.int64]) -> Windows:
    """Columns of one height."""
    return np.stack(np.broadcast_arrays(starts, lengths, first), axis=1).astype(np.int64)


def eval_windows(config: EvalConfig, tokens: int, train_seq_len: int) -> Windows:
    """The windows of a stream of `tokens` tokens; ScriptError where a rule would score nothing."""
    targets = targets_of(config, tokens - 1, train_seq_len)
    length = config.window_length(train_seq_len)
    windows = windows_of(config.rule, targets, length, config.stride) if targets >= length else ()
    if not len(windows):
        scored = f"scores none of {targets} validation targets in windows of {length}"
        raise ScriptError(f"eval.rule {config.rule} {scored}; use more text")
    return np.asarray(windows)
