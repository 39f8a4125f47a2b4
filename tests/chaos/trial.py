"""One trial: a run, one death at a random moment, what came of it."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from runner.drive.watch.status import entries_of
from runner.folder.paths import RunFolder
from runner.folder.runs import all_runs
from tests.chaos.checks import (
    Lost,
    check_files,
    check_ledger,
    check_lives,
    check_processes,
    check_record,
    check_streams,
    lost_lines,
    moved_on,
    record_of,
)
from tests.chaos.cluster import Raylets
from tests.chaos.equal import Content, content
from tests.chaos.jobs import Kind
from tests.chaos.kills import choose, living

LONGEST_S = 420.0
"""A driver that takes longer is taken for stuck."""
WATCH_S = 0.05
SHARE = 0.85
"""Of the time that seeds run undisturbed, so much is drawn from, for not every run is as slow as that one."""


@dataclass
class Undisturbed:
    """What a kind of job does when nothing dies."""

    content: Content
    code: int
    seconds: float
    """From the driver's start to its end."""
    running: float
    """Of these, from the first seed's first line to the last one's end."""


@dataclass
class Trial:
    """What happened."""

    number: int
    death: str
    kind: Kind
    problems: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    lost: Lost = field(default_factory=lambda: Lost(0, 0))
    recovery: float | None = None
    """Seconds from the death to the next life's first line in its log; None where no seed ran or all had ended."""
    seconds: float = 0.0
    died: bool = False


class Run:
    """A driver under test and its output folder."""

    def __init__(self, raylets: Raylets, job: Path, output: Path, say: Callable[[str], None]) -> None:
        self.raylets = raylets
        self.job = job
        self.output = output
        self.say = say
        self.told: list[str] = []
        self.driver = self.start()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        if self.driver.poll() is None:
            self.driver.kill()

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "runner.cli", "run", str(self.job), "--address", self.raylets.address]
        self.told.append(f"driver-{len(self.told)}.txt")
        with (self.output / self.told[-1]).open("w") as told:
            self.driver = subprocess.Popen(
                [*command, "--output", str(self.output)], stdout=told, stderr=subprocess.STDOUT, text=True
            )
        self.say(f"driver {self.driver.pid} started")
        return self.driver

    @property
    def folder(self) -> RunFolder | None:
        return next(iter(all_runs(self.output)), None)

    def spoken(self, kind: Kind) -> dict[int, int]:
        """Seed -> its newest attempt that has said something."""
        folder = self.folder
        return {} if folder is None else {seed: moved_on(folder, seed) for seed in kind.seeds}

    def newest(self, kind: Kind) -> dict[int, int]:
        """Seed -> its newest attempt, whether it has said something or waits."""
        folder = self.folder
        found = {} if folder is None else {seed: folder.attempts(seed) for seed in kind.seeds}
        return {seed: attempts[-1].number for seed, attempts in found.items() if attempts}

    def ended(self, kind: Kind) -> set[int]:
        """Seeds that have completed."""
        entries = [] if self.folder is None else entries_of(self.folder)
        return {entry["seed"] for entry in entries if entry.get("status") == "completed"}


def undisturbed(raylets: Raylets, kind: Kind, job: Path, output: Path) -> Undisturbed:
    """Run a job to its end and remember what its record says."""
    output.mkdir()
    begun = time.monotonic()
    run = Run(raylets, job, output, lambda line: None)
    spoke = over = None
    with run:
        while run.driver.poll() is None:
            if spoke is None and any(run.spoken(kind).values()):
                spoke = time.monotonic()
            if over is None and len(run.ended(kind)) == len(kind.seeds):
                over = time.monotonic()
            time.sleep(WATCH_S)
    ended, record = time.monotonic(), record_of(output)
    if record is None or spoke is None or over is None:
        raise SystemExit(f"{kind.name} fails undisturbed:\n{(output / run.told[0]).read_text()}")
    return Undisturbed(content(record), run.driver.returncode, ended - begun, over - spoke)


