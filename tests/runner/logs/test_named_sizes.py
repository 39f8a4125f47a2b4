"""Lengths, strides and counts in lines, sources and settings."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs.named_sizes import LENGTH, MOST, STRIDE, add_new, counted_on, loaded_tokens


@pytest.mark.parametrize(
    ("text", "lengths", "strides"),
    [
        ("train_batch_tokens:524288 train_seq_len:1024 iterations:20000", [1024], []),
        ("final_sliding_window val_loss:1.97 val_bpb:1.17 stride:64 eval_seq_len:2048 eval_time:1ms", [2048], [64]),
        ('train_seq_len = int(os.environ.get("TRAIN_SEQ_LEN", 1024))', [1024], []),
        ("eval_stride: int = 64", [], [64]),
        ("EVAL_STRIDE=256\nBLOCK_SIZE=512", [512], [256]),
        ("sequence_length=32", [], []),
        ("seqlen 1024, window: 0.5, stride 7b", [], []),
        ("context_length, stride = 32, 8", [], [32]),
        ("window_size=2048.", [], []),
        ("eval_window: 0", [], []),
    ],
)
def test_sizes_are_found_by_their_names(text: str, lengths: list[int], strides: list[int]) -> None:
    found: tuple[list[int], list[int]] = ([], [])
    add_new(found[0], text, LENGTH)
    add_new(found[1], text, STRIDE)
    assert found == (lengths, strides)


def test_no_text_makes_the_list_long_and_none_takes_long() -> None:
    known: list[int] = []
    add_new(known, " ".join(f"seq_len={number}" for number in range(1, 1000)), LENGTH)
    assert known == list(range(1, MOST + 1))
    begun = time.monotonic()
    for text in ("window" * 700, "seq_len" + " " * 4000, "a" * 4096, "stride:" * 600):
        add_new([], text, LENGTH)
        add_new([], text, STRIDE)
        loaded_tokens("val_loader:" + text)
        counted_on(text)
    assert time.monotonic() - begun < 1.0


def test_the_official_line_of_the_validation_loader_is_read() -> None:
    assert loaded_tokens("val_loader:shards pattern=./data/fineweb_val_*.bin tokens:62021632") == 62_021_632
    assert loaded_tokens("val_tokens: 4096") == 4096
    assert loaded_tokens("train_loader:dataset tokens:7") is None


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("final val_loss:2.0 val_bpb:1.0 tokens:100 bytes:240", (100, 240)),
        ("final bytes=240 tokens=100", (100, 240)),
        ("final val_loss:2.0 tokens:100", (None, None)),
        ("final val_loss:2.0 bytes:15810161", (None, None)),
        ("final total_tokens:100 code_bytes:240", (None, None)),
        ("final tokens:1.5 bytes:240", (None, None)),
    ],
)
def test_counts_on_a_line_are_believed_only_together(line: str, counts: tuple[int | None, int | None]) -> None:
    assert counted_on(line) == counts


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    known: list[int] = []
    add_new(known, text, LENGTH)
    loaded_tokens(text)
    counted_on(text)
    assert len(known) <= MOST
