"""What is known of the challenge's validation text fits together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.data.known_texts import KNOWN_TEXTS, TEXT_BYTES, KnownText, known_text, text_by_hash
from runner.data.shards import read_shard
from runner.data.tokenizer import OFFICIAL_TOKENIZERS, byte_table, load_tokenizer
from runner.files import sha256_file

SCORED = {
    "sp1024": (62_021_632, 151_080_363),
    "sp4096": (45_508_608, 151_074_053),
    "sp8192": (40_540_160, 151_078_222),
    "sp16384": (37_146_624, 151_078_879),
}
"""Targets that logs of whole sequences of 1,024 or 2,048 print, and the bytes that follow from their loss and bpb."""


def test_every_official_tokenizer_has_its_text() -> None:
    known = {text.tokenizer: text.variant for text in KNOWN_TEXTS}
    assert OFFICIAL_TOKENIZERS.items() <= known.items()


def test_hashes_are_hashes_and_no_tokenizer_stands_twice() -> None:
    digests = [digest for text in KNOWN_TEXTS for digest in (text.tokenizer, *text.shards, *text.sidecars)]
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    "text", [text for text in KNOWN_TEXTS if text.bytes is not None], ids=lambda text: text.variant
)
def test_what_logs_score_lacks_less_than_a_sequence_of_the_whole_text(text: KnownText) -> None:
    targets, size = SCORED[text.variant]
    (tokens,) = {least for span in text.tokens for least in [span[0]] if least - targets <= 2048}
    assert 0 < tokens - targets <= 2048
    left = TEXT_BYTES - size
    assert 0 < left <= 2047 * 8
    assert text.bytes == TEXT_BYTES


def test_texts_are_found_by_tokenizer_and_by_the_hashes_of_all_their_shards() -> None:
    for text in KNOWN_TEXTS:
        assert known_text(text.tokenizer) is text
        if text.shards:
            assert text_by_hash(list(text.shards)) is text
            assert text_by_hash([*text.shards, "0" * 64]) is None
    assert known_text("") is None
    assert text_by_hash([]) is None


def test_the_sample_of_the_text_has_the_bytes_that_were_published_of_its_first_documents(shared: Path) -> None:
    model = shared / "data/tokenizers/fineweb_1024_bpe.model"
    assert known_text(sha256_file(model)) is not None
    stream = read_shard(shared / "data/fineweb_sample_sp1024/fineweb_train_000000.bin")
    starts = np.flatnonzero(stream == 1)
    table = byte_table(load_tokenizer(model))
    counted = [table.count_stream([stream[: starts[documents]]]) for documents in (1, 10, 100)]
    assert counted == [1_339, 22_919, 291_960]
