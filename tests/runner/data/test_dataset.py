"""Opening a data set checks everything; describing and counting it agree with counting by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from runner.data.dataset import (
    DataSet,
    data_info,
    decoded_bytes,
    open_dataset,
    read_stream,
    scored_targets,
    scored_tokens,
)
from runner.data.shards import write_shard
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.errors import DataError
from runner.files import sha256_file

LINES = [f"Line {i} tells of a river, a mill and {i * 7} geese." for i in range(120)]
VOCAB = 300


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    path.write_bytes(train_tokenizer(LINES, VOCAB))
    return path


@pytest.fixture(scope="module")
def rows(model: Path) -> list[list[int]]:
    encoded: list[list[int]] = load_tokenizer(model).encode(LINES, add_bos=True)
    return encoded


@pytest.fixture
def folder(tmp_path: Path, rows: list[list[int]]) -> Path:
    """Two training shards cut in the middle of a document, two validation shards likewise."""
    train = np.array([token for row in rows[:100] for token in row])
    val = np.array([token for row in rows[100:] for token in row])
    for split, tokens in (("train", train), ("val", val)):
        cut = len(tokens) // 2
        write_shard(tmp_path / f"fineweb_{split}_000000.bin", tokens[:cut])
        write_shard(tmp_path / f"fineweb_{split}_000001.bin", tokens[cut:])
    return tmp_path


@pytest.fixture
def data(folder: Path, model: Path) -> DataSet:
    return open_dataset(folder, model, VOCAB, "geese")


def utf8(lines: list[str]) -> int:
    return sum(len(line.encode()) for line in lines)


def test_facts_are_counted_over_all_shards(data: DataSet, rows: list[list[int]], model: Path) -> None:
    assert data.name == data.facts.name == "geese"
    assert data.facts.train_tokens == sum(map(len, rows[:100]))
    assert data.facts.val_tokens == sum(map(len, rows[100:]))
    assert data.facts.val_bytes == utf8(LINES[100:])
    assert data.facts.files == {path.name: sha256_file(path) for path in (*data.train_files, *data.val_files, model)}
    assert len(data.facts.files) == 5


def test_a_tokenizer_of_ones_own_is_named_and_not_the_challenges(data: DataSet, model: Path) -> None:
    assert (data.facts.tokenizer, data.facts.official_tokenizer) == (model.name, None)
    assert data.facts.tokenizer in data.facts.files


def test_a_data_set_without_a_name_takes_its_folders(folder: Path, model: Path) -> None:
    assert open_dataset(folder, model, VOCAB).name == folder.name


def test_opening_says_which_file_it_checks(folder: Path, model: Path) -> None:
    said: list[str] = []
    open_dataset(folder, model, VOCAB, progress=said.append)
    assert [line.split("_")[1] for line in said] == ["train", "train", "val", "val"]


def test_a_tokenizer_of_another_size_is_refused(folder: Path, model: Path) -> None:
    with pytest.raises(DataError, match=r"tokenizer\.model has 300 ids, the model's vocab_size is 1024"):
        open_dataset(folder, model, 1024)


def test_shards_of_another_tokenizer_are_refused(folder: Path, model: Path) -> None:
    write_shard(folder / "fineweb_val_000001.bin", np.array([1, 300, 4]))
    with pytest.raises(DataError, match=r"fineweb_val_000001\.bin: token id 300 does not exist"):
        open_dataset(folder, model, VOCAB)


def test_a_truncated_shard_is_found_on_opening(folder: Path, model: Path) -> None:
    shard = folder / "fineweb_train_000001.bin"
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"fineweb_train_000001\.bin: 10 bytes are missing"):
        open_dataset(folder, model, VOCAB)


@pytest.mark.parametrize("tokens", [[1], [1, 2, 1, 0]])
def test_shards_without_anything_to_predict_are_refused(folder: Path, model: Path, tokens: list[int]) -> None:
    for path in folder.glob("fineweb_val_*.bin"):
        path.unlink()
    write_shard(folder / "fineweb_val_000000.bin", np.array(tokens))
    with pytest.raises(DataError, match="leave nothing to learn or to predict"):
        open_dataset(folder, model, VOCAB)


def test_info_counts_shards_tokens_documents_and_bytes_twice(data: DataSet) -> None:
    info = data_info(data, recount=True)
    for split, lines in ((info.train, LINES[:100]), (info.val, LINES[100:])):
        assert split.shards == 2
        assert split.documents == len(lines)
        assert split.bytes == split.recounted_bytes == utf8(lines)
        assert split.tokens_per_byte == split.tokens / split.bytes
    assert data_info(data).val.recounted_bytes is None


def test_a_score_in_bpb_times_the_constant_is_nats_per_token(data: DataSet) -> None:
    info = data_info(data).val
    nats_per_token = 2.5
    bpb = nats_per_token / math.log(2) * info.tokens / info.bytes
    assert bpb * info.nats_per_bpb == pytest.approx(nats_per_token, rel=1e-12)


@pytest.mark.parametrize("seq_len", [1, 7, 64])
def test_scored_targets_are_those_of_whole_sequences(data: DataSet, seq_len: int) -> None:
    stream = read_stream(data.val_files)
    count = (len(stream) - 1) // seq_len * seq_len
    assert scored_tokens(data, seq_len).tolist() == stream[: count + 1].tolist()
    tokenizer = load_tokenizer(data.tokenizer)
    by_hand = 0
    for previous, target in zip(stream[:count].tolist(), stream[1 : count + 1].tolist(), strict=True):
        if tokenizer.is_byte(target):
            by_hand += 1
        elif not tokenizer.is_control(target):
            piece = tokenizer.id_to_piece(target)
            by_hand += len(piece.lstrip("\u2581").encode())
            by_hand += piece.startswith("\u2581") and not tokenizer.is_control(previous)
    assert scored_targets(data, seq_len) == (count, by_hand)


def test_a_sequence_longer_than_the_validation_text_is_refused(data: DataSet) -> None:
    with pytest.raises(DataError, match="too few for one sequence of 4096; use a shorter"):
        scored_targets(data, 4096)


def test_a_stream_can_be_cut_short(data: DataSet) -> None:
    whole = read_stream(data.train_files)
    first = len(read_stream(data.train_files[:1]))
    for most in (1, first, first + 1, len(whole), len(whole) + 5):
        assert read_stream(data.train_files, most).tolist() == whole[:most].tolist()


def test_documents_and_decoded_bytes_are_among_the_facts(data: DataSet) -> None:
    assert data.facts.val_documents == 20
    assert data.facts.recounted_bytes == data.facts.val_bytes == utf8(LINES[100:])
    assert (data.facts.sidecar_bytes, data.sidecars, data.facts.overlap) == (None, (), None)


def test_a_long_text_is_decoded_when_asked_and_then_remembered(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.data.dataset.RECOUNT_TOKENS", 100)
    cache = tmp_path / "cache"
    data = open_dataset(folder, model, VOCAB, cache=cache)
    assert data.facts.recounted_bytes is None
    assert decoded_bytes(data, "val", cache) == utf8(LINES[100:])
    assert open_dataset(folder, model, VOCAB, cache=cache).facts.recounted_bytes == utf8(LINES[100:])
    (note,) = (cache / "recounted").iterdir()
    note.write_text("[]")
    assert open_dataset(folder, model, VOCAB, cache=cache).facts.recounted_bytes is None
    shard = folder / "fineweb_val_000001.bin"
    write_shard(shard, np.array(read_stream((shard,)))[:-9])
    assert open_dataset(folder, model, VOCAB, cache=cache).facts.recounted_bytes is None


def test_sidecars_are_counted_hashed_and_never_scored(folder: Path, model: Path, data: DataSet) -> None:
    sidecar = folder / "fineweb_val_bytes_000000.bin"
    write_shard(sidecar, np.full(data.facts.val_tokens, 65_535))
    beside = open_dataset(folder, model, VOCAB, "geese")
    assert beside.val_files == data.val_files
    assert beside.sidecars == (sidecar,)
    assert beside.facts.sidecar_bytes == 65_535 * data.facts.val_tokens
    assert beside.facts.files == data.facts.files | {sidecar.name: sha256_file(sidecar)}
    for content in (b"no shard", sidecar.read_bytes()[:-2]):
        sidecar.write_bytes(content)
        assert open_dataset(folder, model, VOCAB).facts.sidecar_bytes is None
    write_shard(sidecar, np.array([1, 2, 3]))  # of other shards
    assert open_dataset(folder, model, VOCAB).facts.sidecar_bytes is None
