"""How busy GPUs and processes are while a seed runs, looked at four times a second from outside.

GPUs by one nvidia-smi that goes on telling what the driver counts anyway: a process for each question would disturb
what is timed. Processes by their CPU time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil

from runner.logs.spans import Spans
from runner.node.gpus import VISIBLE, nvidia_smi, visible_gpus

QUERY = ("--query-gpu=index,memory.used,utilization.gpu", "--format=csv,noheader,nounits", "-lms", "250")
LOOK_S = 0.25
EVERY_S = 15.0
"""Between two samples that are handed on; and between two questions to a driver that does not go on telling."""
SILENT_S = 2.0
"""A driver that tells nothing for longer was not looking."""
BUSY_PERCENT = 5
BUSY_CORES = 0.2
"""Of a GPU's or a core's time: less is waiting."""
TREE_EVERY_S = 1.0
"""Between two looks at which processes there are, which takes longer on a node with many."""


@dataclass(frozen=True)
class GpuUse:
    """All GPUs of a node at one moment."""

    memory_mib: int | None
    """Of the fullest one; None where the driver does not say (unified memory)."""
    utilisation: int | None
    """Of the least used one, percent."""


class GpuWatch:
    """Listens in a thread of its own, so that a slow driver holds nothing up."""

    indices: Collection[str] | None = None
    """Of the GPUs that are ours; None where all are."""

    def __init__(self, every: float = EVERY_S) -> None:
        self.every = every
        self.indices = {str(gpu.index) for gpu in visible_gpus()} if VISIBLE in os.environ else None
        self.latest: GpuUse | None = None
        self.busy = Spans()
        """When a GPU was busy, on this process's monotonic clock."""
        self.told = Spans(join=SILENT_S)
        """When the driver told how busy every GPU was."""
        self.over = threading.Event()
        self.process: subprocess.Popen[str] | None = None
        self.taken = -every
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.over.is_set() and self._listen():
            self.over.wait(self.every)

    def _listen(self) -> bool:
        """Take what a driver tells until it falls silent; whether it told anything."""
        smi = nvidia_smi()
        if smi is None:
            return False
        told = False
        with contextlib.suppress(OSError):
            self.process = subprocess.Popen(
                [smi, *QUERY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
            )
            if self.over.is_set():
                self.process.kill()
            assert self.process.stdout is not None
            with self.process.stdout as lines:
                told = self._take(lines)
            self.process.wait()
        return told

    def _take(self, lines: Iterable[str]) -> bool:
        rows: dict[str, tuple[str, str]] = {}
        told = False
        for line in lines:
            index, *values = (part.strip() for part in line.split(","))
            if len(values) != 2 or (self.indices is not None and index not in self.indices):
                continue
            if index in rows:
                self._sample(list(rows.values()))
                rows, told = {}, True
            rows[index] = (values[0], values[1])
        if rows:
            self._sample(list(rows.values()))
        return told or bool(rows)

    def _sample(self, rows: list[tuple[str, str]]) -> None:
        """Memory and utilisation of every GPU, as the driver writes them."""
        now = time.monotonic()
        memory = [int(used) for used, _ in rows if used.isdigit()]
        percent = [int(share) for _, share in rows if share.isdigit()]
        if len(percent) == len(rows):
            self.told.add(now)
            if max(percent) >= BUSY_PERCENT:
                self.busy.add(now)
        if now - self.taken >= self.every:
            self.taken = now
            self.latest = GpuUse(max(memory, default=None), min(percent, default=None))

    def take(self) -> GpuUse | None:
        """The latest sample that was not yet taken."""
        found, self.latest = self.latest, None
        return found

    def activity(self, begin: float, end: float) -> Spans | None:
        """When a GPU may have been busy between two moments; None where the driver did not tell all the time.

        It takes a moment to begin to tell, and lags behind: of that time nothing is known.
        """
        if self.told.first is None or self.told.last is None:
            return None
        if self.told.seconds(begin, end) < end - begin - SILENT_S:
            return None
        found = Spans()
        found.add(begin, max(begin, self.told.first))
        for low, high in zip(self.busy.begins, self.busy.ends, strict=True):
            found.add(low, high)
        found.add(max(found.ends[-1], min(end, self.told.last)), end)
        return found

    def stop(self) -> None:
        """Listen no more."""
        self.over.set()
        if self.process is not None:
            with contextlib.suppress(OSError):
                self.process.kill()
        self.thread.join(timeout=5)


class CpuWatch:
    """Looks in a thread of its own at all descendants of a process."""

    def __init__(self, root: int) -> None:
        self.busy = Spans()
        """When they took BUSY_CORES at least, on this process's monotonic clock."""
        self.root = root
        self.known: dict[psutil.Process, float] = {}
        """CPU seconds of each process when it was last looked at."""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        last = looked = time.monotonic()
        self._find()
        while not self.over.wait(LOOK_S):
            now, since = time.monotonic(), last
            if now - looked >= TREE_EVERY_S:
                # What a process that is new to us took before lies in the time since we last looked for them.
                since = looked if self._find() else last
                looked = now
            if self._spent() >= BUSY_CORES * (now - since):
                self.busy.add(since, now)
            last = now

    def _find(self) -> bool:
        """Look which processes there are; whether one is new."""
        try:
            processes = psutil.Process(self.root).children(recursive=True)
        except psutil.Error:
            return False
        before, self.known = self.known, {}
        for process in processes:
            self.known[process] = before.get(process, 0.0)
        return bool(self.known.keys() - before.keys())

    def _spent(self) -> float:
        """CPU seconds since the last look."""
        total = 0.0
        for process, before in list(self.known.items()):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            self.known[process] = times.user + times.system
            total += self.known[process] - before
        return total

    def stop(self) -> None:
        """Look no more."""
        self.over.set()
        self.thread.join(timeout=5)
