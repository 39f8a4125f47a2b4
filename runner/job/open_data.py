"""The data a job names, opened wherever it is needed: on the driver, and again on the node that runs a seed.

A node finds (or, for the embedded corpus, makes) the data for itself and must end up with the very files
that the driver planned with; nothing needs shared storage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runner.data.corpus import prepare_corpus
from runner.data.dataset import DataSet, open_dataset
from runner.data.tokenizer import load_tokenizer
from runner.errors import DataError


@dataclass(frozen=True)
class DataRequest:
    """Which data, and which files it must turn out to be."""

    corpus: str | None
    folder: str | None
    tokenizer: str | None
    vocab_size: int
    """Of the job's model; 0 where the job does not say and any will do."""
    files: dict[str, str] = field(default_factory=dict)
    """File name -> sha256; empty where any content will do (the driver's first look)."""


def silent(line: str) -> None:
    """Progress that nobody reads."""


def open_requested(request: DataRequest, progress: Callable[[str], None] = silent) -> DataSet:
    """Find or make the data. DataError where it is missing, damaged, or not the files asked for."""
    if request.corpus is not None:
        data = prepare_corpus(request.corpus, progress=progress)
        if request.vocab_size not in (0, data.vocab_size):
            raise DataError(
                f"the embedded corpus {request.corpus!r} has a vocabulary of {data.vocab_size}, the job's model one "
                f"of {request.vocab_size}: set config.model.vocab_size to {data.vocab_size}"
            )
    else:
        assert request.folder is not None
        assert request.tokenizer is not None
        tokenizer = Path(request.tokenizer)
        size = request.vocab_size or load_tokenizer(tokenizer).vocab_size()
        data = open_dataset(Path(request.folder), tokenizer, size)
    if request.files and request.files != data.facts.files:
        other = sorted(dict(request.files.items() ^ data.facts.files.items()))
        raise DataError(
            f"{data.folder}: not the files this job was planned with ({', '.join(other[:5])} differ, are missing or "
            "are more); bring the same shards and tokenizer to every node"
        )
    return data
