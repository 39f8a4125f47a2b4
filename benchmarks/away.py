"""An object in a process of its own, as benchmarks compare them: two ways of computing take turns, and neither finds
the other's memory or the other's settings of the C library."""

from __future__ import annotations

import contextlib
import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


class Away:
    """What `make(*arguments)` makes over there; `call` calls its methods and waits, `tell` lets it begin and `answer`
    waits for it. Everything is pickled.

    A RuntimeError has the traceback of what failed over there. The process ends with ours.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, make, arguments), daemon=True)
        self.process.start()
        other.close()
        self.owed = 1

    def call(self, method: str, *arguments: Any) -> Any:
        """The method's result."""
        self.tell(method, *arguments)
        return self.answer()

    def tell(self, method: str, *arguments: Any) -> None:
        """Have the method called, after whatever is still going on there."""
        self.pipe.send((method, arguments))
        self.owed += 1

    def answer(self) -> Any:
        """The result of the last thing that it was told; waits for all of them."""
        result = None
        while self.owed:
            failed, result = self.pipe.recv()
            self.owed -= 1
            if failed:
                raise RuntimeError(failed)
        return result

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join()


def _serve(pipe: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Make it, then do as told until nobody is there."""
    made: list[Any] = []
    with contextlib.suppress(EOFError):
        while True:
            try:
                if made:
                    method, given = pipe.recv()
                    result = getattr(made[0], method)(*given)
                else:
                    made, result = [make(*arguments)], None
                pipe.send(("", result))
            except EOFError:
                raise
            except Exception:
                pipe.send((traceback.format_exc(), None))
