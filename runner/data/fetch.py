"""The challenge's own data, brought from its Hugging Face repositories by their manifests.

The first repository has not every variant; those that others published come from theirs (hosted.py). Each keeps
`datasets/manifest.json`, which names each tokenised data set with its numbers of shards and its tokenizer, and
beside it the shards and tokenizer models themselves. Fetched are the manifest, all validation shards, what tells the
bytes of a rewritten text, the first N training shards and the tokenizer. A file is downloaded into a folder beside,
checked (by its own header, and against the size and hash that the hub states), and only then renamed. A file that is
there already is held against the same size and hash: one that a disk cut short and whose header agrees with the rest,
or one of other text, is fetched again; what is whole is not, so a second call continues where the first one stopped.

Does not cover: tokenising text, and variants without a SentencePiece model (`byte260`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from runner.data.cache import cache_root, shard_facts
from runner.data.dataset import DataSet, Progress, open_dataset
from runner.data.hosted import REPOSITORY, hosted_as
from runner.data.shards import shard_tokens
from runner.data.tokenizer import load_tokenizer
from runner.errors import DataError, UserError
from runner.files import locked, sha256_file
from runner.untrusted import json_of, read_bytes

ROOT = "datasets"
MANIFEST = "manifest.json"
LARGEST_MANIFEST_BYTES = 16 << 20
MOST_SHARDS = 100_000
SHA256, GIT_BLOB = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
"""What a hub states as a file's tag: of large files their SHA-256, of small ones the hash that git gives them."""


@dataclass(frozen=True)
class Stated:
    """What the hub says of a file."""

    size: int | None
    tag: str

    def problem(self, path: Path, sha256: Callable[[Path], str] = sha256_file) -> str:
        """How a file differs from it, in a few words; empty where it is the same as far as the hub says.

        sha256: computes the file's hash, or remembers it.
        """
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"{size:,} bytes, the hub has {self.size:,}"
        if SHA256.fullmatch(self.tag) and sha256(path) != self.tag:
            return "another content than the hub's"
        if GIT_BLOB.fullmatch(self.tag) and git_blob(path) != self.tag:
            return "another content than the hub's"
        return ""


def git_blob(path: Path) -> str:
    """The SHA-1 that git gives a file of this content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@dataclass(frozen=True)
class Source:
    """Where files come from: a dataset repository on a hub."""

    repository: str = REPOSITORY
    revision: str = "main"
    endpoint: str | None = None
    """Another hub than huggingface.co."""

    def stated(self, name: str) -> Stated:
        """Size and hash of one file of the repository, without its content; DataError says why there are none."""
        try:
            url = hf_hub_url(
                self.repository, name, repo_type="dataset", revision=self.revision, endpoint=self.endpoint
            )
            found = get_hf_file_metadata(url, endpoint=self.endpoint)
        except Exception as error:
            raise DataError(f"{self.repository}: cannot look up {name}: {_explain(error)}") from error
        return Stated(found.size, (found.etag or "").lower())

    def download(self, name: str, folder: Path, retry: bool) -> Path:
        """Bring one file of the repository into `folder`; DataError says why it could not.

        retry: wait out a failing connection for some seconds; otherwise a machine without network is told at once.
        """
        try:
            return Path(
                hf_hub_download(
                    self.repository,
                    name,
                    repo_type="dataset",
                    revision=self.revision,
                    endpoint=self.endpoint,
                    local_dir=folder,
                    force_download=not retry,
                )
            )
        # The client lets its HTTP library's errors through, and that library changed between releases.
        except Exception as error:
            raise DataError(f"{self.repository}: cannot fetch {name}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    """What went wrong and what to do, from the client's chain of exceptions."""
    causes = [error, *(cause for cause in (error.__cause__, error.__context__) if isinstance(cause, Exception))]
    for cause in causes:
        if isinstance(cause, EntryNotFoundError) and not isinstance(cause, LocalEntryNotFoundError):
            return "the repository has no such file; check the variant and the repository's name"
        if isinstance(cause, HfHubHTTPError):
            return f"the hub answered {cause.response.status_code}; check the repository's name, or try again later"
    last = str(causes[-1]).strip().split("\n")[0] or type(causes[-1]).__name__
    return (
        f"{last}; check the network (and HF_ENDPOINT, HF_HUB_OFFLINE), then run the same command again: it keeps "
        "what is whole. `golf data prepare` needs no hub"
    )


