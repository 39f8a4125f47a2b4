"""The files of a record folder, told apart by name: logs, scripts, README, submission.json.

Nothing is opened here. Links are not followed, so that a folder cannot make its reader look elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from runner.errors import UserError
from runner.untrusted import is_regular, walked

MOST_FILES = 5_000
LOG_NAMES = re.compile(
    r"\.(?:log|txt|out|err|stdout|console)$|(?:^|[_.-])log(?:s|file)?(?:$|[_.-]\w{0,20}$)", re.IGNORECASE
)
NO_LOGS = re.compile(
    r"^requirements|\.(?:md|py|json|jsonl|ya?ml|toml|sh|ipynb|csv|tsv|png|jpe?g|gif|svg|pdf|pt|ptz|bin|npz?|npy|model|vocab|gz|zip"
    r"|xz|zst|bz2|html|diff|patch|lzma|safetensors|cu|c|cpp|h)$|^(?:readme|license|copying|sha256sums|pr_body|notes?|todo)\b",
    re.IGNORECASE,
)
MISNAMED = re.compile(r"^submission[\w-]{0,60}\.json(?:\.txt)?$", re.IGNORECASE)
"""Names that were meant for submission.json; those that only look like it are told by `_looks_like_it`."""
ALIKE = 0.85
"""How like `submission` a name has to be, of 1."""
SKIPPED = {".git", "__pycache__", "node_modules", ".venv"}
RECORD_SIGNS = {"submission.json", "train_gpt.py"}


@dataclass(frozen=True)
class Folder:
    """What lies in a record folder; paths are relative to it, with forward slashes."""

    path: Path
    logs: tuple[str, ...]
    scripts: tuple[str, ...]
    """All *.py at the top, `train_gpt.py` first; where there is none, any train_gpt.py below."""
    modules: tuple[str, ...]
    """All other *.py, in subfolders."""
    readme: str | None
    submission: str | None
    """submission.json, or the file that was meant for it."""

    @property
    def script(self) -> str | None:
        """The program that the entry is: train_gpt.py, or the one that looks most like it."""
        if not self.scripts:
            return None
        return min(
            self.scripts,
            key=lambda name: (
                name.rpartition("/")[2] != "train_gpt.py",
                "train" not in name.lower(),
                -(self.path / name).stat().st_size,
            ),
        )


def open_folder(path: Path) -> Folder:
    """The files of the record at `path`. UserError if there is no folder, or nothing in it that a record has."""
    try:
        if not path.is_dir():
            raise UserError(f"{path}: {'is a file, not' if path.exists() else 'there is no such'} record folder")
        names = sorted(_files(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    top = [name for name in names if "/" not in name]
    scripts = sorted((name for name in top if name.endswith(".py")), key=lambda name: (name != "train_gpt.py", name))
    folder = Folder(
        path=path,
        logs=tuple(name for name in names if is_log(name)),
        scripts=tuple(scripts) or tuple(name for name in names if name.endswith("/train_gpt.py")),
        modules=tuple(name for name in names if name.endswith(".py") and "/" in name),
        readme=next(
            (name for name in top if re.fullmatch(r"readme(?:\.(?:md|txt|rst|markdown))?", name, re.I)), None
        ),
        submission=next((name for name in top if name.lower() == "submission.json"), None)
        or next((name for name in top if MISNAMED.search(name) or _looks_like_it(name)), None),
    )
    if not (folder.logs or folder.scripts or folder.readme or folder.submission):
        raise UserError(f"{path}: holds no log, script, README or submission.json; give a record's own folder")
    return folder


def _looks_like_it(name: str) -> bool:
    """Whether a name is submission.json with letters left out, doubled or exchanged."""
    stem, _, ending = name.lower().rpartition(".")
    return ending == "json" and len(stem) < 20 and SequenceMatcher(None, stem, "submission").ratio() > ALIKE


def is_log(name: str) -> bool:
    """Whether a file's name could be a log's."""
    last = name.rpartition("/")[2]
    return bool(LOG_NAMES.search(last)) and not NO_LOGS.search(last)


def _files(root: Path) -> Iterator[str]:
    count = 0
    for base, folders, files in walked(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            path = base / name
            if not is_regular(path):
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield path.relative_to(root).as_posix()


def find_records(root: Path) -> list[Path]:
    """Every record folder under `root`: one that holds submission.json, train_gpt.py, or a README beside a log.

    One that holds logs alone is a record, too, where it lies beside others: else a record without all that it needs
    would be passed over in silence.
    """
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder")
    found: list[Path] = []
    bare: list[Path] = []
    for base, folders, files in walked(root):
        names = {name.lower() for name in files}
        has_log = any(is_log(name) for name in files)
        if names & RECORD_SIGNS or ("readme.md" in names and has_log):
            found.append(base)
            folders[:] = []  # what lies inside belongs to it
        else:
            folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
            if has_log and not folders:
                bare.append(base)
    places = {folder.parent for folder in found}
    return sorted([*found, *(folder for folder in bare if folder.parent in places)])
