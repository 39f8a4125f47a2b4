"""Every file name of a run folder, in one place.

runs/<job>-<hash8>/
    job.json            the resolved job
    train_gpt.py        the script that runs, is counted and is shipped
    train_gpt_flat.py   its readable twin, where we made it
    files/              what lies beside somebody else's script
    ledger.jsonl        everything that was launched
    driver.json         who drives it, or did last
    record.json         where its record was written, with which verdict, for which ledger
    packed.json         what one artifact's bytes hold, by its hash: to read it takes seconds
    duel.json           what came of a duel that the run is one side of
    lock                held while a driver works here
    seeds/<seed>/attempt-<n>/
        train.log  eval.log  events.jsonl  <artifact>  result.json (last: its presence means finished)
        trained.json    a training that ended well, its artifact beside it; of an attempt that only scores: whose
        kept_weights.safetensors  where the job keeps what was packed: float weights, and what layers saw
        left/           what training left where nothing of it was the artifact: list.json, and the largest file
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AttemptFolder:
    """The files of one attempt on the driver's disk."""

    path: Path

    @property
    def number(self) -> int:
        return int(self.path.name.removeprefix("attempt-"))

    def log(self, phase: str) -> Path:
        return self.path / f"{phase}.log"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def trained(self) -> Path:
        return self.path / "trained.json"

    @property
    def kept(self) -> Path:
        return self.path / "kept_weights.safetensors"

    @property
    def left(self) -> Path:
        return self.path / "left"

    def artifact(self, name: str) -> Path:
        return self.path / name

    def other(self, number: int) -> AttemptFolder:
        """Another attempt of the same seed."""
        return AttemptFolder(self.path.parent / f"attempt-{number}")


@dataclass(frozen=True)
class RunFolder:
    """The files of one job on the driver's disk."""

    path: Path

    @property
    def job(self) -> Path:
        return self.path / "job.json"

    @property
    def script(self) -> Path:
        return self.path / "train_gpt.py"

    @property
    def flat_script(self) -> Path:
        return self.path / "train_gpt_flat.py"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def driver(self) -> Path:
        return self.path / "driver.json"

    @property
    def recorded(self) -> Path:
        return self.path / "record.json"

    @property
    def packed(self) -> Path:
        return self.path / "packed.json"

    @property
    def duel(self) -> Path:
        return self.path / "duel.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def attempt(self, seed: int, number: int) -> AttemptFolder:
        """One attempt of a seed, made or not."""
        return AttemptFolder(self.path / "seeds" / str(seed) / f"attempt-{number}")

    def attempts(self, seed: int) -> list[AttemptFolder]:
        """Attempts of a seed made so far, oldest first."""
        found = (self.path / "seeds" / str(seed)).glob("attempt-*")
        numbered = (AttemptFolder(path) for path in found if path.name.removeprefix("attempt-").isdecimal())
        return sorted(numbered, key=lambda folder: folder.number)

    def new_attempt(self, seed: int) -> AttemptFolder:
        """A fresh folder with the next number; created, so that no other attempt takes it."""
        before = self.attempts(seed)
        fresh = self.attempt(seed, before[-1].number + 1 if before else 1)
        fresh.path.mkdir(parents=True)
        return fresh
