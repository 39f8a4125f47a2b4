"""Logs of a run as they are written: one seed's as it stands, several with the seed before each line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.errors import UserError
from runner.paths import AttemptFolder, RunFolder
from runner.status import run_state, seed_states

POLL_S = 0.5
PIECE = 1 << 16
LONGEST = 1 << 20


class SeedLog:
    """What one seed's newest attempt wrote that was not yet given out; a new attempt is followed from its start."""

    def __init__(self, run: RunFolder, seed: int) -> None:
        self.run = run
        self.seed = seed
        self.attempt: AttemptFolder | None = None
        self.read: dict[str, int] = {}
        self.partial = b""
        self.phase = ""

    def lines(self) -> Iterator[bytes]:
        """Whole lines that are new, both phases in order."""
        attempts = self.run.attempts(self.seed)
        if attempts and attempts[-1] != self.attempt:
            self.attempt, self.read, self.partial = attempts[-1], {}, b""
        if self.attempt is None:
            return
        for phase in ("train", "eval"):
            for piece in self._pieces(phase, self.attempt.log(phase)):
                if phase != self.phase and self.partial:
                    yield self.rest()  # the log before it ended without a line's end
                self.phase = phase
                *lines, self.partial = (self.partial + piece).split(b"\n")
                yield from (line + b"\n" for line in lines)
                while len(self.partial) > LONGEST:  # a line without end is given out in pieces
                    yield self.partial[:LONGEST] + b"\n"
                    self.partial = self.partial[LONGEST:]

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
                self.read[phase] = file.tell()
                yield piece


def chosen_seeds(run: RunFolder, seed: int | None) -> list[int]:
    """The seeds whose logs are meant; UserError where the run does not have it."""
    seeds = [state.seed for state in seed_states(run)]
    if seed is not None and seed not in seeds:
        raise UserError(f"{run.path.name}: has no seed {seed}; registered are {', '.join(map(str, seeds)) or 'none'}")
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
