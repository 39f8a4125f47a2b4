"""A watch beside the work begins with it and is gone after it, however it ends."""

from __future__ import annotations

import threading

import pytest

from runner.backends.watching import watching


def test_the_watch_runs_beside_the_work_and_is_over_when_that_is() -> None:
    began, seen = threading.Event(), list[threading.Thread]()

    def watch(over: threading.Event) -> None:
        seen.append(threading.current_thread())
        began.set()
        over.wait()

    with watching(watch):
        assert began.wait(timeout=10)
        assert seen[0] is not threading.current_thread()
        assert seen[0].is_alive()
    assert not seen[0].is_alive()


def test_work_that_fails_leaves_no_watch_behind() -> None:
    def watch(over: threading.Event) -> None:
        over.wait()

    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), watching(watch):
        raise ZeroDivisionError
    assert set(threading.enumerate()) <= before
