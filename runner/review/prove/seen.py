"""What one run in the room showed, as far as its report has the form: values, and which numbers are its price list.

A report is the word of a process in which somebody else's code ran: bounded, never unpickled, believed as far as its
own numbers agree (a list of prices is one only where its mean is the loss that the run printed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from runner.errors import UserError
from runner.printable import cut
from runner.untrusted import is_regular, read_bytes, read_json

MOST_REPORT, MOST_OUTPUT, MOST_ARRAY = 64 << 20, 256 << 10, 64 << 20
MOST_FILES = 200
LOSS = re.compile(r"val_loss['\"]?\s{0,2}[:=]?\s{0,2}(-?\d+\.\d+(?:[eE][-+]?\d+)?)")
BPB = re.compile(r"val_bpb['\"]?\s{0,2}[:=]?\s{0,2}(-?\d+\.\d+(?:[eE][-+]?\d+)?)")
CODE_BYTES = re.compile(r"code[_ ](?:bytes|size)\D{0,12}(\d[\d,_]*)", re.I)
CLOSE = 2e-4
"""Share by which a list's mean may differ from a printed loss."""
RETURNED = "what a function of it returned"
"""Such a row prices every token, or the beginning where forwards read that piece by piece; of another nobody knows
which tokens it prices: it may be the last batch, or the ends of windows."""

