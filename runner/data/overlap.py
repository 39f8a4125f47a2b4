"""Does the validation text stand in the training shards? Found by hashing documents and short runs of tokens.

A document of the validation text is shared where the training shards hold it whole, or nearly whole: of its passages
(runs of tokens, fingerprints.py), eight at least, four in five stand somewhere in them, be it that its ends were cut
off or its beginning-of-text id taken out. Documents of fewer than 64 tokens, a sentence or two, repeat in any text:
they are counted apart, and so are all passages together, for text that has no documents or only short ones.

Looked for before every job runs, on every track and in data of any size, for it costs about what opening the same
shards does (their hashes and ranges) and is remembered under the hashes of all of them: 4 s for the challenge's
validation text and 6 s for each GB of training shards on one core, several shards at a time, in a few hundred MB. So
there is no size from which it would be skipped, and no track on which it is not required. What to make of the outcome
is runner.judge.text_checks's.

Does not cover: text that was changed (other case, other blanks), or shards of another tokenizer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from runner.data.cache import cache_root, note_path, remember, remembered_bytes
from runner.data.dataset import DataSet, Progress, read_stream
from runner.data.fingerprints import PASSAGE, Hashes, blocks
from runner.data.shards import Tokens, read_shard
from runner.data.tokenizer import load_tokenizer
from runner.errors import UserError
from runner.files import sha256_file
from runner.listing import counted
from runner.machine import usable_cpus
from runner.results.datasets import Overlap

LEAST_TOKENS = 64
"""A document of fewer tokens is a short one."""
NEARLY = 0.8
"""Share of a document's passages that makes it nearly whole."""
LEAST_PASSAGES = 8
"""Fewer runs say nothing of a document."""
MOST_WORKERS = 8
NAMED = 5
"""Training shards that are named."""

Marks = NDArray[np.bool_]


class Wanted:
    """A set of hashes that many others are looked up in: a coarse table first, which most of them fail."""

    def __init__(self, hashes: Hashes) -> None:
        self.values = np.unique(hashes)
        self.shift = np.uint64(64 - min(26, max(10, len(self.values).bit_length() + 4)))
        self.coarse = np.zeros(1 << (64 - int(self.shift)), dtype=np.bool_)
        self.coarse[self.values >> self.shift] = True

    def mark(self, hashes: Hashes, found: Marks) -> None:
        """Note in `found`, of shape (values,), which of the set are among `hashes`."""
        likely = hashes[self.coarse[hashes >> self.shift]]
        if len(likely):
            places = np.minimum(np.searchsorted(self.values, likely), len(self.values) - 1)
            found[places[self.values[places] == likely]] = True

    def places(self, hashes: Hashes) -> NDArray[np.intp]:
        """Where in the set these, which are in it, stand."""
        return np.searchsorted(self.values, hashes)


@dataclass(frozen=True)
class Text:
    """The validation text as it is looked for."""

    documents: Hashes
    lengths: NDArray[np.int64]
    passages: Hashes
    owners: NDArray[np.int64]
    """Document of each passage."""


def text_of(stream: Tokens, begins: int) -> Text:
    """Documents of a stream of shape (tokens,), and the passages that lie within one of them."""
    found = list(blocks(stream, begins))
    documents = np.concatenate([block.documents for block in found])
    lengths = np.concatenate([block.lengths for block in found])
    passages = np.concatenate([block.passages for block in found])
    places = np.concatenate([block.places for block in found])
    marks = np.flatnonzero(stream == begins)
    edges = np.concatenate([[-1], marks, [len(stream)]])
    there = np.diff(edges) > 1  # as documents without a token are none
    stops = edges[1:][there]
    owners = np.searchsorted(stops, places, side="right")
    within = (places + PASSAGE <= np.append(stops, 0)[owners]) & (stream[places] != begins)
    return Text(documents, lengths, passages[within], owners[within])


def with_overlap(dataset: DataSet, cache: Path | None = None, progress: Progress = lambda line: None) -> DataSet:
    """The same data set, whose facts say how much of its validation text its training shards hold."""
    files = dataset.facts.files
    basis = {
        "train": sorted(files[path.name] for path in dataset.train_files),
        "val": [files[path.name] for path in dataset.val_files],
        "tokenizer": files[dataset.facts.tokenizer],
        "code": [sha256_file(Path(__file__).with_name(f"{name}.py")) for name in ("overlap", "fingerprints")],
    }
    note = note_path(cache_root(cache), "overlap", basis)
    try:
        overlap = Overlap.model_validate_json(remembered_bytes(note))
    except (UserError, ValidationError):
        progress(f"looking for the validation text in {counted(len(dataset.train_files), 'training shard')}")
        overlap = find_overlap(dataset)
        remember(note, overlap.model_dump_json())
    return replace(dataset, facts=dataset.facts.model_copy(update={"overlap": overlap}))


def find_overlap(dataset: DataSet) -> Overlap:
    """Look every training shard through, once."""
    begins = load_tokenizer(dataset.tokenizer).bos_id()
    text = text_of(read_stream(dataset.val_files), begins)
    documents, passages = Wanted(text.documents), Wanted(text.passages)

    def look(path: Path) -> tuple[Marks, Marks]:
        here, runs_here = (np.zeros(len(wanted.values), dtype=np.bool_) for wanted in (documents, passages))
        for block in blocks(read_shard(path), begins):
            documents.mark(block.documents, here)
            passages.mark(block.passages, runs_here)
        return here, runs_here

    at_document, at_passage = documents.places(text.documents), passages.places(text.passages)
    whole, runs = (np.zeros(len(wanted.values), dtype=np.bool_) for wanted in (documents, passages))
    where: list[str] = []
    with ThreadPoolExecutor(min(MOST_WORKERS, usable_cpus())) as pool:
        for path, (here, runs_here) in zip(dataset.train_files, pool.map(look, dataset.train_files), strict=True):
            whole |= here
            runs |= runs_here
            if np.any(here[at_document] | nearly_whole(text, runs_here[at_passage])):
                where.append(path.name)
    found = runs[at_passage]
    shared = whole[at_document] | nearly_whole(text, found)
    long = text.lengths >= LEAST_TOKENS
    return Overlap(
        documents=len(text.documents),
        shared=int(np.count_nonzero(shared & long)),
        shared_short=int(np.count_nonzero(shared & ~long)),
        shared_tokens=int(text.lengths[shared].sum()),
        passages=len(found),
        shared_passages=int(np.count_nonzero(found)),
        least_tokens=LEAST_TOKENS,
        where=where[:NAMED],
    )


def nearly_whole(text: Text, found: Marks) -> Marks:
    """Which documents are there but for a few of their passages; found: of shape (passages,)."""
    count = len(text.documents)
    of = np.bincount(text.owners, minlength=count)
    hits = np.bincount(text.owners[found], minlength=count)
    marks: Marks = (of >= LEAST_PASSAGES) & (hits >= NEARLY * of)
    return marks
