"""How the runs of an output folder stand, left where a cluster's dashboard can show it: `golf status` from afar.

A driver that works on the head node writes its board into Ray's log folder there, every EVERY_S and once more when it
ends. Whoever asks reads that one file (runner.backends.status_board), which takes a fraction of a second and starts
nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.backends.status_board import board_name
from runner.backends.watching import watching
from runner.drive.watch.status import advice, status_facts, status_table
from runner.files import write_atomic
from runner.folder.runs import all_runs
from runner.machine import home_folder
from runner.plain_json import json_text
from runner.printable import print_line

EVERY_S = 2.0
WIDTH = 120
DEFAULT = "golf"
"""Folder in the home of the head node's user where runs are kept unless told otherwise."""


def board_of(root: Path, final: bool) -> dict[str, Any]:
    """How all runs below `root` stand, for people and for programs."""
    runs = all_runs(root)
    shown = {run.path.name: _shown(root, [run]) for run in runs}
    facts = status_facts(runs, root)
    return {"time": time.time(), "final": final, "all": _shown(root, runs), "each": shown, "facts": facts}


def _shown(root: Path, runs: Sequence[Any]) -> str:
    console = Console(width=WIDTH, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(status_table(runs) if runs else f"no run under {root / 'runs'}")
        for line in advice(runs, root):
            print_line(console, line)
    return captured.get()


@contextlib.contextmanager
def board_kept(root: Path, logs: Path) -> Iterator[None]:
    """While the context lasts, and when this process ends, keep the board of `root` in the folder `logs`."""
    whole = root.absolute()
    place = logs / board_name(None if whole == (home_folder() / DEFAULT).absolute() else whole)
    atexit.register(partial(_write, whole, place, final=True))
    with watching(partial(_keep, whole, place)):
        yield


def _keep(root: Path, place: Path, over: threading.Event) -> None:
    while True:
        _write(root, place, final=False)
        if over.wait(EVERY_S):
            return


def _write(root: Path, place: Path, *, final: bool) -> None:
    """A board that cannot be written is missed by nobody but who asks for it, and they have another way."""
    with contextlib.suppress(Exception):
        write_atomic(place, json_text(board_of(root, final)))
