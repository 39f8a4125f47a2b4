"""A look at something, again and again in a thread beside the work, while that lasts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def watching(watch: Callable[[threading.Event], None]) -> Iterator[None]:
    """While the context lasts, run `watch` in a thread of its own; it ends when the event that it is given is set."""
    over = threading.Event()
    thread = threading.Thread(target=watch, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
