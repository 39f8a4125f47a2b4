"""What this process may use of its machine: a home, and processors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def home_folder() -> Path:
    """The user's home; one of this user's own below the folder for temporary files where there is none.

    A container may run as a user that no password file knows, without HOME.
    """
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"golf-home-{os.getuid()}"


def asking(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process of golf_model that answers one question, and ends with this process."""
    return {**environment, "GOLF_ASKED_BY": str(os.getpid())}


def usable_cpus(quota: Path = CPU_QUOTA) -> int:
    """Processors that this process may run on, by its affinity and its control group's quota; at least 1.

    quota: Linux's `cpu.max` of the control group, microseconds of processor time allowed in a period, or `max`.
    """
    many = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError, ZeroDivisionError):
        allowed, period = quota.read_text().split()[:2]
        if allowed != "max":
            many = min(many, round(int(allowed) / int(period)))
    return max(1, many)
