"""Hashes of documents and of passages: those of equal tokens are equal, wherever they stand."""

from __future__ import annotations

import numpy as np
import pytest

from runner.data.fingerprints import PASSAGE, blocks
from runner.data.shards import Tokens

BEGINS = 1


def stream_of(lengths: list[int], seed: int = 0) -> Tokens:
    """Documents of random tokens, each after the id that begins one."""
    chosen = np.random.default_rng(seed)
    rows = [np.concatenate([[BEGINS], chosen.integers(2, 500, length)]) for length in lengths]
    return np.concatenate(rows).astype(np.uint16)


def of(tokens: Tokens, length: int = 1 << 16) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """(hash and length of every document in order, place -> hash of every passage)."""
    found = list(blocks(tokens, BEGINS, length))
    documents = [
        pair for block in found for pair in zip(block.documents.tolist(), block.lengths.tolist(), strict=True)
    ]
    passages = [pair for block in found for pair in zip(block.places.tolist(), block.passages.tolist(), strict=True)]
    return documents, dict(passages)


@pytest.mark.parametrize("length", [64, 100, 1000])
def test_stretches_of_any_length_give_the_same_documents_and_passages(length: int) -> None:
    tokens = stream_of([5, 300, 0, 1, 64, 700, 12, 99])
    assert of(tokens, length) == of(tokens)
    assert [size for _, size in of(tokens)[0]] == [5, 300, 1, 64, 700, 12, 99]


def test_a_document_has_the_same_hash_wherever_it_stands() -> None:
    tokens = stream_of([400, 900, 50])
    moved = np.concatenate([stream_of([77_777], 1), tokens[401:], tokens[:401]])
    there, here = dict(of(moved)[0]), dict(of(tokens)[0])
    assert here.items() <= there.items()
    assert len(there) == 4


def test_other_tokens_have_another_hash_and_so_has_another_order() -> None:
    tokens = stream_of([40])
    ((whole, _),) = of(tokens)[0]
    for change in (tokens[:-1], np.append(tokens, tokens[-1:]), np.concatenate([tokens[:1], tokens[:0:-1]])):
        assert [digest for digest, _ in of(change)[0]] != [whole]
    for place in range(1, len(tokens)):
        changed = tokens.copy()
        changed[place] ^= 1 << 9
        assert [digest for digest, _ in of(changed)[0]] != [whole]


def test_passages_are_chosen_by_what_stands_in_them() -> None:
    tokens = stream_of([5000])
    passages = of(tokens)[1]
    assert 80 < len(passages) < 250  # one in 32
    shifted = of(np.concatenate([stream_of([10], 2), tokens[1:]]))[1]
    assert {place + 10: digest for place, digest in passages.items() if place} == {
        place: digest for place, digest in shifted.items() if place > 10
    }
    assert max(passages) + PASSAGE <= len(tokens)


def test_a_stream_too_short_for_a_passage_has_none() -> None:
    assert of(stream_of([5]))[1] == {}
    assert of(np.array([BEGINS], dtype=np.uint16)) == ([], {})
    assert of(np.array([7], dtype=np.uint16))[0][0][1] == 1


def test_a_tokenizer_without_an_id_that_begins_a_document_has_one_document() -> None:
    (block,) = blocks(stream_of([30, 30]), -1)
    assert block.lengths.tolist() == [62]
