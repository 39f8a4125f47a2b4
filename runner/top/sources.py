"""Where `golf top` looks: the folder of this machine that keeps runs, or a cluster's head node.

The cluster is asked as `golf status --address` asks it: by the board that a driver keeps there, which costs nothing;
where none counts, by the verb itself, as a short job of the cluster, and then seldom.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from runner.drive.watch.follow import SeedLog
from runner.drive.watch.status import status_facts
from runner.drive.watch.stop import stop_run
from runner.errors import UserError
from runner.folder.runs import all_runs, find_run
from runner.top.views import RunView, runs_of

LAST_LINES = 200
"""Of a log, as many are shown at first."""
FOLLOW_S = 0.5
VERB_EVERY_S = 10.0
"""A cluster that has no board is asked no more often."""

Write = Callable[[str], object]


class Source(Protocol):
    """A place that keeps runs."""

    name: str
    """For people."""

    def look(self) -> list[RunView]:
        """How all its runs stand; UserError where that cannot be found out."""

    def log(self, run: str, seed: int, write: Write, over: threading.Event) -> None:
        """Write the last lines of a seed's log, and new ones until `over`, if it can."""

    def stop(self, run: str) -> str:
        """Stop a run; what became of it, in words. UserError where it does not stop."""


class FolderSource:
    """The runs of an output folder of this machine."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.name = str(output / "runs")

    def look(self) -> list[RunView]:
        return runs_of(status_facts(all_runs(self.output), self.output))

    def log(self, run: str, seed: int, write: Write, over: threading.Event) -> None:
        log = SeedLog(find_run(self.output, run), seed)
        for line in log.last(LAST_LINES):
            write(line.decode("utf-8", "replace"))
        while not over.wait(FOLLOW_S):
            for line in log.lines():
                write(line.decode("utf-8", "replace"))

    def stop(self, run: str) -> str:
        stopped = stop_run(find_run(self.output, run))
        return "stopped; golf resume goes on with it" if stopped else "nobody was at work on it"


class ClusterSource:
    """The runs of a cluster's head node."""

    def __init__(self, address: str, output: Path, place: Callable[[], str]) -> None:
        """output: as on the command line, Path() for the folder that is usual there; place: the same for a verb."""
        self.address, self.output, self.place = address, output, place
        self.name = address if output == Path() else f"{address} {output}"
        self.asked: float | None = None
        self.last: list[RunView] = []

    def look(self) -> list[RunView]:
        from runner.backends.dashboard_http import Unanswered
        from runner.backends.status_board import board_at, chosen

        try:
            return runs_of(chosen(board_at(self.address, None if self.output == Path() else self.output), None)[1])
        except Unanswered:
            pass
        if self.asked is None or time.monotonic() - self.asked >= VERB_EVERY_S:
            self.last = runs_of(json.loads(self._ask(["status", "--json"]) or "{}"))
            self.asked = time.monotonic()
        return self.last

    def log(self, run: str, seed: int, write: Write, over: threading.Event) -> None:
        """The last lines as they stand now: what follows would hold a job of the cluster."""
        for line in self._ask(["logs", "--tail", str(LAST_LINES), f"{run}/{seed}"]).splitlines(keepends=True):
            write(line)

    def stop(self, run: str) -> str:
        return self._ask(["stop", run]).strip().removeprefix(f"{run}: ")

    def _ask(self, words: list[str]) -> str:
        """What a verb prints there; UserError where it does not end well."""
        from runner.backends.ray_environment import prepare_environment

        prepare_environment(self.address)
        from runner.backends import remote

        told: list[str] = []
        code = remote.ask(remote.connect_jobs(self.address), words, self.place(), told.append)
        if code:
            said = "".join(told)[-500:]
            raise UserError(f"golf {' '.join(words)} on the cluster ended with exit code {code}: {said}")
        return "".join(told)
