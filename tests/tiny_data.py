"""A real but tiny data set, made on the spot: invented text, its own tokenizer, official shards."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from runner.data.shards import write_shard
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.jobdata import DataRequest

VOCAB = 300
WORDS = (
    "green",
    "old",
    "quiet",
    "river",
    "stone",
    "bird",
    "hill",
    "house",
    "sings",
    "runs",
    "falls",
    "under",
    "near",
)


def sentences(count: int, seed: int) -> list[str]:
    """Lines of words in random order, the same for the same seed."""
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS, k=12)).capitalize() + "." for _ in range(count)]


def make_tiny_data(folder: Path, train_lines: int = 400, val_lines: int = 60) -> DataRequest:
    """Shards and tokenizer in `folder`; returns how to ask for them."""
    folder.mkdir(parents=True, exist_ok=True)
    train, val = sentences(train_lines, 1), sentences(val_lines, 2)
    tokenizer = folder / "tokenizer.model"
    tokenizer.write_bytes(train_tokenizer(train, VOCAB))
    processor = load_tokenizer(tokenizer)
    for split, lines in (("train", train), ("val", val)):
        ids = [token for line in lines for token in [processor.bos_id(), *processor.encode(line)]]
        write_shard(folder / f"fineweb_{split}_000000.bin", np.array(ids, dtype=np.uint16))
    return DataRequest(corpus=None, folder=str(folder), tokenizer=str(tokenizer), vocab_size=VOCAB)
