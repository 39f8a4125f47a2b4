"""A driver whose cluster has lost its head says what to do and does not end with the exit code of a verdict."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

from runner.backends.head_watch import answers, head_watched

BLOCKED = """
import sys, time
from runner.backends.head_watch import head_watched
with head_watched(sys.argv[1], "job-01234567", every=0.05, lost=0.3):
    time.sleep(60)
"""


def test_a_head_that_answers_disturbs_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        with head_watched(address, "job", every=0.02, lost=0.1):
            time.sleep(0.3)
        assert answers(address)
    assert not answers(address)


def test_a_head_that_is_gone_ends_a_driver_that_is_blocked() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, address], capture_output=True, text=True, timeout=50, check=False
        )
    assert done.returncode == 2
    assert "golf resume job-01234567 --address HOST:PORT" in done.stderr
