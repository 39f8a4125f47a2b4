"""Which targets a scoring rule counts, and how often, by the referee's own arithmetic.

Written in closed form and apart from the model's windows, so that one checks the other. Counts tokens and bytes;
scores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from golf_model.config.eval import EvalConfig
from runner.data.prefixes import Validation, prefixes
from runner.errors import DataError

Span = tuple[int, int]
"""Targets [first, stop), each counted once; spans of one rule may overlap."""


@dataclass(frozen=True)
class Coverage:
    """What a published score rests on."""

    rule: str
    tokens: int
    """Scored targets; one that is scored twice counts twice."""
    bytes: int
    """UTF-8 bytes they stand for, counted the same way."""
    text_tokens: int
    """Targets of the whole text."""
    left_out: int
    """Those of them that are never scored."""
    by_sidecar: bool = False
    """Whether bytes are those that sidecars tell of the original of a rewritten text."""


def spans(rule: str, targets: int, length: int, stride: int) -> list[Span]:
    """The spans that a rule (EvalConfig.rule) counts of `targets` targets with windows of `length`."""
    if rule == "plain":
        return [(0, targets // length * length)]
    if rule in ("sliding", "streaming", "exact_tail", "short_tail"):
        return [(0, targets)]
    further = (targets - length) // stride
    """Whole windows after the first."""
    if rule == "repeated_tail":
        short = range((further + 1) * stride, targets, stride)
        return [(0, length + further * stride), *((max(targets - stride, start), targets) for start in short)]
    windows = further + 1 if rule == "last_stride" else (targets + 1 - length) // stride
    return [(length - stride, length - stride + windows * stride)]


def require_coverage(targets: int, config: EvalConfig, train_seq_len: int) -> None:
    """DataError where the job's rule scores none of `targets` targets."""
    length = config.window_length(train_seq_len)
    scored = spans(config.rule, targets, length, config.stride) if targets >= length else []
    if not any(stop > first for first, stop in scored):
        raise DataError(
            f"config.eval.rule {config.rule} scores none of {targets:,} validation targets in windows of {length}; "
            "use more validation text, a shorter batch.train_seq_len, or another rule"
        )


def distinct(parts: Iterable[Span]) -> int:
    """Targets that spans cover, each counted once."""
    covered, reached = 0, 0
    for first, stop in sorted(parts):
        covered += max(0, stop - max(first, reached))
        reached = max(reached, stop)
    return covered


def coverage(dataset: Validation, config: EvalConfig, train_seq_len: int) -> Coverage:
    """Targets and bytes of a data set's validation text under a job's rule."""
    text = prefixes(dataset, dataset.sidecars if config.byte_sidecar else ())
    targets, length = text.targets, config.window_length(train_seq_len)
    if config.rule not in ("sliding", "streaming") and not config.keep_tail:
        targets = targets // train_seq_len * train_seq_len
    parts = spans(config.rule, targets, length, config.stride)
    tokens = sum(stop - first for first, stop in parts)
    size = sum(text.between(first, stop) for first, stop in parts)
    left_out = text.targets - distinct(parts)
    return Coverage(config.rule, tokens, size, text.targets, left_out, config.byte_sidecar)
