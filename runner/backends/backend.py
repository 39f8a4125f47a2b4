"""What the driver asks of a place that runs attempts, and the simplest such place: this very process.

A backend takes attempts with `submit` and gives back what they say with `messages`. It never retries: an
attempt that is cut off becomes one `Lost`, and the driver decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from runner.job.open_data import DataRequest, open_requested
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message
from runner.node.node_check import CheckOrder, check_node
from runner.results.nodes import NodeReport


@dataclass(frozen=True)
class Lost:
    """The attempt will say nothing more: its worker or its node died, or it never found a node."""

    reason: str
    final: bool = False
    """Nothing can come of trying again."""


Admit = Callable[[NodeReport], list[str]]
"""Takes note of a node's report and gives the reasons for which it is refused; none, where it may run."""


def admit_sound(report: NodeReport) -> list[str]:
    """Refuse a node for what its report says alone."""
    return report.problems


class Backend(Protocol):
    """A place that runs attempts."""

    admit: Admit
    """Asked before an attempt starts on a node."""

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        """Queue an attempt; `front` puts it ahead of all that wait."""

    def withdraw(self) -> list[AttemptSpec]:
        """Take back every attempt that has not started; nothing is said of it any more."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        """What the attempts say, until none is queued or running."""

    def close(self) -> None:
        """Kill everything that still runs and wait until it is gone."""


class Waiting:
    """The attempts that a backend has not started yet."""

    def __init__(self) -> None:
        self.queue: deque[AttemptSpec] = deque()
        self.admit: Admit = admit_sound

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        """Queue an attempt; `front` puts it ahead of all that wait."""
        if front:
            self.queue.appendleft(spec)
        else:
            self.queue.append(spec)

    def withdraw(self) -> list[AttemptSpec]:
        """Take back every attempt that has not started; nothing is said of it any more."""
        withdrawn = list(self.queue)
        self.queue.clear()
        return withdrawn


class LocalBackend(Waiting):
    """One attempt after the other in this process; for a debugger, and for machines without Ray."""

    def __init__(self, data: DataRequest, check: CheckOrder | None = None) -> None:
        """check: what to look for before the first attempt; None looks at nothing."""
        super().__init__()
        self.data = data
        self.check = check
        self.running: Generator[Message, None, None] | None = None

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue:
            spec = self.queue.popleft()
            open_data = partial(open_requested, self.data)
            if self.check is not None:
                report = check_node(self.check, open_data)
                refused = self.admit(report)
                if refused:
                    yield spec, Lost(f"this machine is refused: {'; '.join(refused)}", final=True)
                    continue
                self.check = replace(self.check, probe=False)
                spec = replace(spec, preflight=report)
            self.running = run_attempt(spec.loaded(), open_data)
            for message in self.running:
                yield spec, message

    def close(self) -> None:
        if self.running is not None:
            self.running.close()
