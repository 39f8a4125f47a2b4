"""The driver's side: a run's sinks, each a process at the end of a pipe that is written to without ever waiting.

The pipe is the bounded queue: a message that does not fit is dropped and counted. A process that is slow, hangs or
dies is met by nothing but lines on the screen; at the end all have PATIENCE_S together, and are killed then.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from runner.listing import counted
from runner.sinks.sink import SETTINGS, Order, lacking

PATIENCE_S = 15.0
"""For all sinks together, to send what is left once the run is over."""
HURRY_S = 3.0
"""The same where the run was stopped, or broke off."""
PIPE_BYTES = 1 << 20
MOST_ANSWER = 1 << 16

Say = Callable[[str], None]


def command(order: Order) -> list[str]:
    """What starts a sink's process; the current folder is no place to import from."""
    return [sys.executable, "-P", "-W", "ignore", "-m", "runner.sinks.worker", json.dumps(asdict(order))]


class SinkProcess:
    """One sink. Nothing of it raises once it is made, or waits but in `close`."""

    def __init__(self, order: Order, start: Callable[[Order], Sequence[str]] = command) -> None:
        """OSError where the process cannot be started."""
        self.order = order
        self.dropped = 0
        self.answers: list[dict[str, Any]] = []
        self.rest = b""
        home = str(Path(__file__).parents[2])
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            start(order),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a signal of the terminal is the driver's, which then ends it
            env={**os.environ, **SETTINGS.get(order.kind, {}), "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.into, self.out = self.process.stdin.fileno(), self.process.stdout.fileno()
        for pipe in (self.into, self.out):
            os.set_blocking(pipe, False)
        with suppress(OSError):
            fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def tell(self, line: bytes) -> None:
        """Hand over a message, or drop it where the pipe is full or nobody listens any more."""
        try:
            # PIPE_BUF bytes are taken whole or not at all; the opening, which may be longer, meets an empty pipe.
            self.dropped += os.write(self.into, line) < len(line)
        except OSError:
            self.dropped += 1

    def hear(self) -> list[dict[str, Any]]:
        """What it has said since."""
        with suppress(OSError):
            while data := os.read(self.out, MOST_ANSWER):
                self.rest = (self.rest + data)[-MOST_ANSWER:]
        *lines, self.rest = self.rest.split(b"\n")
        found = []
        for line in lines:
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def over(self) -> None:
        """Say that nothing more comes."""
        with suppress(OSError, ValueError):
            assert self.process.stdin is not None
            self.process.stdin.close()

    def ended(self, deadline: float) -> bool:
        """Whether it ended before `deadline`, on the monotonic clock; whatever is left of it is killed."""
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._kill()
            return False
        return True

    def close(self) -> None:
        """Let go of its pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()

    def _kill(self) -> None:
        """It and all that it started."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        self.process.kill()
        self.process.wait()


class Sinks:
    """A context: the sinks of one run. Started by the first message, closed when the run is over."""

    def __init__(
        self,
        orders: Sequence[Order] = (),
        say: Say = print,
        patience: float = PATIENCE_S,
        start: Callable[[Order], Sequence[str]] = command,
    ) -> None:
        self.orders = list(orders)
        self.say = say
        self.patience = patience
        self.start = start
        self.running: list[SinkProcess] | None = None
        self.told: set[str] = set()
        """Sinks of which a problem was said."""

    def __enter__(self) -> Sinks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):
            self.close(self.patience if kind is None else min(HURRY_S, self.patience))

    def tell(self, facts: Mapping[str, Any]) -> None:
        """Pass a message on to all; returns at once, whatever becomes of it."""
        if not self.orders:
            return
        with suppress(Exception):
            if self.running is None:
                self.running = self._begin()
            line = json.dumps(facts).encode() + b"\n"
            for sink in self.running:
                sink.tell(line)
                self._pass_on(sink)

    def close(self, patience: float) -> None:
        """Wait until all have sent what they have, or kill them; says in a line each what was told."""
        running, self.running = self.running or [], []
        for sink in running:
            sink.over()
        deadline = time.monotonic() + patience
        for sink in running:
            ended = sink.ended(deadline)
            answers = self._pass_on(sink)
            sink.close()
            last = next((answer for answer in answers if "told" in answer), None)
            if not ended:
                self._problem(
                    sink.order, f"did not end within {patience:g} s and was killed; what it had not sent is lost"
                )
            elif last is not None:
                failed = f"; {counted(last['problems'], 'message')} failed" if last["problems"] else ""
                self.say(f"sink {sink.order.name}: {last['told']}{failed}{_dropped(sink)}")
            elif sink.order.name not in self.told:
                self._problem(sink.order, f"its process ended, exit code {sink.process.returncode}{_dropped(sink)}")

    def _begin(self) -> list[SinkProcess]:
        running = []
        for order in self.orders:
            if why := lacking(order):
                self._problem(order, why)
                continue
            try:
                running.append(SinkProcess(order, self.start))
            except OSError as error:
                self._problem(order, f"cannot be started: {error.strerror}")
        return running

    def _pass_on(self, sink: SinkProcess) -> list[dict[str, Any]]:
        """Say the first problem of a sink; all its answers."""
        answers = sink.hear()
        for answer in answers:
            if "problem" in answer and sink.order.name not in self.told:
                self._problem(sink.order, str(answer["problem"]))
        return answers

    def _problem(self, order: Order, words: str) -> None:
        self.told.add(order.name)
        self.say(f"sink {order.name}: {words}; the run goes on without it")


def _dropped(sink: SinkProcess) -> str:
    return f"; {counted(sink.dropped, 'message')} dropped" if sink.dropped else ""
