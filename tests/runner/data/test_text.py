"""Tokens decoded to documents, and the two byte counts on real text with the challenge's tokenizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sentencepiece import SentencePieceProcessor

from runner.data.shards import read_shard
from runner.data.text import decode_documents, first_text, recount_bytes
from runner.data.tokenizer import byte_table, load_tokenizer, train_tokenizer
from tests.fixtures.spelled_space import LINES, spelling_tokenizer

DOCUMENTS = ["The first document, briefly.", "Ein zweites: naïve Wörter, 字, 🙂 — ja.", "A third one ends here."]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> SentencePieceProcessor:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    path.write_bytes(train_tokenizer(DOCUMENTS * 20, 300))
    return load_tokenizer(path)


@pytest.fixture(scope="module")
def tokens(tokenizer: SentencePieceProcessor) -> np.ndarray:
    rows = tokenizer.encode(DOCUMENTS, add_bos=True)
    return np.array([token for row in rows for token in row], dtype=np.uint16)


def test_documents_come_back_as_they_were(tokenizer: SentencePieceProcessor, tokens: np.ndarray) -> None:
    assert list(decode_documents(tokenizer, [tokens])) == DOCUMENTS


def test_a_document_may_run_from_one_shard_into_the_next(
    tokenizer: SentencePieceProcessor, tokens: np.ndarray
) -> None:
    for cut in range(len(tokens) + 1):
        assert list(decode_documents(tokenizer, [tokens[:cut], tokens[cut:]])) == DOCUMENTS


def test_ids_without_text_between_them_are_no_documents(
    tokenizer: SentencePieceProcessor, tokens: np.ndarray
) -> None:
    padded = np.concatenate([[1, 1, 2, 0], tokens, [3, 3, 1]])
    assert list(decode_documents(tokenizer, [padded])) == DOCUMENTS
    assert list(decode_documents(tokenizer, [])) == []
    assert recount_bytes(tokenizer, [padded]) == byte_table(tokenizer).count_stream([padded])


def test_text_outside_the_alphabet_is_counted_through_its_byte_tokens(
    tokenizer: SentencePieceProcessor, tokens: np.ndarray
) -> None:
    ids = tokenizer.encode("Ωmega ☃ 🦊")
    stream = np.array([1, *ids], dtype=np.uint16)
    assert sum(tokenizer.is_byte(token) for token in ids) >= 9
    assert recount_bytes(tokenizer, [stream]) == byte_table(tokenizer).count_stream([stream])


def test_the_first_text_is_whole_documents_joined_by_newlines(
    tokenizer: SentencePieceProcessor, tokens: np.ndarray
) -> None:
    assert first_text(tokenizer, [tokens], 1 << 20) == "\n".join(DOCUMENTS).encode()
    assert first_text(tokenizer, [tokens], 1) == DOCUMENTS[0].encode()
    assert first_text(tokenizer, [tokens], len(DOCUMENTS[0]) + 2) == "\n".join(DOCUMENTS[:2]).encode()


@pytest.mark.parametrize("vocab_size", [1024, 4096, 8192])
def test_both_counts_agree_on_web_text_with_the_challenges_tokenizers(shared: Path, vocab_size: int) -> None:
    first = load_tokenizer(shared / "data/tokenizers/fineweb_1024_bpe.model")
    tokens = read_shard(shared / "data/fineweb_sample_sp1024/fineweb_val_000000.bin", 1024)
    documents = list(decode_documents(first, [tokens]))
    other = load_tokenizer(shared / f"data/tokenizers/fineweb_{vocab_size}_bpe.model")
    stream = np.concatenate([np.asarray(row) for row in other.encode(documents, add_bos=True)])
    assert byte_table(other).count_stream([stream]) == recount_bytes(other, [stream]) == 313_773
    assert any(other.is_byte(int(token)) for token in np.unique(stream))


@pytest.mark.parametrize("every", [True, False], ids=["no piece has a space", "a single space has none"])
def test_a_space_that_is_spelled_in_byte_tokens_is_one_byte_in_both_counts(tmp_path: Path, every: bool) -> None:
    (tmp_path / "t.model").write_bytes(spelling_tokenizer(every=every))
    spelling = load_tokenizer(tmp_path / "t.model")
    table = byte_table(spelling)
    rows = spelling.encode(LINES, add_bos=True)
    stream = np.array([token for row in rows for token in row], dtype=np.uint16)
    first, second, third = table.mark_bytes
    marks = np.count_nonzero((stream[:-2] == first) & (stream[1:-1] == second) & (stream[2:] == third))
    assert marks > (1000 if every else 100)
    size = sum(len(line) for line in LINES)
    assert list(decode_documents(spelling, [stream])) == LINES
    assert recount_bytes(spelling, [stream]) == table.count_stream([stream]) == size
    for cut in range(1, 400):
        assert table.count_stream([stream[:cut], stream[cut:]]) == size
        # A span's bytes and those of the rest are the whole's, wherever a mark is cut.
        assert table.count(stream, 0, cut) + table.count(stream, cut) == size


def test_other_characters_of_the_same_byte_tokens_keep_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "t.model").write_bytes(spelling_tokenizer(every=True))
    spelling = load_tokenizer(tmp_path / "t.model")
    text = "x▀x▂x閁x"  # U+2580, U+2582 and U+9581 share two of three bytes with the word mark
    stream = np.array([1, *spelling.encode(text)], dtype=np.uint16)
    assert byte_table(spelling).count_stream([stream]) == recount_bytes(spelling, [stream]) == len(text.encode())