@dataclass(frozen=True)
class Listing:
    """What the manifest says about one variant; paths are relative to the repository's root folder."""

    name: str
    train_shards: int
    val_shards: int
    model_path: str

    def shard(self, split: str, index: int) -> str:
        """Path of one shard; the split `val_bytes` is what lies beside the validation shards."""
        return f"datasets/{self.name}/fineweb_{split}_{index:06d}.bin"


def read_manifest(path: Path, variant: str) -> Listing:
    """Find a variant such as `sp1024` in a manifest; DataError when it is not there or not as expected."""
    try:
        manifest = json_of(read_bytes(path, LARGEST_MANIFEST_BYTES, links=True), path.name)
    except UserError as error:
        raise DataError(f"{error}: the repository's manifest cannot be read") from None
    name = f"fineweb10B_{variant}"
    dataset = _entry(manifest, "datasets", name)
    stats = dataset.get("stats")
    counts: dict[str, int] = {}
    for key in ("files_train", "files_val"):
        count = stats.get(key) if isinstance(stats, dict) else None
        if type(count) is not int or not 1 <= count <= MOST_SHARDS:
            raise DataError(f"{path.name}: data set {name} has stats.{key} = {count!r}, expected a number of files")
        counts[key] = count
    tokenizer = _entry(manifest, "tokenizers", str(dataset.get("tokenizer_name")))
    model = tokenizer.get("model_path")
    if not isinstance(model, str) or not model:
        raise DataError(
            f"{path.name}: the tokenizer of {name} has no SentencePiece model; golf cannot read {variant}"
        )
    if PurePosixPath(model).is_absolute() or ".." in PurePosixPath(model).parts:
        raise DataError(f"{path.name}: the tokenizer's model_path {model!r} leads out of the repository")
    return Listing(name, counts["files_train"], counts["files_val"], model)


