"""The official order of training tokens, and validation cut to whole sequences."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golf_model.process.errors import ScriptError
from golf_model.training.loader import (
    AHEAD,
    Prefetcher,
    TokenStream,
    TrainLoader,
    load_sidecars,
    load_validation_tokens,
)
from golf_model.training.shards import Shard, find_shards, find_sidecars, open_shard
from tests.golf_model.training.test_shards import shard_bytes


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
    batches = [
        TrainLoader(TokenStream(shards, 1000), rank, 3).next_batch(24, 4, 2)[0].flatten().tolist()
        for rank in range(3)
    ]
    assert batches == [[0, 1, 2, 3], [5, 6, 7, 8], [10, 11, 12, 13]]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5), st.integers(2, 9))
def test_shuffled_spans_visit_every_span_of_a_pass_once_in_an_order_of_its_own(
    tmp_path: Path, seed: int, span: int
) -> None:
    shards = write_shards(tmp_path, [50, 31, 20])
    stream = TokenStream(shards, 1000, "shuffled", seed)
    spans = 101 // span
    passes = [[stream.take(span).tolist() for _ in range(spans)] for _ in range(2)]
    for visited in passes:
        assert sorted(visited) == [list(range(at * span, (at + 1) * span)) for at in range(spans)]
    again = TokenStream(shards, 1000, "shuffled", seed)
    again.taken = span * spans
    assert [again.take(span).tolist() for _ in range(spans)] == passes[1]
    if spans > 20:
        assert passes[0] != passes[1]


def test_too_little_data_for_a_shuffled_span_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="10 training tokens are fewer than one span of 11"):
        TokenStream(write_shards(tmp_path, [10]), 1000, "shuffled").take(11)


def prefetcher(shards: list[Shard]) -> Prefetcher:
    return Prefetcher(TrainLoader(TokenStream(shards, 1000), 0, 1), 24, 4, 2, torch.device("cpu"))


def test_prefetched_batches_are_the_loaders_own_and_tell_where_they_end(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, [300])
    plain, ahead = TrainLoader(TokenStream(shards, 1000), 0, 1), prefetcher(shards)
    for _ in range(30):
        expected, found = plain.next_batch(24, 4, 2), ahead.next()
        assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
        assert ahead.taken == plain.stream.taken
    ahead.close()


def test_prefetching_goes_on_from_where_it_is_sent(tmp_path: Path) -> None:
    before = threading.active_count()
    ahead = prefetcher(write_shards(tmp_path, [300]))
    first = [ahead.next()[0] for _ in range(4)]
    ahead.go_to(26)
    assert torch.equal(ahead.next()[0], first[2])
    ahead.go_to(0)
    assert torch.equal(ahead.next()[0], first[0])
    ahead.close()
    assert threading.active_count() == before


def test_no_more_than_a_few_batches_are_read_ahead(tmp_path: Path) -> None:
    ahead = prefetcher(write_shards(tmp_path, [300]))
    ahead.next()
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        assert ahead.loader.taken <= 13 * (AHEAD + 2)
    assert ahead.loader.taken == 13 * (AHEAD + 2)
    ahead.close()


def test_what_reading_raises_reaches_whoever_waits(tmp_path: Path) -> None:
    ahead = Prefetcher(
        TrainLoader(TokenStream(write_shards(tmp_path, [300]), 40), 0, 1), 24, 4, 2, torch.device("cpu")
    )
    for _ in range(3):
        ahead.next()
    with pytest.raises(ScriptError, match="not below vocab_size=40"):
        ahead.next()
    ahead.close()


def test_targets_are_the_next_tokens(tmp_path: Path) -> None:
    inputs, targets = TrainLoader(TokenStream(write_shards(tmp_path, [50]), 1000), 0, 1).next_batch(12, 4, 1)
    assert (targets == inputs + 1).all()
    assert inputs.shape == (3, 4)


def test_validation_is_all_shards_in_a_row(tmp_path: Path) -> None:
    assert load_validation_tokens(write_shards(tmp_path, [10, 8]), 8, 1000).tolist() == list(range(18))


def test_too_little_validation_data_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="fewer than one sequence of 8"):
        load_validation_tokens(write_shards(tmp_path, [8]), 8, 1000)


def test_sidecars_tell_one_number_for_each_validation_token(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"eval\.byte_sidecar wants the bytes from there"):
        find_sidecars(tmp_path)
    (tmp_path / "fineweb_val_000000.bin").write_bytes(shard_bytes([5, 6, 7, 8]))
    for index, sizes in enumerate(([0, 3], [1, 2])):
        (tmp_path / f"fineweb_val_bytes_{index:06d}.bin").write_bytes(shard_bytes(sizes))
    assert [shard.tokens for shard in find_shards(tmp_path, "fineweb_val_*.bin")] == [4]
    sidecars = find_sidecars(tmp_path)
    assert load_sidecars(sidecars, 4).tolist() == [0, 3, 1, 2]
    with pytest.raises(ScriptError, match="not one number of bytes for each of the 5 validation tokens"):
        load_sidecars(sidecars, 5)
