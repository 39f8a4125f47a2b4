"""The record folder: everything of one judged job in one place, there completely or not at all.

<root>/records | rejected | unverified / <track> / <date>_<name>/, by the verdict. The folder is built beside its
place and renamed in; one of the same name gives way to it. The compressed weights are not copied.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reports.names import file_name
from reports.readme import render_readme
from reports.submission import submission_json
from reports.tables import seed_table, to_csv
from runner.files import sha256_bytes, write_atomic
from runner.results import RecordData, VerdictStatus

FOLDERS: dict[VerdictStatus, str] = {"passed": "records", "rejected": "rejected", "unverified": "unverified"}

LogSource = bytes | Path | Sequence[Path]
"""A seed's log: its bytes, a file, or files to be put one after the other."""


@dataclass(frozen=True)
class RecordFiles:
    """What a record holds beside the pages made from its data."""

    script: bytes
    """train_gpt.py as it ran."""
    flat_script: str | None = None
    """Its readable twin."""
    logs: Mapping[int, LogSource] = field(default_factory=dict)
    """Seed -> log; a seed that never started has none."""
    ledger: Path | None = None
    """ledger.jsonl of the run folder."""


def record_path(data: RecordData, root: Path) -> Path:
    """Where the record of `data` belongs under `root`; it never takes the place of another run's record."""
    stem = f"{file_name(data.date)}_{file_name(data.name)}" if data.date else file_name(data.name)
    parent = root / FOLDERS[data.verdict.status] / file_name(data.track)
    if recorded_run(parent / stem) in (None, data.run):
        return parent / stem
    return parent / f"{stem}_{file_name(data.run)[-8:]}"


def recorded_run(place: Path) -> str | None:
    """Which run the record at `place` is of; None where there is no record."""
    try:
        run = json.loads((place / "results.json").read_bytes()).get("run")
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError):
        return ""
    return run if isinstance(run, str) else ""


def write_record(data: RecordData, files: RecordFiles, root: Path) -> Path:
    """Write the record under `root` and return its folder.

    Raises ValueError if a passed verdict is about another script than the one given, and OSError (disk full,
    unreadable log); then the folder that stood there before still does, and nothing half-written is left.
    """
    judged = {result.script_sha256 for result in data.results} | {item.script_sha256 for item in data.verifications}
    if data.verdict.status == "passed" and judged != {sha256_bytes(files.script)}:
        raise ValueError("the verdict is about another script than the one given")
    place = record_path(data, root)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
    try:
        _fill(fresh, contents(data, files))
        fresh.chmod(0o755)
        _swap_in(fresh, place)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return place


def contents(data: RecordData, files: RecordFiles) -> dict[str, bytes]:
    """File name -> bytes of the whole folder, SHA256SUMS last."""
    made: dict[str, bytes] = {
        "README.md": render_readme(data).encode(),
        "submission.json": submission_json(data).encode(),
        "results.json": results_json(data).encode(),
        "results.csv": to_csv(seed_table(data)).encode(),
        "train_gpt.py": files.script,
    }
    if files.flat_script is not None:
        made["train_gpt_flat.py"] = files.flat_script.encode()
    for seed, source in files.logs.items():
        made[f"train_seed{seed}.log"] = _log(source)
    if files.ledger is not None:
        made["ledger.jsonl"] = files.ledger.read_bytes()
    sums = "".join(f"{sha256_bytes(content)}  {name}\n" for name, content in sorted(made.items()))
    return {**made, "SHA256SUMS": sums.encode()}


def results_json(data: RecordData) -> str:
    """The whole data as JSON; read back and written again it is the same bytes."""
    return data.model_dump_json(indent=2) + "\n"


def _log(source: LogSource) -> bytes:
    if isinstance(source, bytes):
        return source
    paths: Iterable[Path] = [source] if isinstance(source, Path) else source
    parts = [path.read_bytes() for path in paths]
    return b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts)


def _fill(folder: Path, made: Mapping[str, bytes]) -> None:
    for name, content in made.items():
        write_atomic(folder / name, content)
    _sync(folder)


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


def _sync(folder: Path) -> None:
    """Make renames in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