def _entry(manifest: Any, section: str, name: str) -> dict[str, Any]:
    entries = manifest.get(section) if isinstance(manifest, dict) else None
    found = [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
    for item in found:
        if item.get("name") == name:
            return item
    known = ", ".join(str(item.get("name")) for item in found) or "none"
    raise DataError(f"{MANIFEST}: no {name!r} under {section}; it lists: {known}")


@dataclass(frozen=True)
class Fetched:
    """A fetched data set and which of its files were brought now or were whole already."""

    dataset: DataSet
    downloaded: tuple[Path, ...]
    kept: tuple[Path, ...]

    def __str__(self) -> str:
        return (
            f"{self.dataset.folder}: {len(self.downloaded)} files fetched, {len(self.kept)} were whole already; "
            f"{self.dataset.facts.train_tokens:,} training and {self.dataset.facts.val_tokens:,} validation tokens; "
            f"tokenizer {self.dataset.tokenizer}"
        )


def fetch(
    variant: str = "sp1024",
    shards: int | None = None,
    dest: Path = Path("data"),
    source: Source | None = None,
    progress: Progress = lambda line: None,
    cache: Path | None = None,
) -> Fetched:
    """Bring a variant's validation shards, its first `shards` training shards (None: all) and its tokenizer.

    source: None for where the variant is known to lie.

    They lie under `dest` as the challenge's scripts expect: `datasets/<name>/` and `tokenizers/`. The whole data
    set is checked at the end. Interrupted or run again, it keeps every file that is whole; a second fetch into
    the same folder waits for the first.
    """
    hosted = hosted_as(variant)
    source = source or Source(hosted.repository)
    staging = dest / ".fetch"
    with locked(dest / ".fetch.lock"):
        shutil.rmtree(staging, ignore_errors=True)  # of a fetch that was killed
        try:
            manifest = source.download(f"{ROOT}/{MANIFEST}", staging, retry=False)
            listing = read_manifest(manifest, hosted.name)
            wanted = _wanted_shards(listing, shards, source, hosted.sidecars)
            keeper = _Keeper(source, staging, dest, len(wanted) + 1, progress, cache)
            tokenizer = keeper.bring(listing.model_path, load_tokenizer)
            for name in wanted:
                keeper.bring(name, shard_tokens)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    folder = dest / "datasets" / listing.name
    vocab_size = load_tokenizer(tokenizer).vocab_size()
    dataset = open_dataset(folder, tokenizer, vocab_size, listing.name, cache, progress)
    return Fetched(dataset, tuple(keeper.downloaded), tuple(keeper.kept))


def _wanted_shards(listing: Listing, shards: int | None, source: Source, sidecars: bool) -> list[str]:
    count = listing.train_shards if shards is None else shards
    if not 1 <= count <= listing.train_shards:
        raise DataError(
            f"--shards {count}: {source.repository} has 1 to {listing.train_shards} training shards of {listing.name}"
        )
    splits = ("val", "val_bytes") if sidecars else ("val",)
    validation = [listing.shard(split, index) for split in splits for index in range(listing.val_shards)]
    return validation + [listing.shard("train", index) for index in range(count)]


class _Keeper:
    """Brings files one by one into their places, and keeps what is whole."""

    def __init__(
        self,
        source: Source,
        staging: Path,
        dest: Path,
        total: int,
        progress: Progress,
        cache: Path | None = None,
    ) -> None:
        self.source, self.staging, self.dest, self.total, self.progress = source, staging, dest, total, progress
        self.cache = cache_root(cache)
        self.downloaded: list[Path] = []
        self.kept: list[Path] = []

    def bring(self, name: str, check: Callable[[Path], object]) -> Path:
        """The file `name` in its place under `dest`; `check` raises a DataError when a file is not whole."""
        place = self.dest / name
        nth = f"[{len(self.downloaded) + len(self.kept) + 1}/{self.total}]"
        stated = self.source.stated(f"{ROOT}/{name}")
        wrong = self._problem(place, check, stated) if place.is_file() else None
        if wrong == "":
            self.progress(f"{nth} {name}: already whole")
            self.kept.append(place)
            return place
        self.progress(f"{nth} {name}: fetching" + (f" again: here it is {wrong}" if wrong else ""))
        file = self.source.download(f"{ROOT}/{name}", self.staging, retry=True)
        # The staging folder is gone when the user reads this; what counts is that the hub's file is wrong.
        if damaged := self._problem(file, check, stated):
            raise DataError(f"{self.source.repository}: {name} arrived damaged: {damaged}; try again later")
        _move_durably(file, place)
        self.downloaded.append(place)
        return place

    def _problem(self, path: Path, check: Callable[[Path], object], stated: Stated) -> str:
        """What is wrong with a file by its own header and by what the hub states; empty where nothing is."""
        try:
            check(path)
        except DataError as error:
            return str(error).removeprefix(f"{path}: ").split(";")[0]
        return stated.problem(path, self._sha256)

    def _sha256(self, path: Path) -> str:
        """A shard's hash as it will be asked for again when the data set is opened; that of any other file."""
        is_shard = path.suffix == ".bin" and path.is_relative_to(self.dest) and self.staging not in path.parents
        return shard_facts(path, self.cache).sha256 if is_shard else sha256_file(path)


def _move_durably(file: Path, place: Path) -> None:
    """Flush a downloaded file to the device, then rename it into place."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    place.parent.mkdir(parents=True, exist_ok=True)
    file.replace(place)
