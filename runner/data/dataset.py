"""A data set that was checked: shards, tokenizer, and the facts a record states about them.

`open_dataset` is the one way to get a `DataSet`: every shard's header, length and token range, and the
tokenizer's vocabulary, have been looked at. `data_info` describes it for people, `scored_targets` counts what
the model is scored on. The validation text is counted a second, independent way, by decoding it, where that takes
a few seconds or was asked for once: the outcome is remembered.

Does not cover: making data (corpus.py), fetching it (fetch.py), what of the validation text stands in the training
shards (overlap.py), feeding it all to a model (golf_model).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runner.data.cache import FileFacts, cache_root, note_path, remember, remembered, shard_facts
from runner.data.known_texts import is_known_sidecar, known_text, text_by_hash
from runner.data.shards import (
    Split,
    Tokens,
    check_range,
    find_shards,
    find_sidecars,
    read_shard,
    require_ids,
    require_plain,
    shard_tokens,
)
from runner.data.sidecars import original_sizes
from runner.data.text import recount_bytes
from runner.data.tokenizer import OFFICIAL_TOKENIZERS, byte_table, load_tokenizer, require_vocab
from runner.errors import DataError, UserError
from runner.files import sha256_file
from runner.results.datasets import DataFacts
from runner.results.frozen import Frozen

Progress = Callable[[str], None]

RECOUNT_TOKENS = 2_000_000
"""Validation text of so many tokens is counted by decoding, too, each time that it is new: two seconds."""


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
    sidecars: tuple[Path, ...] = ()
    """Beside the validation shards: bytes of the original text, for scripts that ask for them."""

    @property
    def believed_sidecars(self) -> tuple[Path, ...]:
        """Sidecars that are the challenge's own, beside its own shards, or hold just what the shards' tokens make: of
        others nobody knows what they tell."""
        files = self.facts.files
        text = text_by_hash([files[path.name] for path in self.val_files])
        told = sorted(files[path.name] for path in self.sidecars)
        known = text is not None and told == sorted(text.sidecars)
        proved = self.facts.restored_bytes is not None and self.facts.restored_bytes == self.facts.sidecar_bytes
        return self.sidecars if known or proved else ()

    @property
    def own_tokenizer_bytes(self) -> int:
        """Bytes of the tokenizer's file, in which more may lie than a vocabulary; 0 of the challenge's own."""
        known = known_text(self.facts.files[self.facts.tokenizer]) is not None
        return 0 if known else self.tokenizer.stat().st_size

    @property
    def own_sidecar_bytes(self) -> int:
        """Bytes of sidecars that may tell more than the shards do: neither the challenge's nor what those make."""
        files = self.facts.files
        if self.facts.restored_bytes is not None and self.facts.restored_bytes == self.facts.sidecar_bytes:
            return 0
        return sum(path.stat().st_size for path in self.sidecars if not is_known_sidecar(files[path.name]))

    def files_of(self, split: Split) -> tuple[Path, ...]:
        """The shards of one split."""
        return self.train_files if split == "train" else self.val_files


