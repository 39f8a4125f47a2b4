"""What a driver that was killed left half done in its run folder: found, told and brought in order by the next one.

Called by the folder's sole driver before anything else. Nothing here throws away what was finished.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.drive.collect import read_result
from runner.files import sha256_file
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.trainings import whole_training
from runner.printable import print_line

OF_AN_ATTEMPT = ("seed", "attempt", "trained_by")


def open_ledger(folder: RunFolder, console: Console) -> Ledger:
    """The run's ledger; a truncated last line is set aside, said, and noted in the chain that goes on."""
    ledger = Ledger(folder.ledger)
    if ledger.torn:
        ledger.append("torn", **ledger.torn)
        print_line(
            console,
            f"{folder.ledger}: line {ledger.torn['line']} was cut off while it was written; its "
            f"{ledger.torn['bytes']} bytes are kept in {ledger.torn['aside'] or 'no file, being none'} "
            "and the chain goes on",
        )
    return ledger


def remove_unfinished(folder: Path) -> None:
    """Remove files that were being written aside when their writer was killed."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def withdraw_unheard(folder: RunFolder, ledger: Ledger) -> None:
    """Take back attempts that were queued and of which nothing was ever heard: their numbers are free again."""
    waiting: dict[tuple[int, int], dict[str, Any]] = {}
    for entry in ledger.entries:
        if entry["kind"] == "queued":
            waiting[entry["seed"], entry["attempt"]] = entry
        elif "attempt" in entry:
            waiting.pop((entry["seed"], entry["attempt"]), None)
    gone: list[dict[str, Any]] = []
    for (seed, number), entry in waiting.items():
        with suppress(OSError):  # where something lies in it, something was heard
            folder.attempt(seed, number).path.rmdir()
            gone.append({name: value for name, value in entry.items() if name in OF_AN_ATTEMPT})
    ledger.extend("withdrawn", gone)


def adopt_results(folder: RunFolder, ledger: Ledger, script_sha256: str) -> None:
    """Let the ledger vouch for completed results whose driver died between writing them and saying so.

    Only for an attempt that the ledger launched and of which it knows no end; the entry says that it came late.
    """
    launched = {(e["seed"], e["attempt"]) for e in ledger.entries if e["kind"] == "launched"}
    ended = {(e["seed"], e["attempt"]) for e in ledger.entries if e["kind"] == "finished"}
    for seed, number in sorted(launched - ended):
        path = folder.attempt(seed, number).result
        result = read_result(path)
        if (
            result is not None
            and (result.seed, result.attempt, result.script_sha256) == (seed, number, script_sha256)
            and result.status == "completed"
        ):
            ledger.append(
                "finished",
                seed=seed,
                attempt=number,
                status=result.status,
                result_sha256=sha256_file(path),
                late=True,
            )


def adopt_trainings(folder: RunFolder, ledger: Ledger, script_sha256: str) -> None:
    """The same for trainings that ended well, whose artifacts are then only scored."""
    ended = ("trained", "finished")
    launched = {
        (e["seed"], e["attempt"]) for e in ledger.entries if e["kind"] == "launched" and "trained_by" not in e
    }
    known = {(e["seed"], e["attempt"]) for e in ledger.entries if e["kind"] in ended}
    for seed, number in sorted(launched - known):
        attempt = folder.attempt(seed, number)
        if whole_training(attempt, seed, script_sha256) is not None:
            sha256 = sha256_file(attempt.trained)
            ledger.append("trained", seed=seed, attempt=number, trained_sha256=sha256, late=True)
