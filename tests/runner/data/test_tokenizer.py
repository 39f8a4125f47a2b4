"""Tokenizers: trained the same way each time, loaded with care, and counted byte by byte."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from runner.data.text import recount_bytes
from runner.data.tokenizer import (
    LARGEST_MODEL_BYTES,
    OFFICIAL_TOKENIZERS,
    TRAINER_SETTINGS,
    ByteTable,
    byte_table,
    load_tokenizer,
    require_vocab,
    train_tokenizer,
)
from runner.errors import DataError
from runner.files import sha256_file

LINES = [f"The small river runs under bridge number {i}, past the old mill and the quiet town." for i in range(200)]
VOCAB = 310
TRAIN_ELSEWHERE = f"""
import hashlib
from runner.data.tokenizer import train_tokenizer
lines = [f"The small river runs under bridge number {{i}}, past the old mill and the quiet town." for i in range(200)]
print(hashlib.sha256(train_tokenizer(lines, {VOCAB})).hexdigest())
"""


@pytest.fixture(scope="module")
def model() -> bytes:
    return train_tokenizer(LINES, VOCAB)


@pytest.fixture(scope="module")
def tokenizer(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> SentencePieceProcessor:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    path.write_bytes(model)
    return load_tokenizer(path)


@pytest.fixture(scope="module")
def table(tokenizer: SentencePieceProcessor) -> ByteTable:
    return byte_table(tokenizer)


def test_the_challenges_own_models_are_known_by_their_hashes(shared: Path) -> None:
    models = sorted((shared / "data" / "tokenizers").glob("fineweb_*_bpe.model"))
    found = [OFFICIAL_TOKENIZERS[sha256_file(path)] for path in models]
    assert found == [f"sp{path.name.split('_')[1]}" for path in models]
    assert len(found) == len(OFFICIAL_TOKENIZERS)


def test_training_twice_gives_the_same_bytes(model: bytes) -> None:
    assert train_tokenizer(iter(LINES), VOCAB) == model


def test_training_in_another_folder_and_on_one_core_gives_the_same_bytes(model: bytes, tmp_path: Path) -> None:
    core = sorted(os.sched_getaffinity(0))[:1] if hasattr(os, "sched_getaffinity") else []
    pin = f"import os; os.sched_setaffinity(0, {core})\n" if core else ""
    done = subprocess.run([sys.executable, "-c", pin + TRAIN_ELSEWHERE], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == hashlib.sha256(model).hexdigest(), done.stderr
    assert str(tmp_path).encode() not in model
    assert str(Path.cwd()).encode() not in model


def test_special_ids_are_those_of_the_challenge(tokenizer: SentencePieceProcessor) -> None:
    assert tokenizer.vocab_size() == VOCAB
    assert [tokenizer.pad_id(), tokenizer.bos_id(), tokenizer.eos_id(), tokenizer.unk_id()] == [0, 1, 2, 3]
    assert sum(tokenizer.is_byte(token) for token in range(VOCAB)) == 256


def test_the_trainer_settings_are_those_stored_in_the_challenges_tokenizer(shared: Path) -> None:
    proto = pytest.importorskip("sentencepiece.sentencepiece_model_pb2", reason="reading a model needs protobuf")
    stored = proto.ModelProto()
    stored.ParseFromString((shared / "data/tokenizers/fineweb_1024_bpe.model").read_bytes())
    settings = {field.name: value for field, value in stored.trainer_spec.ListFields()}
    settings["model_type"] = proto.TrainerSpec.ModelType.Name(settings["model_type"]).lower()
    settings["character_coverage"] = round(settings["character_coverage"], 6)
    assert settings.pop("vocab_size") == 1024
    del settings["model_prefix"]
    normalizer = stored.normalizer_spec
    settings["normalization_rule_name"] = normalizer.name
    settings["add_dummy_prefix"] = normalizer.add_dummy_prefix
    assert settings | {"num_threads": 16} == TRAINER_SETTINGS
    assert (normalizer.remove_extra_whitespaces, normalizer.escape_whitespaces) == (True, True)


def test_a_text_too_small_for_the_vocabulary_is_a_data_error() -> None:
    with pytest.raises(DataError, match=r"1024"):
        train_tokenizer(["a b c"], 1024)


def test_a_vocabulary_too_small_for_its_bytes_is_a_data_error() -> None:
    with pytest.raises(DataError, match=r"cannot train a tokenizer of 100 ids"):
        train_tokenizer(LINES, 100)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.model: cannot read this tokenizer"):
        load_tokenizer(tmp_path / "absent.model")


@pytest.mark.parametrize("content", [b"", b"\n\0", b"not a model", b"\x80" * 400, b"{}"])
def test_what_is_not_a_model_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.model"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.model: not a SentencePiece model"):
        load_tokenizer(path)


def test_a_model_with_a_damaged_piece_is_told(tmp_path: Path, model: bytes) -> None:
    path = tmp_path / "x.model"
    path.write_bytes(model.replace(b"\xe2\x96\x81the", b"\xe2\x96\x81\xff\xfe\xfd"))
    assert path.read_bytes() != model
    with pytest.raises(DataError, match="or a damaged one"):
        load_tokenizer(path)


def test_a_file_too_big_for_a_model_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.model"
    with path.open("wb") as handle:
        handle.truncate(LARGEST_MODEL_BYTES + 1)
    with pytest.raises(DataError, match=r"cannot read this tokenizer .* bytes; at most"):
        load_tokenizer(path)


@given(place=st.integers(0, 4000), value=st.binary(min_size=1, max_size=6), cut=st.integers(0, 4000))
def test_a_corrupt_model_never_raises_anything_but_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, model: bytes, place: int, value: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.model"
    path.write_bytes(model[:place] + value + model[place + len(value) : len(model) - cut])
    try:
        size = load_tokenizer(path).vocab_size()
    except DataError:
        size = 0
    assert 0 <= size <= VOCAB


def test_a_vocabulary_that_disagrees_says_both_sizes(tokenizer: SentencePieceProcessor) -> None:
    require_vocab(tokenizer, VOCAB)
    with pytest.raises(
        DataError, match=r"mine has 310 ids, the model's vocab_size is 1024; set model.vocab_size to 310"
    ):
        require_vocab(tokenizer, 1024, "mine")


def test_control_and_unknown_ids_count_nothing_and_end_the_text(table: ByteTable) -> None:
    assert table.base_bytes[:4].tolist() == [0, 0, 0, 0]
    assert table.is_boundary[:4].all()
    assert not table.is_boundary[4:].any()


def test_byte_tokens_count_one_byte_each(table: ByteTable, tokenizer: SentencePieceProcessor) -> None:
    ids = [token for token in range(VOCAB) if tokenizer.is_byte(token)]
    assert table.base_bytes[ids].tolist() == [1] * 256
    assert not table.has_leading_space[ids].any()


def test_a_leading_space_counts_unless_the_text_starts_there(
    table: ByteTable, tokenizer: SentencePieceProcessor
) -> None:
    the = tokenizer.piece_to_id("\u2581the")
    assert table.base_bytes[the] == 3
    assert table.has_leading_space[the]
    assert table.count(np.array([1, the])) == 3
    assert table.count(np.array([the, the])) == 4
    assert table.count_stream([np.array([the, the])]) == 3 + 4


def test_a_streams_count_does_not_depend_on_where_shards_are_cut(
    table: ByteTable, tokenizer: SentencePieceProcessor
) -> None:
    tokens = np.array([1, *tokenizer.encode(LINES[0]), 1, *tokenizer.encode("Zoë, the end.")], dtype=np.uint16)
    whole = table.count_stream([tokens])
    assert whole == len((LINES[0] + "Zoë, the end.").encode())
    for cut in range(1, len(tokens)):
        assert table.count_stream([tokens[:cut], tokens[cut:]]) == whole
        assert recount_bytes(tokenizer, [tokens[:cut], tokens[cut:]]) == whole


@given(documents=st.lists(st.text(max_size=40), max_size=5))
def test_bytes_of_any_text_are_counted_the_same_by_table_decoding_and_utf8(
    tokenizer: SentencePieceProcessor, table: ByteTable, documents: list[str]
) -> None:
    ids = [token for document in documents for token in [1, *tokenizer.encode(document)]]
    tokens = np.array([1, *ids], dtype=np.uint16)
    # The word mark itself, typed in a text, is a blank to SentencePiece; everything else keeps its bytes.
    normalized = [tokenizer.normalize(document).replace("\u2581", " ") for document in documents]
    assert table.count_stream([tokens]) == sum(len(text.encode()) for text in normalized)
    assert recount_bytes(tokenizer, [tokens]) == table.count_stream([tokens])
