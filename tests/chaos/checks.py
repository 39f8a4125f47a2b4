"""What must hold after a trial, whatever died in it; each broken promise is a line of text."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from runner.files import sha256_file
from runner.folder.ledger import check_chain
from runner.folder.ledger_check import audit_run
from runner.folder.paths import RunFolder
from runner.node.orphans import sweep
from runner.record.files import CHECKSUMS
from tests.chaos.cluster import Raylets
from tests.chaos.equal import OLD_S, Content, content, record_differences
from tests.chaos.jobs import Kind

GONE_S = 10.0
"""How long after a run the last process may take to be gone; what was killed by a signal is not collected at once."""


@dataclass(frozen=True)
class Lost:
    """Lines that a script wrote and no log holds."""

    lines: int
    old: int
    """Of those, the ones that were older than OLD_S when something died."""


def record_of(output: Path) -> Path | None:
    """The one record folder."""
    found = [path.parent for path in output.glob("*/*/*/results.json")]
    return found[0] if len(found) == 1 else None


def check_processes(raylets: Raylets) -> Iterator[str]:
    """Nobody is left, and nothing in golf's folder of work folders once the dead have been swept."""
    give_up = time.monotonic() + GONE_S
    while (left := raylets.left_behind()) and time.monotonic() < give_up:
        time.sleep(0.1)
    yield from (f"left behind: {line}" for line in left)
    if raylets.scratch.is_dir():
        sweep(raylets.scratch)
        held = [path.relative_to(raylets.scratch) for path in raylets.scratch.glob("*") if path.name != ".kept"]
        held += [path.relative_to(raylets.scratch) for path in raylets.scratch.glob(".kept/*")]
        yield from (f"left behind in the folder of work folders: {path}" for path in held)


def check_files(output: Path) -> Iterator[str]:
    """Nothing half-written: no file aside, all JSON whole, all sums right."""
    for path in sorted(output.rglob("*")):
        if path.suffix in (".tmp", ".old") or (path.name.startswith(".") and path.is_file()):
            yield f"half-written: {path.relative_to(output)}"
        elif path.suffix in (".json", ".jsonl") and path.is_file():
            whole = path.read_bytes()
            try:
                for part in whole.splitlines() if path.suffix == ".jsonl" else [whole]:
                    json.loads(part)
            except ValueError:
                yield f"half-written: {path.relative_to(output)}"
    for sums in output.rglob(CHECKSUMS):
        for line in sums.read_text().splitlines():
            sha256, name = line.split("  ", 1)
            if sha256_file(sums.parent / name) != sha256:
                yield f"{name} of the record is not what {CHECKSUMS} says"


def check_ledger(run: RunFolder, kind: Kind) -> Iterator[str]:
    """The chain is whole, vouches for what is there, and every seed completed once."""
    yield from audit_run(run).problems
    ended = [e for e in check_chain(run.ledger) if e["kind"] == "finished" and e["status"] == "completed"]
    for seed in kind.seeds:
        times = sum(entry["seed"] == seed for entry in ended)
        if times != 1:
            yield f"seed {seed} completed {times} times"


def check_record(output: Path, reference: Content) -> Iterator[str]:
    """There is one record and it says what the undisturbed one does."""
    record = record_of(output)
    if record is None:
        yield f"not one record: {sorted(path.name for path in output.glob('*/*/*'))}"
        return
    yield from (f"the record differs: {line}" for line in record_differences(reference, content(record)))


def logs_of(run: RunFolder) -> list[Path]:
    """All logs of all attempts."""
    return sorted(run.path.glob("seeds/*/attempt-*/*.log"))


def check_streams(run: RunFolder, kind: Kind) -> Iterator[str]:
    """No log holds two lives: each begins once, and its steps go up."""
    for path in logs_of(run):
        text = path.read_bytes().decode("utf-8", "replace")
        lives = len(re.findall(r"^seed:\d+$" if kind.ours else r"^life:", text, re.MULTILINE))
        steps = [int(step) for step in re.findall(r"^step:(\d+)/\d+ train_loss", text, re.MULTILINE)]
        if lives > 1 or steps != sorted(set(steps)):
            yield f"spliced: {path.relative_to(run.path)} holds {lives} lives, steps {steps}"


def lost_lines(run: RunFolder | None, truth: Path, died: float) -> Lost:
    """Compare what the scripts wrote with what the logs hold. died: when, on the monotonic clock."""
    logs = [] if run is None else [path.read_bytes() for path in logs_of(run)]
    lines = old = 0
    for written in truth.iterdir():
        told = [line.split(b" ", 1) for line in written.read_bytes().splitlines()]
        life = told[0][1] + b"\n" if told else b"\0"
        held = next((log for log in logs if life in log), b"")
        have = set(held.splitlines())
        for stamp, line in told:
            if line not in have:
                lines += 1
                old += float(stamp) < died - OLD_S
    return Lost(lines, old)


def check_lives(truth: Path) -> Iterator[str]:
    """No seed ran twice at once: one phase of one life after the other."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for written in truth.iterdir():
        stamps = [float(line.split(b" ", 1)[0]) for line in written.read_bytes().splitlines()]
        if stamps:
            spans.setdefault(written.name.split(".", 1)[0], []).append((stamps[0], stamps[-1]))
    for seed, lives in spans.items():
        lives.sort()
        for one, other in pairwise(lives):
            if other[0] < one[1]:
                yield f"{seed} ran twice at once: until {one[1]:.2f} and from {other[0]:.2f}"


def moved_on(run: RunFolder, seed: int) -> int:
    """Number of the seed's newest attempt that has said something; 0 for none."""
    logs = ((attempt.number, attempt.log("train")) for attempt in run.attempts(seed))
    return max((number for number, log in logs if log.is_file() and log.stat().st_size), default=0)
