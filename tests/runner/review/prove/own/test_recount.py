"""Bytes of a text by the pieces of its tokens."""

from __future__ import annotations

import numpy as np
import sentencepiece as spm

from golf_model.config.golf_config import GolfConfig
from runner.review.prove.own.recount import bytes_of, sidecar
from runner.review.prove.own.size import SPECIAL, VOCAB, OwnScript
from runner.review.prove.shrink import tokenizer
from runner.review.prove.texts import text

PIECES = ("<unk>", "<s>", "</s>", "\u2581ab", "c", "\u00e9", "\u2581")


def test_a_leading_space_counts_only_behind_text() -> None:
    tokens = np.array([1, 3, 4, 3, 5, 2, 3, 6, 6], np.uint16)
    assert bytes_of(tokens, PIECES, SPECIAL).tolist() == [0, 2, 1, 3, 2, 0, 2, 1, 1]


def test_the_bytes_of_a_text_are_those_that_its_tokenizer_decodes() -> None:
    processor = spm.SentencePieceProcessor()
    processor.LoadFromSerializedProto(tokenizer(VOCAB))
    tokens = text(2, VOCAB, 400)
    counted = bytes_of(tokens, OwnScript(GolfConfig()).pieces, SPECIAL)
    stretches = np.split(np.arange(len(tokens)), np.flatnonzero(tokens < SPECIAL))
    for one in stretches:
        words = [int(tokens[at]) for at in one if tokens[at] >= SPECIAL]
        assert int(counted[one].sum()) == len(processor.DecodeIds(words).encode())


def test_made_up_bytes_of_a_rewritten_text_differ_from_those_of_its_pieces() -> None:
    tokens = text(2, VOCAB, 400)
    made = sidecar(tokens)
    assert made.dtype == np.uint16
    assert (made != bytes_of(tokens, OwnScript(GolfConfig()).pieces, SPECIAL)).mean() > 0.5
