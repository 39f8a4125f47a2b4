"""The record folder: everything of one judged job in one place, there completely or not at all.

<root>/records | rejected | unverified | repacked / <track> / <date>_<name>/, by the verdict; of a variant whose name
is taken <date>_<name>_<what it has other>_<hash8>/. The folder is built beside its place and renamed in; the run's
earlier record, wherever it stands in the track, gives way to it. What is not a record of this very run is never
touched. The compressed weights are not copied.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.record.joined import Content, content_sha256, joined, write_content
from reports.record.names import file_name, file_word, tokenizer_file
from reports.record.pages import pages, results_json
from runner.errors import UserError
from runner.files import sha256_files
from runner.record.files import CHECKSUMS
from runner.record.variants import shown
from runner.results.frozen import VerdictStatus
from runner.results.record import RecordData
from runner.untrusted import files_below, read_json, read_text

FOLDERS: dict[VerdictStatus, str] = {
    "passed": "records",
    "rejected": "rejected",
    "unverified": "unverified",
    "repacked": "repacked",
}

LABEL_FIELDS = 3
"""Fields that stand in the name of a variant's folder, at most."""
LogSource = bytes | Path | Sequence[Path]
"""A seed's log: its bytes, a file, or files to be put one after the other."""


@dataclass(frozen=True)
class RecordFiles:
    """What a record holds beside the pages made from its data."""

    script: bytes
    """train_gpt.py as it ran."""
    flat_script: str | None = None
    """Its readable twin."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lay beside somebody else's script, by name."""
    logs: Mapping[int, LogSource] = field(default_factory=dict)
    """Seed -> log; a seed that never started has none."""
    ledger: Path | None = None
    """ledger.jsonl of the run folder."""
    tokenizer: Path | None = None
    """The tokenizer's model, where it is none that everybody has."""


def record_path(data: RecordData, root: Path) -> Path:
    """Where the record of `data` belongs under `root`; it never takes the place of anything else.

    Raises OSError if both its names are taken by something that is not a record of this run.
    """
    parent = root / FOLDERS[data.verdict.status] / file_name(data.track)
    names = record_names(data.date, data.name, data.run)
    label = _variant_label(data, parent / names[0])
    names = (names[0], f"{names[0]}_{label}_{run_mark(data.run)}") if label else names
    for name in names:
        if not os.path.lexists(parent / name) or stored_record(parent / name, data.run) is not None:
            return parent / name
    taken = " and ".join(f"{name}/" for name in names)
    raise FileExistsError(f"{parent}: {taken} are not records of run {data.run}; move one of them away")


def record_names(date: str, name: str, run: str) -> tuple[str, str]:
    """What a record's folder is called, and what it is called where that name is taken."""
    stem = f"{file_name(date)}_{file_name(name)}" if date else file_name(name)
    return stem, f"{stem}_{run_mark(run)}"


def is_record_name(folder: str, date: str, name: str, run: str) -> bool:
    """Whether a record of this run may have been given this name by golf."""
    stem, longer = record_names(date, name, run)
    return folder in (stem, longer) or (folder.startswith(f"{stem}_") and folder.endswith(f"_{run_mark(run)}"))


def _variant_label(data: RecordData, taken: Path) -> str:
    """What this run has other than the one whose record has the plain name: `num_layers-9_matrix_lr-0.02`; or ''."""
    try:
        stored = read_json(taken / "results.json")
    except UserError:
        return ""
    other = stored.get("run") if isinstance(stored, dict) else None
    fields = next((variant.fields for variant in data.variants if variant.run == other), [])
    words = [f"{change.field.rpartition('.')[2]}-{shown(change.here)}" for change in fields[:LABEL_FIELDS]]
    return file_word("_".join(words))


def run_mark(run: str) -> str:
    """Eight characters that tell runs of one name apart: the hash at the end of the run folder's name."""
    return file_name(run)[-8:]


def stored_record(place: Path, run: str) -> dict[str, Any] | None:
    """results.json of a record of this run that has nothing in it but what its checksums list; else None."""
    if place.is_symlink():
        return None
    try:
        stored = read_json(place / "results.json")
        listed = {line.split("  ", 1)[-1] for line in read_text(place / CHECKSUMS).splitlines()}
        held = {path.relative_to(place).as_posix() for path in files_below(place)}
    except UserError:
        return None
    ours = isinstance(stored, dict) and stored.get("run") == run and held <= {*listed, CHECKSUMS}
    return stored if ours else None


