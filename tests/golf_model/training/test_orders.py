"""Drawn sequences and packed documents: what is read, that places are found again, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from golf_model.process.errors import ScriptError
from golf_model.training.loader import BatchSource
from golf_model.training.orders import DocumentLoader, SequenceLoader
from golf_model.training.shards import Shard, open_shard
from tests.fixtures.parity import write_golden_shard


def shards(folder: Path, *streams: list[int]) -> list[Shard]:
    paths = [folder / f"fineweb_train_{index:06}.bin" for index in range(len(streams))]
    for path, stream in zip(paths, streams, strict=True):
        write_golden_shard(path, stream)
    return [open_shard(path) for path in paths]


def document(length: int, first: int) -> list[int]:
    return [1, *range(first, first + length - 1)]


def sources(folder: Path, rank: int = 0, world: int = 1) -> list[BatchSource]:
    there = shards(folder, document(60, 100), document(45, 200), document(50, 300), document(33, 400))
    return [SequenceLoader(there, 500, rank, world, 8), DocumentLoader(there, 500, rank, world, 16, 1)]


@pytest.mark.parametrize("kind", [0, 1], ids=["sequences", "documents"])
def test_a_loader_goes_to_where_another_one_stands(kind: int, tmp_path: Path) -> None:
    usual, other = sources(tmp_path)[kind], sources(tmp_path)[kind]
    for _ in range(13):
        usual.next_batch(32, 8, 2)
    other.go_to(usual.taken)
    assert other.taken == usual.taken
    for _ in range(5):
        assert all(
            torch.equal(*pair) for pair in zip(usual.next_batch(32, 8, 2), other.next_batch(32, 8, 2), strict=True)
        )


def test_each_pass_over_the_sequences_shows_each_once(tmp_path: Path) -> None:
    loader = SequenceLoader(shards(tmp_path, list(range(33)), list(range(100, 117))), 500, 0, 1, 8)
    count = int(loader.left.sum())
    seen = [loader.next_batch(8, 8, 1)[0][0, 0].item() for _ in range(count)]
    assert len(set(seen)) == count
    assert loader.taken == 8 * count
    loader.next_batch(8, 8, 1)  # all are drawn anew


def test_targets_are_the_tokens_that_follow(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        ids, targets = source.next_batch(32, 8, 2)
        assert torch.equal(ids.flatten()[1:8], targets.flatten()[:7])
        assert ids.numel() == 16


def test_processes_read_shards_of_their_own_or_slices_of_one_row(tmp_path: Path) -> None:
    drawn = [sources(tmp_path, rank, 2)[0].next_batch(32, 8, 1)[0] for rank in (0, 1)]
    assert {int(row.max()) // 100 for row in drawn[0]} <= {1, 3}
    assert {int(row.max()) // 100 for row in drawn[1]} <= {2, 4}
    first, second = (sources(tmp_path, rank, 2)[1].next_batch(64, 8, 2) for rank in (0, 1))
    assert (first[0][0, 0].item(), first[1][0, -1].item()) == (1, 115)
    assert second[0][0, 0].item() == 116


def test_the_rest_of_a_shard_that_is_too_short_is_left_out(tmp_path: Path) -> None:
    loader = DocumentLoader(shards(tmp_path, [7, 9, *document(40, 100)], document(20, 300)), 500, 0, 1, 16, 1)
    firsts = [loader.next_batch(16, 8, 1)[0][0, 0].item() for _ in range(4)]
    assert firsts == [1, 116, 1, 1]


def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path: Path) -> None:
    few = shards(tmp_path, [5] * 30)
    with pytest.raises(ScriptError, match="no token 1, with which a document begins"):
        DocumentLoader(few, 500, 0, 1, 16, 1)
    with pytest.raises(ScriptError, match="no training shard holds 65 tokens"):
        DocumentLoader(shards(tmp_path, document(30, 9)), 500, 0, 1, 64, 1)
    with pytest.raises(ScriptError, match="0 of 1 training shards are of process 1"):
        SequenceLoader(few, 500, 1, 2, 8)
