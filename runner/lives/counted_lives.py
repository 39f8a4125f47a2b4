"""Which earlier lives of a seed its checkpoints are made of: those that the ledger knows, and no others.

A checkpoint is worth the time that went into it, so it may be used only where all of that is counted. The node
holds notes (runner.lives.checkpoint_store), the driver a ledger and logs; they must agree. What a file cannot be told
is when its state last changed (ctime), so a checkpoint that was put there while no counted life lived is found out,
and so is a note that was written again later. All times of one comparison are of one file system's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.logs.clocks import JOURNAL_EVERY_S, JOURNAL_LATE_S, journal_clocks
from runner.results.phases import Segment
from runner.untrusted import read_json

LARGEST_NOTE = 1 << 20
MOST_ENTRIES = 10_000
"""Of a folder of checkpoints; one process writes one file for each."""
MORE_S = JOURNAL_EVERY_S + JOURNAL_LATE_S
"""How long after its supervisor's last note a life may have trained."""
SLACK_S = 2.0
"""How much later than that it may have written a checkpoint: it is killed after its supervisor."""
STARTED_WITHIN_S = 30.0
"""Longest time from the note that a life begins to its process, and how far the wall clock may have been set."""
SAME_S = 0.5
"""How far a log's own clock may run ahead of the supervisor's."""


@dataclass(frozen=True)
class KnownLife:
    """An earlier attempt of a seed that trained, as the driver knows it."""

    attempt: int
    launch: str
    """Hash of the ledger's entry that queued it."""
    told_seconds: float | None = None
    """Training time that its log tells last, all lives together; None where it tells none."""


class NotCounted(Exception):
    """A checkpoint may not be used; says why."""


@dataclass(frozen=True)
class Noted:
    """A life as the node's notes have it."""

    life: Segment
    launch: str
    after: tuple[int, ...]
    """Attempts that it went on from."""
    began: float
    last: float
    """When its first and its last note were written, on the file system's clock."""


def counted_lives(notes: Path, checkpoints: Path, known: Sequence[KnownLife]) -> tuple[list[Segment], str]:
    """The lives that the checkpoints in a folder are made of, in order; and why they may not be used, or ''.

    notes: folder with `attempt-<n>.json` and `attempt-<n>.begun`. known: what the ledger and the logs tell.
    """
    try:
        numbers = sorted(
            int(number)
            for path in notes.glob("attempt-*.begun")
            if (number := path.stem.removeprefix("attempt-")).isdecimal() and number.isascii() and len(number) <= 9
        )
        if not numbers:
            raise NotCounted("nothing tells of the life that wrote it")
        last = read_note(notes, numbers[-1])
        lives = [*(read_note(notes, number) for number in last.after), last]
        require_known(lives, known)
        require_written_by(lives, checkpoints)
    except NotCounted as error:
        return [], f"a checkpoint was removed and the seed starts afresh: {error}"
    return [noted.life for noted in lives], ""


def read_note(notes: Path, attempt: int) -> Noted:
    """What is noted of a life. NotCounted where that cannot be read, or does not fit together."""
    begun, journal = notes / f"attempt-{attempt}.begun", notes / f"attempt-{attempt}.json"
    try:
        first = _json(begun)
        launch, after = first["launch"], first["after"]
        note = _json(journal)
        official, strict = journal_clocks(note)
        lived, late = float(note["now"]), float(note.get("late", 0.0))
        began, last = begun.stat().st_ctime, journal.stat().st_ctime
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotCounted(f"how long attempt {attempt} trained cannot be read") from None
    plain = isinstance(launch, str) and isinstance(after, list) and len(after) <= MOST_ENTRIES
    if (
        not plain
        or not all(isinstance(one, int) and 0 < one < attempt for one in after)
        or sorted(set(after)) != after
    ):
        raise NotCounted(f"the note of attempt {attempt} is none of ours")
    if not 0 <= official.low <= official.high <= strict.high <= lived + late + MORE_S:
        raise NotCounted(f"the note of attempt {attempt} tells of no possible time")
    if not -SLACK_S <= last - began - lived <= STARTED_WITHIN_S:
        raise NotCounted(f"the note of attempt {attempt} was not written by its supervisor, or the clock was set")
    life = Segment(attempt=attempt, clock=official, strict_clock=strict)
    return Noted(life, launch, tuple(after), began, last)


def require_known(lives: Sequence[Noted], known: Sequence[KnownLife]) -> None:
    """NotCounted unless the ledger launched each of these lives, and none is noted shorter than its log says."""
    by_attempt = {life.attempt: life for life in known}
    counted = 0.0
    for number, noted in enumerate(lives):
        attempt = noted.life.attempt
        ours = by_attempt.get(attempt)
        if ours is None or ours.launch != noted.launch:
            raise NotCounted(f"the ledger does not know the life that wrote it (attempt {attempt})")
        if list(noted.after) != [other.life.attempt for other in lives[:number]]:
            raise NotCounted(f"the note of a life before attempt {attempt} is missing")
        counted += noted.life.clock.high
        if ours.told_seconds is not None and ours.told_seconds > counted + SAME_S:
            told = f"the log of attempt {attempt} tells of {ours.told_seconds:.1f} s of training"
            raise NotCounted(f"{told}, the notes of {counted:.1f}")


def require_written_by(lives: Sequence[Noted], checkpoints: Path) -> None:
    """NotCounted unless everything in a folder of checkpoints was written while one of these lives lived."""
    for seen, path in enumerate(_below(checkpoints), start=1):
        try:
            status = path.lstat()
        except OSError:
            raise NotCounted("it cannot be read") from None
        if seen > MOST_ENTRIES or path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise NotCounted("what lies there is no checkpoint of ours")
        if not any(noted.began - SLACK_S <= status.st_ctime <= noted.last + MORE_S + SLACK_S for noted in lives):
            raise NotCounted("it was put there while no life of this seed that is counted was training")


def any_entry(folder: Path) -> bool:
    """Whether anything lies in a folder."""
    try:
        return any(True for _ in folder.iterdir())
    except OSError:
        return False


def _below(folder: Path) -> Iterator[Path]:
    """What lies in a folder of checkpoints, and in the folders in it."""
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from islice(path.iterdir(), MOST_ENTRIES)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path, LARGEST_NOTE)
    except UserError as error:
        raise ValueError(str(error)) from None
    if not isinstance(value, dict):
        raise TypeError(path)
    return value
