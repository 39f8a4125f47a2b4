"""What a run took of its nodes: every attempt that was started, as the ledger has it, and how long it held one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.results.runs import Launch


def launches(entries: Sequence[Mapping[str, Any]]) -> list[Launch]:
    """One line for each attempt that was launched, in that order. entries: a ledger's, chain checked."""
    ends = {_key(entry): entry for entry in entries if entry["kind"] == "finished"}
    hosts = {
        str(entry.get("node")): str(entry["report"].get("host", ""))
        for entry in entries
        if entry["kind"] == "checked" and isinstance(entry.get("report"), Mapping)
    }
    found = []
    for entry in entries:
        if entry["kind"] != "launched":
            continue
        end = ends.get(_key(entry))
        found.append(
            Launch(
                seed=entry["seed"],
                attempt=entry["attempt"],
                status=None if end is None else str(end["status"]),
                seconds=None if end is None else _seconds(entry, end),
                trained_by=entry.get("trained_by"),
                node=(node := str(entry.get("node") or "")),
                host=hosts.get(node, ""),
                started_at=str(entry["time"]),
            )
        )
    return found


def stopped(entries: Sequence[Mapping[str, Any]]) -> str:
    """Why the newest run ended before every seed had its tries; '' where it did not, or another began since."""
    told = [entry for entry in entries if entry["kind"] in ("queued", "stopped")]
    return str(told[-1]["reason"]) if told and told[-1]["kind"] == "stopped" else ""


def _seconds(begin: Mapping[str, Any], end: Mapping[str, Any]) -> float | None:
    """What the driver timed; of a ledger that lacks it, the difference of its times, unless they cannot be true."""
    held = end.get("held_seconds")
    if held is not None:
        return float(held) if isinstance(held, int | float) and held >= 0 else None
    if end.get("late"):
        return None  # its end was noted by the next driver, whenever that came
    seconds = (_time(end) - _time(begin)).total_seconds()
    return seconds if seconds >= 0 else None


def _key(entry: Mapping[str, Any]) -> tuple[int, int]:
    return entry["seed"], entry["attempt"]


def _time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["time"])
