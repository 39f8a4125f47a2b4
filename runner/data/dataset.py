"""A data set that was checked: shards, tokenizer, and the facts a record states about them.

`open_dataset` is the one way to get a `DataSet`: every shard's header, length and token range, and the
tokenizer's vocabulary, have been looked at. `data_info` describes it for people, `scored_targets` counts what
the model is scored on, and `recount_bytes` counts the text a second, independent way: by decoding it.

Does not cover: making data (corpus.py), fetching it (fetch.py), feeding it to a model (golf_model).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.data.cache import FileFacts, cache_root, shard_facts
from runner.data.shards import Split, Tokens, check_range, find_shards, read_shard
from runner.data.tokenizer import byte_table, load_tokenizer, require_vocab
from runner.errors import DataError
from runner.files import sha256_file
from runner.results import DataFacts


@dataclass(frozen=True)
class DataSet:
    """Shards of two splits and the tokenizer that made them, all checked."""

    name: str
    folder: Path
    tokenizer: Path
    vocab_size: int
    train_files: tuple[Path, ...]
    val_files: tuple[Path, ...]
    facts: DataFacts


def open_dataset(
    folder: Path, tokenizer: Path, vocab_size: int, name: str = "", cache: Path | None = None
) -> DataSet:
    """Check a folder of shards against a tokenizer and a vocabulary size; DataError says what does not fit."""
    processor = load_tokenizer(tokenizer)
    require_vocab(processor, vocab_size, str(tokenizer))
    train_files, val_files = find_shards(folder, "train"), find_shards(folder, "val")
    facts: dict[Path, FileFacts] = {}
    for path in (*train_files, *val_files):
        facts[path] = shard_facts(path, cache_root(cache))
        check_range(path, facts[path].largest_id, vocab_size)
    val_tokens = read_stream(val_files)
    if len(val_tokens) < 2:
        raise DataError(f"{folder}: {len(val_tokens)} validation token leaves nothing to predict; use more text")
    return DataSet(
        name=name or folder.name,
        folder=folder,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        train_files=train_files,
        val_files=val_files,
        facts=DataFacts(
            name=name or folder.name,
            train_tokens=sum(facts[path].tokens for path in train_files),
            val_tokens=len(val_tokens),
            val_bytes=byte_table(processor).count_stream(val_tokens),
            vocab_size=vocab_size,
            files={path.name: facts[path].sha256 for path in (*train_files, *val_files)}
            | {tokenizer.name: sha256_file(tokenizer)},
        ),
    )


def read_stream(paths: tuple[Path, ...], most_tokens: int | None = None) -> Tokens:
    """The tokens of several shards in a row, shape (tokens,), uint16; at most the first `most_tokens`."""
    parts: list[Tokens] = []
    left = most_tokens
    for path in paths:
        tokens = read_shard(path)[:left]
        parts.append(tokens)
        if left is not None:
            left -= len(tokens)
            if left <= 0:
                break
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def split_files(dataset: DataSet, split: Split) -> tuple[Path, ...]:
    """The shards of one split."""
    return dataset.train_files if split == "train" else dataset.val_files
