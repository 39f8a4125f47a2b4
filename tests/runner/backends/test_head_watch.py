"""A driver whose cluster has lost its head says what to do and does not end with the exit code of a verdict."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from runner.backends.head_watch import answers, head_watched, patience

BLOCKED = """
import sys, time
from runner.backends.head_watch import head_watched
with head_watched(sys.argv[1], "golf resume job-01234567", every=0.05, lost=0.3):
    time.sleep(60)
"""


@contextmanager
def head(says: bytes | None) -> Iterator[str]:
    """The address of a head that says this to each caller and hangs up; None for one that is halted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while says is not None:
                    there, _ = listening.accept()
                    with there:
                        there.sendall(says)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("says", [b"\0\0\0\4", b""], ids=["its settings", "nothing, and hangs up"])
def test_a_head_that_answers_disturbs_nothing(says: bytes) -> None:
    with head(says) as address:
        with head_watched(address, "golf resume job", every=0.02, lost=0.1):
            time.sleep(0.3)
        assert answers(address)
    assert not answers(address)


def test_a_head_that_is_halted_takes_calls_and_does_not_answer() -> None:
    with head(None) as address:
        assert not answers(address, patience=0.1)
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, address], capture_output=True, text=True, timeout=50, check=False
        )
    assert done.returncode == 2
    assert "did not answer for 0.3 s" in done.stderr


@pytest.mark.parametrize(("stall", "seconds"), [(0.0, 30.0), (1.0, 5.0), (20.0, 20.0), (300.0, 30.0)])
def test_a_head_may_be_silent_as_long_as_the_job_allows_at_most(stall: float, seconds: float) -> None:
    assert patience(stall) == seconds


def test_a_head_that_is_gone_ends_a_driver_that_is_blocked() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, address], capture_output=True, text=True, timeout=50, check=False
        )
    assert done.returncode == 2
    assert "golf resume job-01234567 --address HOST:PORT" in done.stderr
