"""Several processes without starting any: each one's share of a sum, to be added up by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch

from golf_model.distributed import World
from golf_model.evaluate import Score

ALONE = World(0, 1, torch.device("cpu"))


class OneOf(World):
    """One of several processes whose sums are left as they are."""

    def sums(self, values: list[float]) -> list[float]:
        return values


def require_same_score(whole: Score, others: Iterable[Score]) -> None:
    """The same targets, and bits per byte within what RULES allow on CPU."""
    for found in others:
        assert (found.tokens, found.bytes) == (whole.tokens, whole.bytes)
        assert found.val_bpb == pytest.approx(whole.val_bpb, abs=1e-9)


def require_shares_of(whole: Score, score_of: Callable[[World], Score]) -> None:
    """Two and three processes' shares add up to the score of one."""
    for size in (2, 3):
        parts = [score_of(OneOf(rank, size, torch.device("cpu"))) for rank in range(size)]
        assert sum(part.tokens for part in parts) == whole.tokens
        assert sum(part.bytes for part in parts) == whole.bytes
        mean = sum(part.val_loss * part.tokens for part in parts) / whole.tokens
        assert mean == pytest.approx(whole.val_loss, abs=1e-9)