Prices = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Seen:
    """One run.

    ok: it came to its end; files: name in its folder -> size, of what it left there; prices: nats for each token of
    the validation text but the first, NaN where it was not seen, or None where no list is known to be its prices;
    source: where they were found.
    """

    ok: bool
    why_not: str
    folder: Path
    printed: str
    told: Mapping[str, Any]
    files: Mapping[str, int] = field(default_factory=dict)
    prices: Prices | None = None
    source: str = ""

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Its events of these kinds, in order."""
        return [one for one in self.told.get("events", []) if one.get("kind") in kinds]

    @property
    def loss(self) -> float | None:
        """The last val_loss that it printed."""
        return _last(LOSS, self.printed)

    @property
    def bpb(self) -> float | None:
        """The last val_bpb that it printed."""
        return _last(BPB, self.printed)

    @property
    def code_bytes(self) -> int | None:
        """The last size of code that it printed."""
        found = CODE_BYTES.findall(self.printed)
        return int(re.sub(r"[,_]", "", found[-1])) if found else None

    def bytes_of(self, name: str) -> bytes:
        """A file that it left; empty where it is none."""
        path = self.folder / name
        return read_bytes(path, MOST_ARRAY) if is_regular(path) else b""


def seen(folder: Path, report: Path, code: int, given: Mapping[str, int], targets: int, source: str = "") -> Seen:
    """Read what a run left; given: files that lay there; targets: tokens to price; source: where its prices are."""
    told: Any = {}
    why = "it took too long and was ended" if code == -9 else f"it ended without a report (exit code {code})"
    if is_regular(report):
        try:
            told = read_json(report, MOST_REPORT)
        except UserError as error:
            why = why if code else str(error)
    broken = report.with_name(report.name + ".broken")
    if is_regular(broken):
        why = read_bytes(broken, MOST_OUTPUT).decode("utf-8", "replace").strip()[-1500:]
    out = report.with_name(report.name + ".out")
    printed = read_bytes(out, MOST_ARRAY)[-MOST_OUTPUT:].decode("utf-8", "replace") if is_regular(out) else ""
    if not isinstance(told, dict) or "events" not in told:
        return Seen(False, why, folder, printed, {})
    files = {name: size for name, size in _files(folder) if given.get(name) is None}
    found = Seen(told.get("ok") is True, cut(str(told.get("why_not", "")), 400), folder, printed, told, files)
    prices, name = _prices(found, targets, source)
    return Seen(found.ok, found.why_not, folder, printed, told, files, prices, name)


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    count = 0
    for path in sorted(folder.rglob("*")):
        if is_regular(path) and "__pycache__" not in path.parts:
            count += 1
            if count > MOST_FILES:
                return
            yield str(path.relative_to(folder)), path.stat().st_size


def _prices(run: Seen, targets: int, source: str) -> tuple[Prices | None, str]:
    """The list of prices whose mean is the printed loss, the closest one; of `source` alone where that is known."""
    said = run.loss
    best: tuple[float, Prices | None, str] = (CLOSE, None, "")
    for name, row, mean in _rows(run, targets):
        known = row[~np.isnan(row)]
        if len(known) < 2 or not np.isfinite(known).all() or source not in ("", name):
            continue
        if said is None and name.endswith(".npy"):
            return row, name
        off = 1.0 if said is None else abs(mean - said) / max(1.0, abs(said))
        if off < best[0] and (name != RETURNED or len(known) == targets or _read_once(run) == len(known)):
            best = off, row, name
    return best[1:]


def _read_once(run: Seen) -> int:
    """Tokens from the text's first on that forwards without gradients read once, one piece after the other; 0 where
    pieces overlap or leave something out."""
    pieces = {
        (int(start), int(end))
        for one in run.events("forward")
        if one.get("role") == "val" and not one.get("grad")
        for start, end in one.get("ranges", [])
    }
    read = 0
    for start, end in sorted(pieces):
        if start != read:
            return 0
        read = end
    return read


def _rows(run: Seen, targets: int) -> Iterator[tuple[str, Prices, float]]:
    """(source, numbers that a run left or worked with, their mean as it would count them), most likely first."""
    for name in run.files:
        if name.endswith(".npy"):
            try:
                row = np.load(run.folder / name, allow_pickle=False)
            except (ValueError, OSError, EOFError):
                continue
            if row.dtype.kind == "f" and row.ndim == 1 and 2 <= row.size <= targets:
                yield name, _padded(row, targets), float(row.mean())
    for row in reversed(run.told.get("returned", [])):
        if isinstance(row, list) and 2 <= len(row) <= targets:
            yield RETURNED, _padded(np.asarray(row, np.float64), targets), float(np.mean(row))
    ledger = run.told.get("ledger", [])
    # A pass begins where the text's first target is priced; windows overlap, and each counts what is new in it.
    begin = max((at for at, one in enumerate(ledger) if int(one[1]) <= 1), default=0)
    for rows, last in ((ledger[begin:], False), (ledger[begin:], True), (ledger, False), (ledger, True)):
        whole = np.full(targets, np.nan)
        for _, start, values in rows if last else reversed(rows):
            # The text's token `start` is the target of price `start - 1`.
            at = int(start) - 1
            stop = min(at + len(values), targets)
            if 0 <= at < stop:
                whole[at:stop] = values[: stop - at]
        if not np.isnan(whole).all():
            yield (
                f"its cross entropies, the {'last' if last else 'first'} of each token",
                whole,
                float(np.nanmean(whole)),
            )
    yield from _sliding(ledger[begin:], targets)


def _sliding(ledger: list[list[Any]], targets: int) -> Iterator[tuple[str, Prices, float]]:
    """Windows of which each but the first counts its last tokens, however short the text's end made it."""
    if len(ledger) < 2 or (stride := int(ledger[1][1]) - int(ledger[0][1])) <= 0:
        return
    total, count = np.zeros(targets), np.zeros(targets)
    for number, (_, start, values) in enumerate(ledger):
        row = np.asarray(values, np.float64)
        skip = max(len(row) - stride, 0) if number else 0
        at = max(int(start) - 1, 0) + skip
        row = row[skip:][: max(targets - at, 0)]
        total[at : at + len(row)] += row
        count[at : at + len(row)] += 1
    if count.sum():
        mean = float(total.sum() / count.sum())
        yield (
            "its cross entropies, the last of each window",
            np.where(count, total / np.maximum(count, 1), np.nan),
            mean,
        )


def _padded(row: Any, targets: int) -> Prices:
    made = np.full(targets, np.nan)
    made[: row.size] = row
    return made


def _last(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.findall(text)
    return float(found[-1]) if found else None