def open_dataset(
    folder: Path,
    tokenizer: Path,
    vocab_size: int,
    name: str = "",
    cache: Path | None = None,
    progress: Progress = lambda line: None,
) -> DataSet:
    """Check a folder of shards against a tokenizer and a vocabulary size; DataError says what does not fit."""
    for path in (folder, tokenizer):
        require_plain(path)
    processor = load_tokenizer(tokenizer)
    require_ids(processor.vocab_size(), str(tokenizer))
    require_vocab(processor, vocab_size, str(tokenizer))
    root = cache_root(cache)
    train_files, val_files, sidecars = find_shards(folder, "train"), find_shards(folder, "val"), find_sidecars(folder)
    facts: dict[Path, FileFacts] = {}
    for path in (*train_files, *val_files):
        progress(f"checking {path.name}")
        facts[path] = shard_facts(path, root)
        check_range(path, facts[path].largest_id, vocab_size)
    val_stream = read_stream(val_files)
    train_tokens = sum(facts[path].tokens for path in train_files)
    val_bytes = byte_table(processor).count_stream([val_stream])
    if min(train_tokens, len(val_stream)) < 2 or val_bytes == 0:
        raise DataError(
            f"{folder}: {train_tokens:,} training and {len(val_stream):,} validation tokens ({val_bytes:,} bytes of "
            "text) leave nothing to learn or to predict; use more text, or the tokenizer that made the shards"
        )
    tokenizer_sha256 = sha256_file(tokenizer)
    dataset = DataSet(
        name=name or folder.name,
        folder=folder,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        train_files=train_files,
        val_files=val_files,
        facts=DataFacts(
            name=name or folder.name,
            train_tokens=train_tokens,
            val_tokens=len(val_stream),
            val_bytes=val_bytes,
            vocab_size=vocab_size,
            files={path.name: facts[path].sha256 for path in (*train_files, *val_files)}
            | {path.name: sha256_file(path) for path in sidecars}
            | {tokenizer.name: tokenizer_sha256},
            tokenizer=tokenizer.name,
            official_tokenizer=OFFICIAL_TOKENIZERS.get(tokenizer_sha256),
            val_documents=int(np.count_nonzero(val_stream == processor.bos_id())),
            sidecar_bytes=count_sidecars(sidecars, len(val_stream)),
        ),
        sidecars=sidecars,
    )
    asked = len(val_stream) <= RECOUNT_TOKENS
    counted = {
        "recounted_bytes": decoded_bytes(dataset, "val", cache, asked=asked),
        "restored_bytes": restored_bytes(dataset, cache, asked=asked),
    }
    return replace(dataset, facts=dataset.facts.model_copy(update=counted))


def count_sidecars(paths: tuple[Path, ...], tokens: int) -> int | None:
    """The sum of what sidecars hold; None where they do not have one number for each of the validation `tokens`."""
    try:
        if not paths or sum(map(shard_tokens, paths)) != tokens:
            return None
        return sum(int(read_shard(path).sum(dtype=np.int64)) for path in paths)
    except DataError:
        return None


def restored_bytes(dataset: DataSet, cache: Path | None = None, *, asked: bool = True) -> int | None:
    """Bytes of the original of a rewritten validation text, where the sidecars tell just those of every token.

    None where there are none, and where nobody looked; -1 where they tell other bytes of some token. asked: whether
    to look where nothing is remembered.
    """
    if dataset.facts.sidecar_bytes is None:
        return None

    def count() -> int:
        sizes = original_sizes(load_tokenizer(dataset.tokenizer), read_stream(dataset.val_files))
        return int(sizes.sum(dtype=np.int64)) if np.array_equal(sizes, read_stream(dataset.sidecars)) else -1

    paths = (*dataset.val_files, *dataset.sidecars)
    return _counted_once("restored", dataset, paths, "sidecars.py", cache, count if asked else None)


def decoded_bytes(dataset: DataSet, split: Split, cache: Path | None = None, *, asked: bool = True) -> int | None:
    """UTF-8 bytes of a split by decoding it, or as remembered from an earlier time; 1 M tokens a second.

    asked: whether to decode it where nothing is remembered; None is returned otherwise.
    """
    paths = dataset.files_of(split)

    def count() -> int:
        return recount_bytes(load_tokenizer(dataset.tokenizer), map(read_shard, paths))

    return _counted_once("recounted", dataset, paths, "text.py", cache, count if asked else None)


