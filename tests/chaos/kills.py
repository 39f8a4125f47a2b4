"""What is killed: how each kind of victim is found among the living."""

from __future__ import annotations

import contextlib
import random
import subprocess
from dataclasses import dataclass

import psutil

from runner.drive.watch.status import entries_of
from runner.folder.paths import RunFolder
from runner.node.orphans import marked
from tests.chaos.cluster import Raylets
from tests.chaos.jobs import Kind

DEATHS = ("script", "torchrun worker", "supervisor", "Ray worker", "raylet", "node", "driver")
"""A raylet alone leaves its workers at their work; with them it is a node that is gone."""
ISOLATES = "runner.node.isolation.enter"
"""Stands on the command line of the processes that isolate a command."""


@dataclass(frozen=True)
class Victim:
    """Somebody to be killed."""

    process: psutil.Process
    words: str
    seed: int | None
    """Whose death it is; None where it is everybody's."""

    def kill(self, *, with_children: bool) -> None:
        """SIGKILL, and of its children with it, which have no time to notice."""
        children = self.process.children() if with_children else []
        for process in [self.process, *children]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def living(
    death: str, kind: Kind, raylets: Raylets, driver: subprocess.Popen[str], run: RunFolder | None
) -> list[Victim]:
    """All that could die this death at this moment."""
    if death == "driver":
        return [Victim(psutil.Process(driver.pid), "driver", None)] if driver.poll() is None else []
    found = []
    for seed in kind.seeds:
        if death == "Ray worker":
            title = f"ray::{kind.name}/seed{seed}/"
            found += [Victim(one, words, seed) for one, words in _processes() if words.startswith(title)]
        elif death in ("raylet", "node"):
            node = None if run is None else node_of(run, seed)
            if node in raylets.nodes() and marked(f"{kind.name}-seed{seed}-"):
                found.append(Victim(raylets.raylet(str(node)), f"raylet of node {node}", seed))
        else:
            found += [Victim(one, words, seed) for one, words in _of_script(death, kind, seed)]
    return found


def choose(victims: list[Victim], moments: random.Random) -> Victim | None:
    """One of them, in an order that does not hang on process numbers."""
    return moments.choice(sorted(victims, key=lambda one: (one.seed or 0, one.words))) if victims else None


def node_of(run: RunFolder, seed: int) -> str | None:
    """Where the seed's last attempt was launched, if it has not ended."""
    node = None
    for entry in entries_of(run):
        if entry.get("seed") == seed:
            node = entry.get("node") if entry["kind"] == "launched" else None
    return node


def _of_script(death: str, kind: Kind, seed: int) -> list[tuple[psutil.Process, str]]:
    """Processes of a seed's script: the command that it runs by, one of torchrun's workers, or the supervisor.

    Between the supervisor and the command stand the processes that isolate it.
    """
    found = []
    for process in marked(f"{kind.name}-seed{seed}-"):
        try:
            above, worker = process.parent(), "LOCAL_RANK" in process.environ()
            words = " ".join(process.cmdline())
            words_above = "" if above is None else " ".join(above.cmdline())
            supervised = "supervise.py" in words_above
            command = ISOLATES not in words and (supervised or ISOLATES in words_above)
        except psutil.Error:
            continue
        if (death == "torchrun worker" and worker) or (death == "script" and command):
            found.append((process, words))
        elif death == "supervisor" and supervised and above is not None:
            found.append((above, f"supervisor of {words}"))
    return found


def _processes() -> list[tuple[psutil.Process, str]]:
    found = []
    for process in psutil.process_iter():
        try:
            found.append((process, " ".join(process.cmdline())))
        except psutil.Error:
            continue
    return found