def write_record(data: RecordData, files: RecordFiles, root: Path) -> Path:
    """Write the record under `root`, remove the run's earlier ones from its track, and return the new folder.

    Raises ValueError if a passed verdict is about another script than the one given, and OSError (disk full,
    unreadable log, no free place); then the folder that stood there before still does, and nothing half-written is
    left. The caller sees to it that one run is recorded by one process at a time.
    """
    judged = {result.script_sha256 for result in data.results} | {item.script_sha256 for item in data.verifications}
    if data.verdict.status == "passed" and judged != {sha256_files(files.script, files.files)}:
        raise ValueError("the verdict is about another script than the one given")
    for folder in track_folders(data, root):
        _clear_up(folder, data.run)
    place = record_path(data, root)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=_hidden(place, data.run), suffix=".tmp", dir=place.parent))
    try:
        _fill(fresh, contents(data, files))
        fresh.chmod(0o755)
        _swap_in(fresh, place)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    for folder in track_folders(data, root):
        for other in sorted(folder.iterdir()):
            # A copy that somebody keeps under a name of their own is theirs.
            stored = None if other == place else stored_record(other, data.run)
            named = (str(stored.get("date")), str(stored.get("name"))) if stored else ("", "")
            if stored and is_record_name(other.name, *named, data.run):
                _remove(other, data.run)
    return place


def track_folders(data: RecordData, root: Path) -> list[Path]:
    """The folders, one for each verdict, in which this run may have left something."""
    folders = [root / verdict / file_name(data.track) for verdict in FOLDERS.values()]
    return [folder for folder in folders if folder.is_dir()]


def contents(data: RecordData, files: RecordFiles) -> dict[str, Content]:
    """File name -> content of the whole folder, SHA256SUMS last; logs are read in pieces, when they are written."""
    made: dict[str, Content] = {
        **pages(data),
        "results.json": results_json(data).encode(),
        "train_gpt.py": files.script,
    }
    made |= {f"files/{name}": content for name, content in files.files.items()}
    if files.flat_script is not None:
        made["train_gpt_flat.py"] = files.flat_script.encode()
    for seed, source in files.logs.items():
        made[f"train_seed{seed}.log"] = joined(source)
    if files.ledger is not None:
        made["ledger.jsonl"] = files.ledger.read_bytes()
    if files.tokenizer is not None:
        made[tokenizer_file(data.data.tokenizer)] = files.tokenizer.read_bytes()
    return {**made, CHECKSUMS: checksums({name: content_sha256(content) for name, content in made.items()}).encode()}


def checksums(hashes: Mapping[str, str]) -> str:
    """SHA256SUMS as text: name -> hash, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def _fill(folder: Path, made: Mapping[str, Content]) -> None:
    for name, content in made.items():
        write_content(folder / name, content)
    _sync(folder)


def _hidden(place: Path, run: str) -> str:
    """How the names begin under which this run's records are built and put aside for `place`."""
    return f".{place.name}.{run_mark(run)}."


def _clear_up(folder: Path, run: str) -> None:
    """Undo what a kill left half done: bring back a record that had stepped aside, remove the rest."""
    for path in sorted(folder.glob(f".*.{run_mark(run)}.*")):
        name, *middle, kind = path.name[1:].rsplit(".", 3)
        if len(middle) != 2 or middle[0] != run_mark(run) or kind not in ("old", "tmp"):
            continue
        if kind == "old" and not os.path.lexists(folder / name) and stored_record(path, run) is not None:
            path.rename(folder / name)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _swap_in(fresh: Path, place: Path) -> None:
    """Rename `fresh` to `place`; what stood there steps aside first, and comes back if that fails."""
    aside = fresh.with_suffix(".old")
    replaced = place.exists()
    if replaced:
        place.rename(aside)
    try:
        fresh.rename(place)
    except BaseException:
        if replaced:
            aside.rename(place)
        raise
    _sync(place.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _remove(place: Path, run: str) -> None:
    """Take a whole record away: out of sight in one step, then piece by piece."""
    aside = Path(tempfile.mkdtemp(prefix=_hidden(place, run), suffix=".tmp", dir=place.parent))
    place.rename(aside)
    _sync(place.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Make renames in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
