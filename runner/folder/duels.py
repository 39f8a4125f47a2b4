"""What a run's ledger says of a duel: pairs and their order before the first seed, and whose turn it was.

A duel's two runs have a ledger each. Both hold the same order; a turn's entry names the other ledger's last hash, so
that the two chains tell in which order turns were taken, whatever a clock says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.results.duels import Duel
from runner.untrusted import read_json

KIND = "duel"
TURN = "turn"
"""Kinds of entries."""


def registered_duel(entries: Sequence[Mapping[str, Any]], other_run: str) -> Mapping[str, Any] | None:
    """The entry by which this run's seeds were paired with another run's; None where there is none."""
    return next((entry for entry in entries if entry["kind"] == KIND and entry["other"]["run"] == other_run), None)


def seeds_before(entries: Sequence[Mapping[str, Any]], other_run: str) -> set[int]:
    """Seeds that belonged to the run before it was paired with that one, or that another duel has for itself."""
    taken: set[int] = set()
    for entry in entries:
        if entry["kind"] == KIND and entry["other"]["run"] == other_run:
            return taken
        if entry["kind"] in ("registered", KIND):
            taken |= set(entry["seeds"])
    return taken


def has_turn(entries: Sequence[Mapping[str, Any]], other_run: str, seed: int) -> bool:
    """Whether the seed's turn in that duel has begun."""
    return _turn_at(entries, other_run, seed) is not None


def in_turn(entries: Sequence[Mapping[str, Any]], other_run: str, seed: int, attempt: int) -> bool:
    """Whether an attempt was queued after its seed's turn had come."""
    turn = _turn_at(entries, other_run, seed)
    queued = next(
        (
            place
            for place, entry in enumerate(entries)
            if entry["kind"] == "queued" and (entry["seed"], entry["attempt"]) == (seed, attempt)
        ),
        None,
    )
    return turn is not None and queued is not None and turn < queued


def kept_duel(folder: RunFolder) -> Duel | None:
    """What came of the run's last duel; None where there was none, or its note cannot be read."""
    if not folder.duel.exists():
        return None
    try:
        return Duel.model_validate(read_json(folder.duel))
    except (UserError, ValidationError):
        return None


def open_turns(entries: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Seeds of duels whose turn has come and that have not completed, each with the other run's name."""
    done = {entry["seed"] for entry in entries if entry["kind"] == "finished" and entry["status"] == "completed"}
    return [
        (entry["seed"], entry["other_run"])
        for entry in entries
        if entry["kind"] == TURN and entry["seed"] not in done
    ]


def _turn_at(entries: Sequence[Mapping[str, Any]], other_run: str, seed: int) -> int | None:
    return next(
        (
            place
            for place, entry in enumerate(entries)
            if entry["kind"] == TURN and (entry["seed"], entry["other_run"]) == (seed, other_run)
        ),
        None,
    )
