"""Logs of a run as they are written: one seed's as it stands, several with the seed before each line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.drive.watch.status import last_entries, run_state
from runner.errors import UserError
from runner.folder.paths import AttemptFolder, RunFolder
from runner.folder.trainings import train_log
from runner.listing import listed
from runner.logs.exceptions import LONGEST_FOOTER, without_footer

POLL_S = 0.5
PIECE = 1 << 16
TAIL_BYTES = 16 << 20
"""Of the end of a log, as much is read for its last lines at most."""


class SeedLog:
    """What one seed's newest attempt wrote that was not yet given out; a new attempt is followed from its start."""

    def __init__(self, run: RunFolder, seed: int) -> None:
        self.run = run
        self.seed = seed
        self.attempt: AttemptFolder | None = None
        self.read: dict[Path, int] = {}
        """Log -> how much of it was read; that of a training which several attempts score is given out once."""
        self.current: Path | None = None
        self.partial = b""

    def lines(self) -> Iterator[bytes]:
        """Whole lines that are new, both phases in order."""
        attempts = self.run.attempts(self.seed)
        if attempts and attempts[-1] != self.attempt:
            yield from self._new()
            self.attempt = attempts[-1]
        yield from self._new()

    def last(self, number: int) -> list[bytes]:
        """The last lines of the newest attempt, both phases together; `lines` goes on after them."""
        attempts = self.run.attempts(self.seed)
        if not attempts:
            return []
        self.attempt = attempts[-1]
        found: list[bytes] = []
        for path in self._logs():
            if path.is_file():
                size, kept = last_lines(path, number)
                self.read[path], self.current = size, path
                found += kept
        return found[-number:]

    def _logs(self) -> list[Path]:
        """The logs of the attempt that is followed, in order."""
        if self.attempt is None:
            return []
        return [train_log(self.run, self.seed, self.attempt), self.attempt.log("eval")]

    def _new(self) -> Iterator[bytes]:
        """What the attempt that is followed wrote since; a line that does not end is given out in parts."""
        for path in self._logs():
            for piece in self._pieces(path):
                if path != self.current:
                    yield from filter(None, [self.rest()])  # of the log before
                    self.current = path
                self.read[path] = self.read.get(path, 0) + len(piece)
                *lines, self.partial = (self.partial + piece).split(b"\n")
                yield from (line + b"\n" for line in lines)
                if len(self.partial) > PIECE:
                    yield self.rest()

    def rest(self) -> bytes:
        """The end of a log that does not end with a line's end."""
        left, self.partial = self.partial, b""
        return left + b"\n" if left else b""

    def _pieces(self, path: Path) -> Iterator[bytes]:
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self.read.get(path, 0))
            while piece := file.read(PIECE):
                yield piece


def last_lines(path: Path, number: int) -> tuple[int, list[bytes]]:
    """(bytes of a file, its last lines that are not torchrun's own, each with a line's end).

    Of lines that are longer than TAIL_BYTES together, the end.
    """
    wanted, step = number + LONGEST_FOOTER, PIECE
    with path.open("rb") as file:
        size = begin = file.seek(0, os.SEEK_END)
        found = b""
        while begin > 0 and found.count(b"\n") <= wanted and len(found) < TAIL_BYTES:
            begin, step = max(0, size - step), 2 * step
            file.seek(begin)
            found = file.read(size - begin)
    lines = found.split(b"\n")
    lines = without_footer(lines[:-1] if lines[-1] == b"" else lines)
    return size, [line + b"\n" for line in lines[-number:]]


def chosen_seeds(run: RunFolder, seed: int | None) -> list[int]:
    """The seeds whose logs are meant; UserError where the run does not have it."""
    seeds = list(last_entries(run))
    if seed is not None and seed not in seeds:
        raise UserError(f"{run.path.name}: has no seed {seed}; registered are {listed(seeds) or 'none'}")
    return seeds if seed is None else [seed]


def follow(
    run: RunFolder,
    seed: int | None,
    write: Callable[[bytes], object],
    *,
    until_end: bool,
    sleep: float = POLL_S,
    tail: int | None = None,
) -> None:
    """Write the logs of a run's seeds; with `until_end`, go on until no driver is at work on it.

    tail: begin with so many of each seed's last lines; None: with its first one.
    """
    logs = [SeedLog(run, number) for number in chosen_seeds(run, seed)]
    heads = [f"seed {log.seed} | ".encode() if len(logs) > 1 else b"" for log in logs]
    if tail is not None:
        for head, log in zip(heads, logs, strict=True):
            for line in log.last(tail):
                write(head + line)
        if not until_end:
            return
    over = False
    while not over:
        over = not until_end or run_state(run) != "running"
        for head, log in zip(heads, logs, strict=True):
            for line in log.lines():
                write(head + line)
            if over and (rest := log.rest()):
                write(head + rest)
        if not over:
            time.sleep(sleep)
