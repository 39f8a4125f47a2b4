"""Logs of a run as they are written: one seed's as it stands, several with the seed before each line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.drive.status import last_entries, run_state
from runner.errors import UserError
from runner.folder.paths import AttemptFolder, RunFolder
from runner.listing import listed

POLL_S = 0.5
PIECE = 1 << 16


class SeedLog:
    """What one seed's newest attempt wrote that was not yet given out; a new attempt is followed from its start."""

    def __init__(self, run: RunFolder, seed: int) -> None:
        self.run = run
        self.seed = seed
        self.attempt: AttemptFolder | None = None
        self.read: dict[str, int] = {}
        self.partial = b""

    def lines(self) -> Iterator[bytes]:
        """Whole lines that are new, both phases in order."""
        attempts = self.run.attempts(self.seed)
        if attempts and attempts[-1] != self.attempt:
            yield from self._new()
            yield from filter(None, [self.rest()])
            self.attempt, self.read = attempts[-1], {}
        yield from self._new()

    def _new(self) -> Iterator[bytes]:
        """What the attempt that is followed wrote since; a line that does not end is given out in parts."""
        if self.attempt is None:
            return
        for phase in ("train", "eval"):
            for piece in self._pieces(phase, self.attempt.log(phase)):
                if phase not in self.read:
                    yield from filter(None, [self.rest()])  # of the phase before
                self.read[phase] = self.read.get(phase, 0) + len(piece)
                *lines, self.partial = (self.partial + piece).split(b"\n")
                yield from (line + b"\n" for line in lines)
                if len(self.partial) > PIECE:
                    yield self.rest()

    def rest(self) -> bytes:
        """The end of a log that does not end with a line's end."""
        left, self.partial = self.partial, b""
        return left + b"\n" if left else b""

    def _pieces(self, phase: str, path: Path) -> Iterator[bytes]:
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self.read.get(phase, 0))
            while piece := file.read(PIECE):
                yield piece


def chosen_seeds(run: RunFolder, seed: int | None) -> list[int]:
    """The seeds whose logs are meant; UserError where the run does not have it."""
    seeds = list(last_entries(run))
    if seed is not None and seed not in seeds:
        raise UserError(f"{run.path.name}: has no seed {seed}; registered are {listed(seeds) or 'none'}")
    return seeds if seed is None else [seed]


def follow(
    run: RunFolder, seed: int | None, write: Callable[[bytes], object], *, until_end: bool, sleep: float = POLL_S
) -> None:
    """Write the logs of a run's seeds; with `until_end`, go on until no driver is at work on it."""
    logs = [SeedLog(run, number) for number in chosen_seeds(run, seed)]
    over = False
    while not over:
        over = not until_end or run_state(run) != "running"
        for log in logs:
            head = f"seed {log.seed} | ".encode() if len(logs) > 1 else b""
            for line in log.lines():
                write(head + line)
            if over and (rest := log.rest()):
                write(head + rest)
        if not over:
            time.sleep(sleep)
