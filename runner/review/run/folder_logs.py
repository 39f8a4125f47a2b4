"""A folder's logs, and which of them decide anything.

A log counts where the code size that it prints, if any, is one of this script's; where the folder claims scores and
some logs show one of them, only these count. Lines of the script itself, as some logs hold them, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from runner.audit.reading.folder import is_log
from runner.audit.reading.text import read_lines
from runner.errors import UserError
from runner.review.run.run_sources import code_sizes
from runner.review.source.unwrap import Reviewed
from runner.untrusted import is_regular, walked

MOST_LOGS = 24
MOST_LOG_LINES = 60_000


@dataclass(frozen=True)
class Log:
    """A log, and whether it decides anything."""

    name: str
    lines: tuple[str, ...]
    counts: bool
    why_not: str = ""
    claimed: bool = False
    """Whether it shows a score that the folder claims."""


def sizes_of(reviewed: Reviewed) -> set[int]:
    """The sizes that a script may print of its own code: of each text, of the file, and of all files together."""
    texts = reviewed.texts
    files = [text for text in texts if text.kind in ("file", "beside")]
    sizes = {text.size for text in texts} | {len(text.text) for text in texts}
    sizes |= {len(text.text.encode("utf-8", "replace")) for text in texts}
    total = 0
    for text in files:
        total += text.size
        sizes.add(total)
        sizes.add(texts[0].size + text.size)
    return sizes


def logs_of(folder: Path, reviewed: Reviewed, claimed: set[str]) -> list[Log]:
    """Every log of a folder that can be read; `claimed` are the scores that it claims, as text."""
    own = {line.strip() for text in reviewed.texts for line in text.text.split("\n")}
    sizes = sizes_of(reviewed)
    found: list[Log] = []
    for path in _log_files(folder):
        try:
            lines = tuple("" if line.strip() in own else line for line in lines_of(path))
        except (UserError, OSError):
            continue
        name = path.relative_to(folder).as_posix()
        printed = code_sizes(list(lines))
        fits = not printed or bool(sizes & set(printed))
        why = "" if fits else f"its code size, {printed[-1]:,} B, is not this file's, so it decides nothing"
        shows = any(score in line for line in lines if "bpb" in line.lower() for score in claimed)
        found.append(Log(name, lines, fits, why, shows))
    if any(log.counts and log.claimed for log in found):
        return [log if log.claimed else replace(log, counts=False) for log in found]
    return found


def _log_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for base, folders, files in walked(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        if len(base.relative_to(folder).parts) > 2:
            folders[:] = []
        found += [base / name for name in files if is_log(name) and is_regular(base / name)]
    return sorted(found, key=lambda path: (len(path.parts), path.name))[:MOST_LOGS]


def lines_of(path: Path) -> tuple[str, ...]:
    """A text's lines, each at its own number less one; of a line that was written over, its last state."""
    lines: list[str] = []
    for number, text in read_lines(path):
        if number > MOST_LOG_LINES:
            break
        lines += [""] * (number - len(lines))
        lines[number - 1] = text
    return tuple(lines)
