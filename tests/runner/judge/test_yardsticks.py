"""The yardsticks: true probabilities, scored on the model's own targets, measured once."""

from __future__ import annotations

import itertools
import lzma
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.corpus import find_asv, prepare_corpus
from runner.data.dataset import DataSet, open_dataset, scored_targets
from runner.data.shards import write_shard
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.errors import DataError
from runner.judge.yardsticks import Bounds, NgramCounts, count_ngrams, mean_nats, measure, xz_bits

LINES = [
    f"On day {i} the miller sold {i * 13 % 97} sacks of flour to the {i % 5} bakers of the town." for i in range(150)
]
VOCAB = 300
NAMES = ["unigram", "bigram", "xz", "xz_primed"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("millers")
    model = folder / "tokenizer.model"
    model.write_bytes(train_tokenizer(LINES, VOCAB))
    rows = load_tokenizer(model).encode(LINES, add_bos=True)
    for split, part in (("train", rows[:120]), ("val", rows[120:])):
        write_shard(folder / f"fineweb_{split}_000000.bin", np.array([token for row in part for token in row]))
    return open_dataset(folder, model, VOCAB, "millers")


@given(stream=st.lists(st.integers(0, 11), min_size=2, max_size=80))
def test_probabilities_sum_to_one_after_every_token_seen_or_not(stream: list[int]) -> None:
    counts = count_ngrams(np.array(stream, dtype=np.uint16), 12)
    everything = np.arange(12)
    assert counts.unigram().sum() == pytest.approx(1, abs=1e-12)
    assert counts.unigram().min() > 0
    for previous in range(12):
        after = counts.bigram(everything, np.full(12, previous))
        assert after.sum() == pytest.approx(1, abs=1e-12)
        assert after.min() > 0


def by_hand(train: list[int], previous: int, target: int, vocab: int) -> float:
    """Witten-Bell interpolation from its definition, with plain lists."""
    kinds = len(set(train))
    unigram = (train.count(target) + kinds / vocab) / (len(train) + kinds)
    followers = [after for before, after in itertools.pairwise(train) if before == previous]
    if not followers:
        return unigram
    own = len(followers) / (len(followers) + len(set(followers)))
    return own * followers.count(target) / len(followers) + (1 - own) * unigram


@given(
    train=st.lists(st.integers(0, 6), min_size=2, max_size=40),
    scored=st.lists(st.integers(0, 6), min_size=2, max_size=9),
)
def test_the_bigram_is_witten_bells(train: list[int], scored: list[int]) -> None:
    counts: NgramCounts = count_ngrams(np.array(train, dtype=np.uint16), 7)
    nats = [-math.log(by_hand(train, a, b, 7)) for a, b in itertools.pairwise(scored)]
    alone = [-math.log(by_hand(train, 7, b, 7)) for b in scored[1:]]  # nothing follows a token that is none
    assert mean_nats(counts, np.array(scored, dtype=np.uint16)) == pytest.approx(
        (float(np.mean(alone)), float(np.mean(nats))), rel=1e-12
    )


def test_a_bigram_learns_what_a_unigram_cannot() -> None:
    stream = np.array([3, 5] * 2000, dtype=np.uint16)
    unigram, bigram = mean_nats(count_ngrams(stream, 8), stream)
    assert unigram == pytest.approx(math.log(2), rel=0.01)
    assert bigram < 0.01


def test_xz_is_the_file_that_xz_9_writes() -> None:
    text = b"the same again, " * 500
    compressed = lzma.compress(text, format=lzma.FORMAT_XZ, preset=9)
    assert lzma.decompress(compressed) == text
    assert xz_bits(text) == 8 * len(compressed)


def test_four_yardsticks_are_measured_on_the_models_targets(data: DataSet, tmp_path: Path) -> None:
    found = measure(data, 64, tmp_path)
    assert [item.name for item in found] == NAMES
    targets, scored_bytes = scored_targets(data, 64)
    for item in found[:2]:
        assert item.nats_per_token is not None
        assert item.bpb == pytest.approx(item.nats_per_token * targets / scored_bytes / math.log(2), rel=1e-12)
        assert f"{targets:,} targets scored" in item.detail
        assert f"counts of all {data.facts.train_tokens:,} training tokens" in item.detail
    assert found[1].bpb < found[0].bpb


def test_compressors_see_the_text_and_pay_per_byte_of_it(data: DataSet, tmp_path: Path) -> None:
    xz, primed = measure(data, 64, tmp_path)[2:]
    validation, train = "\n".join(LINES[120:]).encode(), "\n".join(LINES[:120]).encode() + b"\n"
    assert data.facts.val_bytes == len(validation) - 29
    assert xz.bpb == xz_bits(validation) / data.facts.val_bytes
    assert primed.bpb == (xz_bits(train + validation) - xz_bits(train)) / data.facts.val_bytes
    assert primed.bpb < xz.bpb
    assert "the whole validation text" in primed.detail
    assert "after the training text" in primed.detail


def test_yardsticks_are_measured_once_and_then_remembered(data: DataSet, tmp_path: Path) -> None:
    said: list[str] = []
    first = measure(data, 64, tmp_path, said.append)
    heard = len(said)
    assert measure(data, 64, tmp_path, said.append) == first
    assert len(said) == heard == 2
    (note,) = (tmp_path / "yardsticks").iterdir()
    note.write_text(note.read_text()[:-20])
    assert measure(data, 64, tmp_path) == first


def test_another_sequence_length_is_measured_anew(data: DataSet, tmp_path: Path) -> None:
    short, long = measure(data, 8, tmp_path), measure(data, 200, tmp_path)
    assert short[1].detail != long[1].detail
    assert len(list((tmp_path / "yardsticks").iterdir())) == 2


def test_a_bound_on_huge_data_is_told(data: DataSet, tmp_path: Path) -> None:
    bounds = Bounds(train_tokens=500, train_text_bytes=1000, val_text_bytes=300)
    found = measure(data, 64, tmp_path, bounds=bounds)
    assert "counts of the first 500 training tokens" in found[1].detail
    assert "the first 3" in found[2].detail
    assert "bytes of the validation text" in found[2].detail
    assert "bytes of the training text" in found[3].detail
    assert found[1].bpb > measure(data, 64, tmp_path)[1].bpb


@pytest.mark.slow
def test_the_embedded_corpus_has_the_known_yardsticks() -> None:
    try:
        find_asv()
    except DataError as error:
        pytest.skip(str(error))
    found = {item.name: item for item in measure(prepare_corpus(), 128)}
    assert found["unigram"].bpb == pytest.approx(2.714, abs=0.005)
    assert found["bigram"].nats_per_token == pytest.approx(3.707, abs=0.01)
    assert found["bigram"].bpb == pytest.approx(1.759, abs=0.005)
    assert found["xz"].bpb == pytest.approx(2.148, abs=0.005)
    assert found["xz_primed"].bpb == pytest.approx(1.601, abs=0.005)


@pytest.mark.parametrize(("spare", "text", "train"), [(0, "the first", "the first"), (1, "the whole", "the")])
def test_text_that_fills_its_bound_may_have_been_cut(
    data: DataSet, tmp_path: Path, spare: int, text: str, train: str
) -> None:
    validation, primer = len("\n".join(LINES[120:]).encode()), len("\n".join(LINES[:120]).encode()) + 1
    bounds = Bounds(train_tokens=50, train_text_bytes=primer + spare, val_text_bytes=validation + 1 + spare)
    xz, primed = measure(data, 64, tmp_path, bounds=bounds)[2:]
    assert xz.detail.startswith(f"xz -9 of {text} ")
    assert f", after {train} " in primed.detail
    assert ("after the training text" in primed.detail) is bool(spare)
