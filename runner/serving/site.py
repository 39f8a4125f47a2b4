"""From an address to its page: four kinds of page, each kept until what it was made of changes.

What pages look like is not known here: whoever starts the server hands over the functions that draw them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from runner.audit.facts import Audit
from runner.compare.facts import Matrix
from runner.folder.paths import RunFolder
from runner.record.files import CHECKSUMS, RESULTS
from runner.results.record import RecordData
from runner.search.sweeps.beside import sweeps_beside
from runner.search.sweeps.facts import SweepFacts
from runner.serving.facts import Listed, RunNow
from runner.serving.gather import Gathered, gathered, matrices_of
from runner.serving.http import Answer
from runner.serving.watched import records_of, run_now, runs_of

MOST_KEPT = 32
"""Pages that are kept."""
AS_LONG = 10.0
"""A list of records holds for so many times as long as it took to make."""
MOST_AUDITED = 40
"""Folders that golf did not write, up to which the page of all records audits them, too."""


class Draw(Protocol):
    """How pages are made, of values alone. up: the way from a page back to the list; keys: a folder -> its part of
    an address."""

    def board(self, found: Sequence[Gathered], keys: Mapping[Path, str]) -> Any:
        """What the list says of golf's own records; kept while they stay the same."""

    def index(self, title: str, runs: Sequence[RunNow], board: Any, others: Sequence[Listed]) -> str:
        """The list of runs and records."""

    def run(self, run: RunNow, up: str) -> str:
        """One run as it stands."""

    def record(self, folder: Path, data: RecordData | Audit | str, up: str) -> str:
        """One record, anybody's."""

    def records(
        self,
        found: Sequence[Gathered],
        matrices: Sequence[Matrix],
        sweeps: Sequence[SweepFacts],
        keys: Mapping[Path, str],
        left_out: int,
        up: str,
    ) -> str:
        """All records beside each other. left_out: folders of others that are too many to be audited here."""


@dataclass
class Site:
    """The pages of one folder. Called by several threads at once."""

    root: Path
    draw: Draw

    def __post_init__(self) -> None:
        self.kept: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self.making: dict[tuple[object, ...], threading.Lock] = {}
        self.lock = threading.Lock()
        """Held for a look into `kept` and `making`, never while a page is made."""
        self.looking = threading.Lock()
        self.listed: list[Listed] = []
        self.fresh_until = 0.0

    def __call__(self, parts: tuple[str, ...]) -> Answer | None:
        """The page behind the token at this path; None where there is none. UserError where it cannot be made."""
        if parts == ():
            return self._index()
        if parts == ("records",):
            return self._records()
        if len(parts) == 2 and parts[0] == "record":
            return self._record(parts[1])
        if len(parts) == 2 and parts[0] == "run":
            return self._run(parts[1])
        return None

    def _index(self) -> Answer:
        runs = [run_now(self.root, run, curves=False) for run in runs_of(self.root)]
        records = self._records_now()
        ours = [one for one in records if one.ours]
        board = self._once(
            ("board", *map(self._stamp, ours)),
            lambda: self.draw.board(gathered(self._folders(ours), processes=1), self._keys(ours)),
        )
        title = self.root.resolve().name or "golf"
        return _html(self.draw.index(title, runs, board, [one for one in records if not one.ours]))

    def _records(self) -> Answer:
        records = self._records_now()
        others = sum(not one.ours for one in records)
        left_out = others if others > MOST_AUDITED else 0
        if left_out:
            records = [one for one in records if one.ours]

        def make() -> Answer:
            found = gathered(self._folders(records), processes=1)  # nothing may be forked from a thread
            sweeps = sweeps_beside([self.root])
            return _html(self.draw.records(found, matrices_of(found), sweeps, self._keys(records), left_out, "../"))

        made: Answer = self._once(("records", left_out, *map(self._stamp, records)), make)
        return made

    def _record(self, key: str) -> Answer | None:
        found = next((one for one in self._records_now() if one.key == key), None)
        if found is None:
            return None

        def make() -> Answer:
            ((folder, data),) = gathered(self._folders([found]), processes=1)
            return _html(self.draw.record(folder, data, "../../"))

        made: Answer = self._once(("record", self._stamp(found)), make)
        return made

    def _run(self, name: str) -> Answer | None:
        found: RunFolder | None = next((one for one in runs_of(self.root) if one.path.name == name), None)
        return None if found is None else _html(self.draw.run(run_now(self.root, found, curves=True), "../../"))

    def _folders(self, records: Sequence[Listed]) -> list[Path]:
        return [self.root / one.folder for one in records]

    def _keys(self, records: Sequence[Listed]) -> dict[Path, str]:
        return {self.root / one.folder: one.key for one in records}

    def _stamp(self, record: Listed) -> tuple[object, ...]:
        """What changes when a record folder does; anybody's changes with any of its files."""
        folder = self.root / record.folder
        if record.ours:
            return (record.key, *(_file_stamp(folder / name) for name in (RESULTS, CHECKSUMS)))
        return (record.key, *((path.name, *_file_stamp(path)) for path in sorted(folder.iterdir())))

    def _records_now(self) -> list[Listed]:
        """The record folders; a search that took long is not done again at once."""
        with self.looking:
            begun = time.monotonic()
            if begun >= self.fresh_until:
                self.listed = records_of(self.root)
                ended = time.monotonic()
                self.fresh_until = ended + AS_LONG * (ended - begun)
            return self.listed

    def _once(self, stamp: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """What was made for this stamp; by one thread, while others that want the same wait, and nobody else."""
        with self.lock:
            if stamp in self.kept:
                self.kept.move_to_end(stamp)
                return self.kept[stamp]
            own = self.making.setdefault(stamp, threading.Lock())
        with own:
            with self.lock:
                if stamp in self.kept:
                    return self.kept[stamp]
            made = make()
            with self.lock:
                self.kept[stamp] = made
                self.making.pop(stamp, None)
                while len(self.kept) > MOST_KEPT:
                    self.kept.popitem(last=False)
            return made


def _html(page: str) -> Answer:
    return Answer(page.encode("utf-8", "replace"))


def _file_stamp(path: Path) -> tuple[int, int, int]:
    try:
        told = path.lstat()
    except OSError:
        return (0, 0, 0)
    return (told.st_mtime_ns, told.st_size, told.st_ino)
