"""Validation text in training shards is found, whole or nearly so, and other text is not taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.data.dataset import DataSet, open_dataset
from runner.data.overlap import LEAST_TOKENS, find_overlap, with_overlap
from runner.data.shards import Tokens, read_shard, write_shard
from runner.data.tokenizer import train_tokenizer
from runner.results.datasets import Overlap
from tests.fixtures.tiny_data import sentences

BEGINS, VOCAB = 1, 300


def document(length: int, seed: int) -> Tokens:
    """A document of random tokens after the id that begins it."""
    chosen = np.random.default_rng(seed).integers(4, VOCAB, length)
    return np.concatenate([[BEGINS], chosen]).astype(np.uint16)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tokenizer.model"
    path.write_bytes(train_tokenizer(sentences(400, 1), VOCAB))
    return path


VAL = [document(length, seed) for seed, length in enumerate((1000, 500, 700, 900, 30, 20))]
TRAIN = [document(length, 100 + seed) for seed, length in enumerate((2000, 1500, 40, 3000))]


def opened(folder: Path, model: Path, *train: list[Tokens], val: list[Tokens] | None = None) -> DataSet:
    """A data set of these documents, a list for each training shard."""
    for index, documents in enumerate(train):
        write_shard(folder / f"fineweb_train_{index:06d}.bin", np.concatenate(documents))
    write_shard(folder / "fineweb_val_000000.bin", np.concatenate(VAL if val is None else val))
    return open_dataset(folder, model, VOCAB)


def found(folder: Path, model: Path, *train: list[Tokens]) -> Overlap:
    return find_overlap(opened(folder, model, *train))


def test_other_text_shares_nothing(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, TRAIN)
    assert (overlap.documents, overlap.shared, overlap.shared_short, overlap.shared_tokens) == (6, 0, 0, 0)
    assert (overlap.shared_passages, overlap.where) == (0, [])
    assert overlap.passages > 40


def test_a_training_shard_that_is_the_validation_shard_shares_all_of_it(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, VAL)
    assert (overlap.shared, overlap.shared_short, overlap.shared_tokens) == (4, 2, 3150)
    assert overlap.shared_passages == overlap.passages


def test_one_document_among_many_is_found_and_its_shard_named(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, TRAIN[:2], [TRAIN[2], VAL[2], TRAIN[3]])
    assert (overlap.shared, overlap.shared_short, overlap.shared_tokens) == (1, 0, 700)
    assert overlap.where == ["fineweb_train_000001.bin"]


def test_short_documents_are_counted_apart(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, [*TRAIN, VAL[4]])
    assert (overlap.shared, overlap.shared_short, overlap.shared_tokens) == (0, 1, 30)
    assert overlap.least_tokens == LEAST_TOKENS == 64


@pytest.mark.parametrize(
    "bent",
    [
        VAL[0][:901],  # its end cut off
        VAL[0][100:],  # its beginning, and the id that begins it
        np.concatenate([TRAIN[0], VAL[0][1:], TRAIN[1][1:]]),  # inside another document
        np.concatenate([VAL[0][:500], TRAIN[2][1:], VAL[0][500:]]),  # with something put in
    ],
)
def test_a_document_that_is_nearly_whole_is_found(tmp_path: Path, model: Path, bent: Tokens) -> None:
    overlap = found(tmp_path, model, [*TRAIN, bent])
    assert (overlap.shared, overlap.shared_tokens) == (1, 1000)


def test_half_a_document_is_not_nearly_whole(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, [*TRAIN, VAL[0][:501]])
    assert overlap.shared == 0
    assert overlap.shared_passages > 5


def test_a_document_that_lies_in_two_shards_is_found(tmp_path: Path, model: Path) -> None:
    overlap = found(tmp_path, model, [TRAIN[0], VAL[0][:600]], [VAL[0][570:], TRAIN[1]])
    assert overlap.shared == 1


def test_a_document_that_the_text_has_twice_counts_twice(tmp_path: Path, model: Path) -> None:
    overlap = find_overlap(opened(tmp_path, model, [*TRAIN, VAL[1]], val=[VAL[1], VAL[0], VAL[1]]))
    assert (overlap.documents, overlap.shared, overlap.shared_tokens) == (3, 2, 1000)


def test_the_outcome_is_remembered_under_the_shards_hashes(tmp_path: Path, model: Path) -> None:
    cache = tmp_path / "cache"
    said: list[str] = []
    data = opened(tmp_path / "data", model, [*TRAIN, VAL[2]])
    first = with_overlap(data, cache, said.append).facts
    assert first.overlap is not None
    assert first.overlap.shared == 1
    assert said == ["looking for the validation text in 1 training shard"]
    assert with_overlap(data, cache, said.append).facts == first
    assert len(said) == 1
    other = opened(tmp_path / "other", model, TRAIN)
    found_now = with_overlap(other, cache, said.append).facts.overlap
    assert found_now is not None
    assert (found_now.shared, len(said)) == (0, 2)
    for note in (cache / "overlap").iterdir():
        note.write_text("{}")
    assert with_overlap(data, cache, said.append).facts == first
    assert len(said) == 3


def test_training_and_validation_pieces_of_web_text_share_no_document(shared: Path) -> None:
    folder = shared / "data/fineweb_sample_sp1024"
    data = open_dataset(folder, shared / "data/tokenizers/fineweb_1024_bpe.model", 1024)
    overlap = find_overlap(data)
    assert (overlap.documents, overlap.shared, overlap.shared_short) == (119, 0, 0)
    assert sum(len(read_shard(path)) for path in data.val_files) == 130_225
