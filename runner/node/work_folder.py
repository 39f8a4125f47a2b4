"""The folders that a script works in: what lies there before it runs, and which file it leaves is the artifact."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runner.data.dataset import DataSet
from runner.errors import DataError, UserError
from runner.files import copy_hashed, remove_tree
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import KeptBytes, KeptEnded, Message, Remark
from runner.node.orphans import LOCK
from runner.printable import cut
from runner.results.runs import LeftFile, Leftovers
from runner.untrusted import read_bytes, reason_of

SCRIPT_NAME = "train_gpt.py"
MAX_ARTIFACT_BYTES = 128 << 20
"""An artifact larger than this is not brought back, nor is any other file that a script left."""
KEPT_NAME = "kept_weights.safetensors"
"""What a script is told to call the weights that it keeps, in its own folder."""
MAX_KEPT_BYTES = 8 << 30
PIECE_BYTES = 4 << 20
MOST_LOOKED_AT, DEEPEST, MOST_NAMED = 10_000, 8, 50
"""Of what a script left: entries and folders' depth that are looked at, and files that are named."""


def lay_out(folder: Path, spec: AttemptSpec) -> None:
    """A folder with the script and what belongs beside it."""
    folder.mkdir()
    (folder / SCRIPT_NAME).write_bytes(spec.script)
    for name, content in spec.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def kept_weights(folder: Path) -> Iterator[Message]:
    """The pieces of the weights that training kept, raw numbers that nobody reads here, then their size and hash; a
    remark where there is no file that may be brought back."""
    try:
        handle = os.open(folder / KEPT_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        yield Remark(f"its weights were not kept: {error.strerror}")
        return
    with os.fdopen(handle, "rb") as file:
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode) or told.st_size > MAX_KEPT_BYTES:
            yield Remark(f"its weights were not kept: {KEPT_NAME} is no file of at most {MAX_KEPT_BYTES:,} bytes")
            return
        digest, size = hashlib.sha256(), 0
        while size < MAX_KEPT_BYTES and (piece := file.read(PIECE_BYTES)):
            digest.update(piece)
            size += len(piece)
            yield KeptBytes(piece)
    yield KeptEnded(size, digest.hexdigest())


def forget_training(base: Path) -> None:
    """Remove whatever training left in the attempt's folder, or the fresh process could find it there.

    Only the lock stays, without content. OSError where something cannot be removed.
    """
    for path in list(base.iterdir()):
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        elif path.name == LOCK and path.is_file() and not path.is_symlink():
            os.truncate(path, 0)
        else:
            path.unlink()
    left = sorted({path.name for path in base.iterdir()} - {LOCK})
    if left:
        raise OSError(f"{left[0]}: training left it beside its folder, and it cannot be removed")


def fresh_folder(
    base: Path, spec: AttemptSpec, artifact: tuple[str, bytes], data: DataSet
) -> tuple[Path, Path, Path]:
    """A folder with script and artifact alone, and beside it one with the tokenizer and the validation shards.

    Sidecars that tell the shards' bytes come with them. All are copies of their bytes and of nothing else: no link
    leads back to training data, and an attribute of a file stays behind. artifact: its name and content. Returns
    (working folder, data folder, tokenizer). DataError where a file is not what the job was planned with: training
    may have written to it.
    """
    folder, shards = base / "eval", base / "eval-data"
    lay_out(folder, spec)
    shards.mkdir()
    name, content = artifact
    (folder / name).write_bytes(content)
    for path in (*data.val_files, *data.sidecars, data.tokenizer):
        copied = copy_hashed(path, shards / path.name)
        known = data.facts.files[path.name]
        if copied != known:
            raise DataError(
                f"{path.name} changed while the seed was trained: its SHA-256 began with {known[:12]}, and is "
                f"{copied[:12]} now; nothing was scored. Restore {path}, and keep the script from writing there"
            )
    return folder, shards, shards / data.tokenizer.name


def still_is(path: Path, content: bytes) -> bool:
    """Whether a file still holds this. What a script may have put in its place is not opened: a pipe never ends."""
    try:
        return read_bytes(path, len(content)) == content
    except UserError:
        return False


def find_artifact(folder: Path, spec: AttemptSpec) -> Path | None:
    """The compressed weights that training left: of several that fit the job's pattern, the last one written.

    By the time of a file's last change of state, which no script can set.
    """
    pattern = spec.artifact_name if spec.outputs is None else spec.outputs.artifact
    found = [path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()]
    return max(found, key=lambda path: path.stat().st_ctime_ns, default=None)


def left_behind(folder: Path, spec: AttemptSpec) -> tuple[Leftovers, bytes]:
    """What training left beside the files that it was given, and the content of the largest that may be brought back.

    Only regular files count; a link is never followed. Of several as large, the first by name.
    """
    given = {SCRIPT_NAME, *spec.files}
    looked_at, whole = _regular_files(folder)
    found = [(path, size) for path, size in looked_at if path.relative_to(folder).as_posix() not in given]
    found.sort(key=lambda item: (-item[1], item[0].as_posix()))
    names = [cut(path.relative_to(folder).as_posix(), 200) for path, _ in found]
    leftovers = Leftovers(
        wanted=spec.artifact_name if spec.outputs is None else spec.outputs.artifact,
        files=[LeftFile(name=name, bytes=size) for name, (_, size) in zip(names[:MOST_NAMED], found, strict=False)],
        more=max(0, len(found) - MOST_NAMED),
        uncounted=not whole,
    )
    for name, (path, size) in zip(names, found, strict=True):
        if 0 < size <= MAX_ARTIFACT_BYTES:
            try:
                return leftovers.model_copy(update={"kept": name}), read_bytes(path, MAX_ARTIFACT_BYTES)
            except UserError as error:
                told = f"it could not be read: {reason_of(error)}"
                return leftovers.model_copy(update={"not_kept": told}), b""
    told = f"each is empty or over {MAX_ARTIFACT_BYTES:,} bytes" if found else "there was none"
    return leftovers.model_copy(update={"not_kept": told}), b""


def _regular_files(folder: Path) -> tuple[list[tuple[Path, int]], bool]:
    """(file, bytes) of a folder and those below it, and whether they are all."""
    found: list[tuple[Path, int]] = []
    whole, seen = True, 0
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        for entry in _entries(place):
            seen += 1
            if seen > MOST_LOOKED_AT:
                return found, False
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth == DEEPEST:
                        whole = False
                    elif entry.name != "__pycache__":
                        waiting.append((Path(entry.path), depth + 1))
                elif entry.is_file(follow_symlinks=False):
                    found.append((Path(entry.path), entry.stat(follow_symlinks=False).st_size))
            except OSError:
                whole = False
    return found, whole


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """A folder's entries; none of one that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return
