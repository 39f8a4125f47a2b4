"""A process that only answers one question ends with the process that asked. Not part of any script."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ASKED_BY = "GOLF_ASKED_BY"
"""Variable with the process number of what started this one."""


def end_with_parent() -> None:
    """Have the kernel kill this process when what started it is gone, however that ended (Linux; elsewhere nothing).

    What asks waits for the answer; killed itself, it would leave this process at work for nobody. It says who it is
    by ASKED_BY, since it may be gone before this process has begun.
    """
    asked_by = int(os.environ.get(ASKED_BY) or os.getppid())
    if sys.platform == "linux" and (prctl := getattr(ctypes.CDLL(None), "prctl", None)):
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != asked_by:
        sys.exit(1)
