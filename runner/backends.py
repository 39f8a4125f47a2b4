"""What the driver asks of a place that runs attempts, and the simplest such place: this very process.

A backend takes attempts with `submit` and gives back what they say with `messages`. It never retries: an
attempt that is cut off becomes one `Lost`, and the driver decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from runner.attempt import run_attempt
from runner.jobdata import DataRequest, open_requested
from runner.messages import Message
from runner.order import AttemptSpec


@dataclass(frozen=True)
class Lost:
    """The attempt will say nothing more: its worker or its node died."""

    reason: str


class Backend(Protocol):
    """A place that runs attempts."""

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        """Queue an attempt; `front` puts it ahead of all that wait."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        """What the attempts say, until none is queued or running."""

    def close(self) -> None:
        """Kill everything that still runs and wait until it is gone."""


class Waiting:
    """The attempts that a backend has not started yet."""

    def __init__(self) -> None:
        self.queue: deque[AttemptSpec] = deque()

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        """Queue an attempt; `front` puts it ahead of all that wait."""
        if front:
            self.queue.appendleft(spec)
        else:
            self.queue.append(spec)


class LocalBackend(Waiting):
    """One attempt after the other in this process; for a debugger, and for machines without Ray."""

    def __init__(self, data: DataRequest) -> None:
        super().__init__()
        self.data = data
        self.running: Generator[Message, None, None] | None = None

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue:
            spec = self.queue.popleft()
            self.running = run_attempt(spec, partial(open_requested, self.data))
            for message in self.running:
                yield spec, message

    def close(self) -> None:
        if self.running is not None:
            self.running.close()
