"""Which attempts have said nothing for too long: those on nodes that died, and those that were halted on living ones.

What is asked of a node is asked here; that an attempt is given up is its backend's doing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from runner.backends.ray_tasks import look_task
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message, Started

QUIET_S = 30.0
"""Silence of an attempt on a dead node after which it is lost. Ray was seen never to say so of a task that it sent to
a node just after its raylet was killed; where only the raylet died, the attempt goes on and is heard. For as long,
nothing starts on a node that a task called dead."""
LOOK_S, LOOK_LEAST_S, LOOK_SHARE = 30.0, 2.5, 0.5
"""An attempt tells something every two seconds. After so much silence, or that share of its job's stall if that is
less, its node is asked whether it was halted; yet never sooner than the second figure."""
LOOK_ENDS_S = 10.0
"""A node that has not told by then, or within the job's stall if that is more, does not answer."""
HALTED = "its Ray worker was halted, and was killed for it"

Running = Mapping[Any, tuple[AttemptSpec, str]]
"""Stream -> attempt and the node it is on."""


def silence_allowed(stall: float) -> float:
    """Seconds after which somebody looks whether an attempt was halted. stall: of its job; 0 for none."""
    return min(LOOK_S, max(LOOK_LEAST_S, LOOK_SHARE * stall)) if stall else LOOK_S


class Silence:
    """When each attempt was heard last, and what was asked about those that were not."""

    def __init__(self) -> None:
        self.heard: dict[Any, float] = {}
        """Stream -> when it was begun or last said something."""
        self.workers: dict[Any, tuple[int, str]] = {}
        """Stream -> process that runs the attempt, and the attempt's marker."""
        self.asked: dict[Any, tuple[Any, float]] = {}
        """Stream -> the question whether it was halted, and when that was asked."""

    def begun(self, stream: Any) -> None:
        """An attempt is on its way to its node."""
        self.heard[stream] = time.monotonic()

    def spoke(self, stream: Any, message: Message) -> None:
        """An attempt has said something."""
        self.heard[stream] = time.monotonic()
        if isinstance(message, Started) and message.pid:
            self.workers[stream] = message.pid, Path(message.folder).name

    def on_dead_nodes(self, running: Running, living: Set[str]) -> Iterator[tuple[Any, str]]:
        """Streams from whose dead nodes nothing comes any more, and the words for that."""
        now = time.monotonic()
        self.heard = {stream: when for stream, when in self.heard.items() if stream in running}
        for stream, when in self.heard.items():
            _, node = running[stream]
            if node not in living and now - when > QUIET_S:
                yield stream, f"its node is dead and it has said nothing for {QUIET_S:g} s"

    def halted(self, running: Running) -> Iterator[tuple[Any, str]]:
        """Ask for those that have fallen silent; streams that were halted, or whose nodes were, and the words."""
        now = time.monotonic()
        for known in (self.workers, self.asked):
            for stream in [stream for stream in known if stream not in running]:
                del known[stream]
        for stream, (spec, node) in list(running.items()):
            if stream in self.asked:
                if lost := self._looked(stream, spec, now):
                    yield stream, lost
            elif stream in self.workers and now - self.heard[stream] > silence_allowed(spec.stall_seconds):
                placed = look_task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
                self.asked[stream] = placed.remote(*self.workers[stream]), now

    def was_halted(self, stream: Any, patience: float) -> bool:
        """Whether an attempt whose worker has died was killed by our look at it, which tells so a moment later.

        patience: seconds to wait for that.
        """
        found, _ = self.asked.get(stream, (None, 0.0))
        if found is None or not ray.wait([found], timeout=patience)[0]:
            return False
        try:
            return bool(ray.get(found))
        except ray.exceptions.RayError:
            return False

    def _looked(self, stream: Any, spec: AttemptSpec, now: float) -> str:
        """Why an attempt is lost whose node was asked; '' where it is not, or nobody knows yet."""
        found, asked = self.asked[stream]
        if ray.wait([found], timeout=0)[0]:
            del self.asked[stream]
            try:
                halted = ray.get(found)
            except ray.exceptions.RayError:
                return ""  # its node is gone: that is told otherwise
            self.heard[stream] = now  # asked again when it has been silent for as long again
            return HALTED if halted else ""
        if now - asked <= max(LOOK_ENDS_S, spec.stall_seconds):
            return ""
        if self.heard[stream] > asked:  # it spoke meanwhile; till now the look may have killed it, and must tell
            del self.asked[stream]
            return ""
        ray.cancel(found, force=True)
        return f"neither it nor its node has answered for {now - self.heard[stream]:.0f} s"
