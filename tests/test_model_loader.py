"""The official order of training tokens, and validation cut to whole sequences."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golf_model.errors import ScriptError
from golf_model.loader import TokenStream, TrainLoader, load_validation_tokens
from golf_model.shards import Shard, open_shard
from tests.test_model_shards import shard_bytes


def write_shards(folder: Path, lengths: list[int]) -> list[Shard]:
    start, shards = 0, []
    for index, length in enumerate(lengths):
        path = folder / f"s{index}.bin"
        path.write_bytes(shard_bytes(list(range(start, start + length))))
        shards.append(open_shard(path))
        start += length
    return shards


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.lists(st.integers(1, 25), max_size=6))
def test_stream_reads_all_shards_in_a_circle(tmp_path: Path, lengths: list[int], takes: list[int]) -> None:
    stream = TokenStream(write_shards(tmp_path, lengths), 1000)
    taken = [int(token) for count in takes for token in stream.take(count)]
    assert taken == [position % sum(lengths) for position in range(sum(takes))]


def test_processes_share_the_stream_without_overlap(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, [90])
    batches = [TrainLoader(shards, 1000, rank, 3).next_batch(24, 4, 2)[0].flatten().tolist() for rank in range(3)]
    assert batches == [[0, 1, 2, 3], [5, 6, 7, 8], [10, 11, 12, 13]]


def test_targets_are_the_next_tokens(tmp_path: Path) -> None:
    inputs, targets = TrainLoader(write_shards(tmp_path, [50]), 1000, 0, 1).next_batch(12, 4, 1)
    assert (targets == inputs + 1).all()
    assert inputs.shape == (3, 4)


def test_validation_is_all_shards_in_a_row(tmp_path: Path) -> None:
    assert load_validation_tokens(write_shards(tmp_path, [10, 8]), 8, 1000).tolist() == list(range(18))


def test_too_little_validation_data_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="fewer than one sequence of 8"):
        load_validation_tokens(write_shards(tmp_path, [8]), 8, 1000)
