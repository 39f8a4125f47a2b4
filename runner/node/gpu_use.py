"""How busy a node's GPUs are while a seed runs, by nvidia-smi, seldom enough to cost nothing that is timed."""

from __future__ import annotations

import shutil
import subprocess
import threading
from dataclasses import dataclass

QUERY = ("--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits")
EVERY_S = 15.0


@dataclass(frozen=True)
class GpuUse:
    """All GPUs of a node at one moment."""

    memory_mib: int | None
    """Of the fullest one; None where the driver does not say (unified memory)."""
    utilisation: int | None
    """Of the least used one, percent."""


def read_use() -> GpuUse | None:
    """Ask the driver; None where there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    try:
        told = subprocess.run(["nvidia-smi", *QUERY], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.strip()]
    memory = [int(row[0]) for row in rows if row[0].isdigit()]
    busy = [int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()]
    return GpuUse(max(memory, default=None), min(busy, default=None)) if rows else None


class GpuWatch:
    """Asks in a thread of its own, so that a slow driver holds nothing up; `take` gives what is new."""

    def __init__(self, every: float = EVERY_S) -> None:
        self.every = every
        self.latest: GpuUse | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            self.latest = read_use()
            if self.latest is None or self.over.wait(self.every):
                return

    def take(self) -> GpuUse | None:
        """The latest answer, once."""
        found, self.latest = self.latest, None
        return found

    def stop(self) -> None:
        """Ask no more."""
        self.over.set()
