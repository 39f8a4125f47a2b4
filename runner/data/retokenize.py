"""Shards of one tokenizer written anew with another, document by document, the text's bytes proved equal.

A document belongs to the shard in which its beginning-of-text id stands and is decoded whole, be its end in the
shards after it; the shard of the same name in the new folder holds the same documents. Each is decoded from its old
tokens and from its new ones, and the two texts must be the same to the byte: a tokenizer that changes text is
refused, so a score in bits per byte means the same before and after. Shards are made side by side in processes of
their own. A shard is renamed into place when whole, and noted with a hash of all that it was made from; a second call
keeps what is noted and unchanged.

Does not cover: text that was rewritten before it was tokenised (its sidecars count bytes of another text).
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from runner.data.cache import cache_root, shard_facts
from runner.data.dataset import Progress
from runner.data.shards import (
    Split,
    Tokens,
    find_shards,
    find_sidecars,
    read_shard,
    require_ids,
    write_shard,
)
from runner.data.text import decoded, is_boundary
from runner.data.tokenizer import load_tokenizer
from runner.errors import DataError, UserError
from runner.files import locked, require_space, sha256_bytes, sha256_file, write_atomic
from runner.untrusted import read_json

NOTE = "retokenized.json"
MOST_NOTE_BYTES = 16 << 20
BATCH_TOKENS = 1 << 20
"""Tokens that are decoded at a time."""


@dataclass(frozen=True)
class Made:
    """One new shard in numbers."""

    name: str
    documents: int
    tokens_before: int
    tokens: int
    bytes: int
    """UTF-8 bytes of its text, by decoding: the same under both tokenizers."""
    sha256: str
    made_from: str
    """One hash of all that it was made from: the old shards that it may read, both tokenizers, this code."""


@dataclass(frozen=True)
class Task:
    """What one process is to do: the shard at `place` of a split, whose documents may end in those after it."""

    paths: tuple[Path, ...]
    """The shards of the split, in order."""
    place: int
    old: Path
    new: Path
    output: Path
    made_from: str


def retokenize(
    source: Path,
    old: Path,
    new: Path,
    output: Path,
    workers: int | None = None,
    progress: Progress = lambda line: None,
) -> list[Made]:
    """Write all shards of `source`, made by the tokenizer `old`, into `output` as the tokenizer `new` has them.

    workers: processes side by side, one for each core of this process when left out. DataError names the shard and
    the document whose text would change; the shards that were whole by then are kept.
    """
    if sidecars := find_sidecars(source):
        raise DataError(f"{source}: {sidecars[0].name} says that this text was rewritten before it became tokens")
    if output.exists() and output.samefile(source):
        raise DataError(f"{output}: these are the shards that would be read; name another folder")
    for path in (old, new):
        _boundaries(load_tokenizer(path), path)
    splits: tuple[Split, ...] = ("train", "val")
    by_split = {split: find_shards(source, split) for split in splits}
    output.mkdir(parents=True, exist_ok=True)
    with locked(output / ".retokenize.lock"):
        require_space(output, 2 * sum(path.stat().st_size for paths in by_split.values() for path in paths), "shards")
        tasks = [task for paths in by_split.values() for task in _tasks(paths, old, new, output)]
        kept = {made.name: made for made in _noted(output) if _stands(made, output)}
        done = {name: made for task in tasks if (made := kept.get(name := _name(task))) and _same(made, task)}
        for name in done:
            progress(f"{name}: already whole")
        waiting = [task for task in tasks if _name(task) not in done]
        for made in _run(waiting, workers or len(os.sched_getaffinity(0))):
            done[made.name] = made
            write_atomic(output / NOTE, json.dumps([asdict(one) for one in done.values()], indent=1) + "\n")
            progress(
                f"{made.name}: {made.documents:,} documents, {made.tokens_before:,} -> {made.tokens:,} tokens, "
                f"{made.bytes:,} bytes the same"
            )
    return [done[_name(task)] for task in tasks]


def _tasks(paths: tuple[Path, ...], old: Path, new: Path, output: Path) -> list[Task]:
    hashes = [shard_facts(path, cache_root()).sha256 for path in paths]
    tools = [sha256_file(old), sha256_file(new), sentencepiece.__version__, sha256_file(Path(__file__))]
    # Which of the shards after it a document reaches into is known when they are read; all of them count.
    made_from = [sha256_bytes(" ".join([*hashes[place:], *tools]).encode()) for place in range(len(paths))]
    return [Task(paths, place, old, new, output, digest) for place, digest in enumerate(made_from)]


def _name(task: Task) -> str:
    return task.paths[task.place].name


def _same(made: Made, task: Task) -> bool:
    return made.made_from == task.made_from


def _noted(output: Path) -> list[Made]:
    try:
        return [Made(**entry) for entry in read_json(output / NOTE, MOST_NOTE_BYTES)]
    except (UserError, TypeError):
        return []


def _stands(made: Made, output: Path) -> bool:
    path = output / Path(str(made.name)).name
    return path.is_file() and sha256_file(path) == made.sha256


def _run(tasks: Sequence[Task], workers: int) -> Iterator[Made]:
    """What each task made, as they end; in this process where one is enough."""
    if min(len(tasks), workers) <= 1:
        yield from map(make_shard, tasks)
        return
    # Forked processes would inherit locks that a thread of the caller holds.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(tasks), workers), mp_context=context) as pool:
        running = [pool.submit(make_shard, task) for task in tasks]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def make_shard(task: Task) -> Made:
    """Read, encode, prove and write one shard."""
    old, new = load_tokenizer(task.old), load_tokenizer(task.new)
    source = task.paths[task.place]
    rows: list[Tokens] = []
    counted: dict[str, int] = {"documents": 0, "before": 0, "bytes": 0}
    silent = _boundaries(old, task.old)
    for batch in _batched(_documents(task, old)):
        _require_text(batch, silent, source, counted["documents"])
        for tokens, row, size in _encoded(batch, old, new, source, counted["documents"]):
            rows.append(row)
            counted["documents"] += 1
            counted["before"] += tokens
            counted["bytes"] += size
    if not rows:
        raise DataError(f"{source}: no document begins in this shard; join it to the one before")
    place = task.output / source.name
    whole = np.concatenate(rows)
    write_shard(place, whole)
    return Made(
        name=source.name,
        documents=counted["documents"],
        tokens_before=counted["before"],
        tokens=len(whole),
        bytes=counted["bytes"],
        sha256=sha256_file(place),
        made_from=task.made_from,
    )


def _documents(task: Task, tokenizer: SentencePieceProcessor) -> Iterator[NDArray[np.integer]]:
    """The documents that begin in a shard, their beginning-of-text id left out; a split's first may have none."""
    bos = tokenizer.bos_id()
    shard = read_shard(task.paths[task.place], tokenizer.vocab_size())
    begins = np.flatnonzero(shard == bos)
    if task.place == 0 and (not len(begins) or begins[0] > 0):
        raise DataError(
            f"{task.paths[0]}: its first token is no beginning of a document, so where its text begins is not known; "
            "cut the shard at a document"
        )
    for here, after in itertools.pairwise(begins):
        yield shard[here + 1 : after]
    if len(begins):
        yield np.concatenate([shard[begins[-1] + 1 :], *_rest(task, tokenizer)])