def one_trial(
    number: int,
    death: str,
    kind: Kind,
    moments: random.Random,
    raylets: Raylets,
    job: Path,
    usual: Undisturbed,
    share: float = SHARE,
) -> Trial:
    """Run, kill, look. The moment is drawn from `moments`, in that share of the usual time; what dies from those who
    live then.
    """
    trial, begun = Trial(number, death, kind), time.monotonic()

    def say(line: str) -> None:
        trial.trace.append(f"{time.monotonic() - begun:8.2f} {line}")

    output = raylets.folder / f"trial-{number}"
    shutil.rmtree(raylets.truth)
    raylets.truth.mkdir()
    output.mkdir()
    run = Run(raylets, job, output, say)
    with run:
        died, before = _kill(
            trial, run, moments, share * (usual.seconds if death == "driver" else usual.running), say
        )
        if died is not None and death == "driver":
            run.driver.wait()
            run.start()
        again = None
        while run.driver.poll() is None:
            if died is not None and again is None:
                now = run.spoken(kind)
                fresh = [seed for seed in before if now.get(seed, 0) > before[seed]]
                again = time.monotonic() if fresh else None
                if again is not None:
                    say(f"seed {fresh[0]} lives again")
            if time.monotonic() - begun > LONGEST_S:
                trial.problems.append("the driver is stuck")
                run.driver.kill()
            time.sleep(WATCH_S)
    say(f"driver ended with exit code {run.driver.returncode}")
    trial.recovery = None if died is None or again is None else again - died
    if run.driver.returncode != usual.code:
        trial.problems.append(f"exit code {run.driver.returncode} instead of {usual.code}")
    trial.problems += check_processes(raylets)
    _look(trial, run, usual, died if died is not None else time.monotonic())
    trial.seconds = time.monotonic() - begun
    trial.trace += _history(run)
    if not trial.problems:
        shutil.rmtree(output)
    else:
        trial.trace += _evidence(run)
    return trial


def _kill(
    trial: Trial, run: Run, moments: random.Random, span: float, say: Callable[[str], None]
) -> tuple[float | None, dict[int, int]]:
    """Wait for the moment and kill; returns when, and for each seed that it concerns its newest attempt by then."""
    death, kind = trial.death, trial.kind
    wait = moments.uniform(0.0, span)
    if death != "driver":
        while run.driver.poll() is None and not any(run.spoken(kind).values()):
            time.sleep(WATCH_S / 2)
    say(f"the moment comes in {wait:.2f} s")
    give_up = time.monotonic() + wait
    while run.driver.poll() is None and time.monotonic() < give_up:
        time.sleep(WATCH_S / 5)
    while run.driver.poll() is None:
        victim = choose(living(death, kind, run.raylets, run.driver, run.folder), moments)
        newest, over = run.newest(kind), run.ended(kind)
        if victim is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill(with_children=death == "node")
                died = time.monotonic()
                say(f"SIGKILL of {victim.process.pid}, seed {victim.seed}: {victim.words[:150]}")
                trial.died = True
                concerned = kind.seeds if victim.seed is None else (victim.seed,)
                return died, {seed: newest.get(seed, 0) for seed in concerned if seed not in over}
        time.sleep(WATCH_S / 5)
    say("it had ended before its moment")
    return None, {}


def _look(trial: Trial, run: Run, usual: Undisturbed, died: float) -> None:
    """All checks of what lies on disk."""
    folder = run.folder
    trial.problems += check_files(run.output)
    trial.problems += check_record(run.output, usual.content)
    trial.problems += check_lives(run.raylets.truth)
    trial.lost = lost_lines(folder, run.raylets.truth, died)
    if trial.lost.old:
        trial.problems.append(f"{trial.lost.old} lines lost that were older than 2 s")
    if folder is not None:
        trial.problems += check_ledger(folder, trial.kind)
        trial.problems += check_streams(folder, trial.kind)


def _history(run: Run) -> list[str]:
    """The ledger in short."""
    shown = ("seed", "attempt", "node", "status")
    entries = [] if run.folder is None else entries_of(run.folder)
    return [
        " ".join([e["time"][11:19], e["kind"], *(f"{n} {str(e[n])[:9]}" for n in shown if n in e)]) for e in entries
    ]


def _evidence(run: Run) -> list[str]:
    """What is needed to understand a trial that failed."""
    found = [f"kept: {run.output}"]
    for name in run.told:
        found += [f"{name}: {line}" for line in (run.output / name).read_text().splitlines()]
    if run.folder is not None:
        found += [f"ledger: {line}" for line in run.folder.ledger.read_text().splitlines()]
    for written in sorted(run.raylets.truth.iterdir()):
        lines = written.read_text().splitlines()
        found.append(
            f"{written.name}: {len(lines)} lines, {lines[0] if lines else ''} ... {lines[-1] if lines else ''}"
        )
    return found
