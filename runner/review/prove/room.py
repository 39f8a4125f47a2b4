"""A room of its own for one script: cut off from network, disk and user, in which it is run again and again.

It executes foreign code: only `golf review --prove` opens one, and where namespaces are refused nothing runs.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from runner.errors import UserError
from runner.record.cut_off import cut_off, require_cut_off
from runner.review.prove.seen import Seen, seen
from runner.review.prove.texts import Tokens, shard
from runner.review.smoke.smoke import fill, quiet_environment
from runner.review.source.unwrap import Reviewed
from runner.review.targets import Target

HERE = Path(__file__).parent
INSIDE = ("child.py", "watch.py", "torch_watch.py", "gpu_stand_ins.py", "own_watch.py")
PROGRAMS = {
    **{name: HERE / "inside" / name for name in INSIDE},
    "smoke_child.py": HERE.parent / "smoke" / "child.py",
    "stand_ins.py": HERE.parent / "smoke" / "stand_ins.py",
    "pep701.py": HERE.parent / "source" / "pep701.py",
}
NOT_HERE = ("nvidia-smi",)
"""Commands that a script of a GPU's machine starts, and that do nothing here."""
START_S = 120.0
"""Seconds that the room may take to import torch."""


@dataclass(frozen=True)
class Order:
    """One run.

    train, val: the two texts; shards: path relative to the run's folder -> role (train, val) for each place where the
    script looks for them; files: what lies in the folder beside the script, e.g. an artifact; clock: seconds that a
    forward and a step take; ledger: whether single prices are written down; own: of golf's own script, whose
    tallies are watched, what local variables are called in its functions.
    """

    train: Tokens
    val: Tokens
    shards: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    clock: Mapping[str, float] = field(default_factory=dict)
    headed: bool = False
    gpu: bool = False
    ledger: bool = False
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seconds: float = 30.0


class Room:
    """A script's room while it is open (`opened_room`)."""

    def __init__(self, base: Path, target: Target, reviewed: Reviewed) -> None:
        self.work = base / "work"
        self.runs = 0
        self.left_s = 0.0
        self.last_s = 0.0
        self.source = ""
        self._pristine = base / "script"
        self._pristine.mkdir()
        fill(self._pristine, target, reviewed)
        self._script = reviewed.path.name
        self._program = base / "program"
        self._process, self._answers = _started(base, self.work, reviewed)

    def run(self, order: Order) -> Seen:
        """One run of the script; UserError where the room is gone or its time over."""
        if self.left_s <= 0:
            raise UserError("the time of the room is over")
        began = time.monotonic()
        self.runs += 1
        folder = self.work / f"run{self.runs}"
        shutil.copytree(self._pristine, folder)
        roles: dict[str, str] = {}
        for name, role in order.shards.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(shard(order.val if role == "val" else order.train, order.headed))
            roles[str(path)] = role
        for name, content in order.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        given = {str(path.relative_to(folder)): 0 for path in folder.rglob("*") if path.is_file()}
        report = self.work / f"report{self.runs}.json"
        spec = {
            "script": str(folder / self._script),
            "folder": str(folder),
            "report": str(report),
            "env": {
                **quiet_environment(folder),
                "PATH": f"{self._program}:{os.defpath}",
                **{k: v.replace("{HERE}", str(folder)) for k, v in order.env.items()},
            },
            "data": roles,
            "header": 1024 if order.headed else 0,
            "clock": dict(order.clock),
            "gpu": order.gpu,
            "ledger": order.ledger,
            "own": {name: dict(names) for name, names in order.own.items()},
            "seconds": min(order.seconds, self.left_s),
        }
        place = self.work / f"order{self.runs}.json"
        place.write_text(json.dumps(spec))
        code = self._asked(place, order.seconds + START_S)
        self.last_s = time.monotonic() - began
        self.left_s -= self.last_s
        return seen(folder, report, code, given, len(order.val) - 1, self.source)

    def beside_report(self, run: Seen, ending: str) -> Path:
        """What a program of the room wrote beside a run's report."""
        return self.work / f"report{run.folder.name.removeprefix('run')}.json{ending}"

    def forget(self, run: Seen) -> None:
        """A run's folder goes."""
        shutil.rmtree(run.folder, ignore_errors=True)

    def close(self) -> None:
        """End the room's process and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _asked(self, order: Path, seconds: float) -> int:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise UserError("the room's process ended; the script may have killed it") from None
        line = _line(self._answers, seconds)
        if not line.startswith(b"ended "):
            raise UserError("the room's process ended; the script may have killed it")
        return int(line.split()[1])


@contextmanager
def opened_room(target: Target, reviewed: Reviewed, seconds: float) -> Iterator[Room]:
    """A room for a script, for `seconds` of runs in all; UserError where this system cannot cut a process off."""
    require_cut_off()
    with tempfile.TemporaryDirectory(prefix="golf-prove-", ignore_cleanup_errors=True) as name:
        room = Room(Path(name).resolve(), target, reviewed)
        room.left_s = seconds
        try:
            yield room
        finally:
            room.close()


def _started(base: Path, work: Path, reviewed: Reviewed) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    work.mkdir()
    program = base / "program"
    program.mkdir()
    for name, source in PROGRAMS.items():
        (program / name).write_bytes(source.read_bytes())
    for name in NOT_HERE:
        (program / name).write_text("#!/bin/sh\nexit 0\n")
        (program / name).chmod(0o755)
    start = (
        "import runpy, sys; sys.path[:0] = [sys.argv[1]]; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0] + '/child.py', run_name='__main__')"
    )
    # -I keeps PYTHON* variables out.
    needs = "torch" if any("torch" in one.text for one in reviewed.texts) else ""
    inner = [sys.executable, "-I", "-B", "-c", start, str(program), needs]
    process = subprocess.Popen(
        cut_off(inner, base, work),
        cwd=work,
        env=quiet_environment(work),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, process.stdout


def _line(stream: IO[bytes], seconds: float) -> bytes:
    """The next short line; empty where none comes in time or the stream ends."""
    until = time.monotonic() + seconds
    found = b""
    while not found.endswith(b"\n") and len(found) < 100:
        left = until - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            return b""
        piece = os.read(stream.fileno(), 1)
        if not piece:
            return b""
        found += piece
    return found


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Whether two lists of prices are the same to the bit, NaN where NaN is."""
    return one is not None and other is not None and bool(np.array_equal(one, other, equal_nan=True))