def _rest(task: Task, tokenizer: SentencePieceProcessor) -> Iterator[NDArray[np.integer]]:
    """What the shards after a task's own hold before their first beginning of a document."""
    for path in task.paths[task.place + 1 :]:
        shard = read_shard(path, tokenizer.vocab_size())
        begins = np.flatnonzero(shard == tokenizer.bos_id())
        yield shard[: begins[0]] if len(begins) else shard
        if len(begins):
            return


def _batched(documents: Iterator[NDArray[np.integer]]) -> Iterator[list[NDArray[np.integer]]]:
    """Documents in groups of about BATCH_TOKENS tokens."""
    batch: list[NDArray[np.integer]] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= BATCH_TOKENS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _require_text(batch: list[NDArray[np.integer]], silent: NDArray[np.bool_], source: Path, first: int) -> None:
    """DataError where a document, the first of them being number `first` + 1, holds an id that stands for no text."""
    for number, document in enumerate(batch, start=first + 1):
        if len(document) and silent[document].any():
            held = int(document[silent[document]][0])
            raise DataError(f"{source}: document {number} holds the id {held}, which stands for no text")


def _encoded(
    batch: list[NDArray[np.integer]],
    old: SentencePieceProcessor,
    new: SentencePieceProcessor,
    source: Path,
    first: int,
) -> Iterator[tuple[int, Tokens, int]]:
    """(tokens it had, its new tokens with the id in front, bytes of its text) of each document of a batch."""
    texts = list(decoded(old, [document.tolist() for document in batch]))
    rows = new.encode(texts, num_threads=1)
    for number, (document, text, row, again) in enumerate(
        zip(batch, texts, rows, decoded(new, rows), strict=True), start=first + 1
    ):
        if again != text:
            raise DataError(
                f"{source}: document {number} would be another text with the new tokenizer "
                f"({len(text.encode()):,} bytes before, {len(again.encode()):,} after): {_apart(text, again)}"
            )
        yield len(document) + 1, np.asarray([new.bos_id(), *row], dtype=np.uint16), len(text.encode())


def _apart(one: str, other: str) -> str:
    """Where two texts part, in a few characters."""
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return f"from character {at:,} on, {one[at : at + 12]!r} becomes {other[at : at + 12]!r}"


def _boundaries(tokenizer: SentencePieceProcessor, path: Path) -> NDArray[np.bool_]:
    """Which ids stand for no text, shape (vocab,); DataError of a tokenizer that cannot begin a document."""
    if tokenizer.bos_id() < 0:
        raise DataError(f"{path}: this tokenizer has no beginning-of-text id, by which documents are told apart")
    require_ids(tokenizer.vocab_size(), str(path))
    return np.array([is_boundary(tokenizer, token) for token in range(tokenizer.vocab_size())])


def tokenizer_of(source: Path) -> Path:
    """The official tokenizer of shards in a folder named like `fineweb10B_sp1024`, where the challenge keeps it."""
    vocabulary = source.resolve().name.rpartition("_sp")[2]
    places = [source, source.parent / "tokenizers", source.parent.parent / "tokenizers"]
    found = [path for place in places if (path := place / f"fineweb_{vocabulary}_bpe.model").is_file()]
    if not vocabulary.isdigit() or not found:
        raise DataError(f"{source}: which tokenizer made these shards is not known; name it with --from FILE")
    return found[0]


def totals(made: Sequence[Made]) -> dict[str, Any]:
    """Sums over new shards: documents, tokens before and after, bytes."""
    return {
        name: sum(getattr(one, name) for one in made) for name in ("documents", "tokens_before", "tokens", "bytes")
    }