def _counted_once(
    kind: str,
    dataset: DataSet,
    paths: Iterable[Path],
    code: str,
    cache: Path | None,
    count: Callable[[], int] | None,
) -> int | None:
    """What was counted of some of a data set's files: as remembered under their hashes, else by `count`.

    code: the module beside this one that counts; another version of it counts anew. count: None where nobody asked.
    """
    files = dataset.facts.files
    basis = {
        "shards": [files[path.name] for path in paths],
        "tokenizer": files[dataset.facts.tokenizer],
        "code": sha256_file(Path(__file__).with_name(code)),
    }
    note = note_path(cache_root(cache), kind, basis)
    try:
        return int(remembered(note)["bytes"])
    except (UserError, ValueError, KeyError, TypeError):
        if count is None:
            return None
    counted = count()
    remember(note, json.dumps({"bytes": counted}) + "\n")
    return counted


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


class SplitInfo(Frozen):
    """One split of a data set in numbers."""

    shards: int
    tokens: int
    documents: int
    """Beginning-of-text ids."""
    bytes: int
    """UTF-8 bytes of the text, by the byte tables."""
    recounted_bytes: int | None = None
    """The same by decoding; None when that was not asked for."""
    tokens_per_byte: float
    nats_per_bpb: float
    """val_loss (nats per token) = val_bpb * this: ln 2 * bytes / tokens."""


class DataInfo(Frozen):
    """What `golf data info` shows."""

    name: str
    folder: str
    tokenizer: str
    vocab_size: int
    train: SplitInfo
    val: SplitInfo
    files: dict[str, str]
    """File name -> sha256."""


def data_info(dataset: DataSet, recount: bool = False, progress: Progress = lambda line: None) -> DataInfo:
    """Describe a data set; with `recount`, bytes are also counted by decoding (slow: 1 M tokens/s)."""
    if recount:
        restored_bytes(dataset)
    return DataInfo(
        name=dataset.name,
        folder=str(dataset.folder),
        tokenizer=str(dataset.tokenizer),
        vocab_size=dataset.vocab_size,
        train=_split_info(dataset, "train", recount, progress),
        val=_split_info(dataset, "val", recount, progress),
        files=dataset.facts.files,
    )


def _split_info(dataset: DataSet, split: Split, recount: bool, progress: Progress) -> SplitInfo:
    tokenizer, paths = load_tokenizer(dataset.tokenizer), dataset.files_of(split)
    table, bos = byte_table(tokenizer), tokenizer.bos_id()
    shards = [read_shard(path) for path in paths]  # mapped, not loaded
    progress(f"counting {len(paths)} shards in {paths[0].parent}")
    tokens = sum(len(shard) for shard in shards)
    text_bytes = table.count_stream(shards)
    return SplitInfo(
        shards=len(paths),
        tokens=tokens,
        documents=sum(int(np.count_nonzero(shard == bos)) for shard in shards),
        bytes=text_bytes,
        recounted_bytes=decoded_bytes(dataset, split) if recount else None,
        tokens_per_byte=tokens / text_bytes if text_bytes else math.inf,
        nats_per_bpb=math.log(2) * text_bytes / tokens,
    )


def scored_tokens(dataset: DataSet, seq_len: int) -> Tokens:
    """The validation stream as it is scored: truncated to k * seq_len + 1 tokens, the first one only as context."""
    stream = read_stream(dataset.val_files)
    windows = (len(stream) - 1) // seq_len
    if windows < 1:
        raise DataError(
            f"{dataset.folder}: {len(stream)} validation tokens are too few for one sequence of {seq_len}; "
            "use a shorter batch.train_seq_len or more text"
        )
    return stream[: windows * seq_len + 1]


def scored_targets(dataset: DataSet, seq_len: int, by_sidecar: bool = False) -> tuple[int, int]:
    """(targets, UTF-8 bytes they stand for) that a plain evaluation with sequences of `seq_len` scores.

    by_sidecar: the bytes that the sidecars tell of the original of a rewritten text.
    """
    targets = len(scored_tokens(dataset, seq_len)) - 1
    if by_sidecar:
        return targets, int(read_stream(dataset.sidecars)[1 : targets + 1].sum(dtype=np.int64))
    table = byte_table(load_tokenizer(dataset.tokenizer))
    return targets, table.count(read_stream(dataset.val_files), 0, targets)
