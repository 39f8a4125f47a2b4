"""When two records say the same: all but times, hosts and what the ledger counts (RULES: killed and resumed)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

APART = frozenset(
    {
        "started_at",
        "finished_at",
        "date",
        "wall_seconds",
        "events",
        "clock",
        "strict_clock",
        "arrival_clock",
        "narrowed_by",
        "clock_doubt",
        "own_seconds",
        "compared",
        "over_seconds",
        "busy_after_seconds",
        "earlier",
        "resumed_step",
        "resumed_seconds",
        "started_afresh",
        "first_train_read",
        "last_train_read",
        "frozen_seconds",
        "reads_watched",
        "peak_rss_mib",
        "peak_memory_mib",
        "train_seconds",
        "eval_seconds",
        "step_avg_ms",
        "idle_seconds",
        "host",
        "preflight",
        "attempt",
        "training",
        "ledger",
        "launches",
        "curves",
    }
)
"""Fields that tell of time, place and how often something was launched; and losses of steps whose lines were on their
way when a driver died, which are lost with it (tests/chaos/checks.py counts them)."""
TIMED = frozenset({"measured", "detail", "reasons"})
"""Of a verdict: words in which figures tell of time; the status of every check must be the same."""
BY_OTHERS = "data_after_freeze"
"""A check that is unknown as soon as anybody else on the machine reads the shards."""


def settled(value: Any) -> Any:
    """A record's content without what may differ; limits stay, they are the job's."""
    if isinstance(value, dict):
        return {
            name: item if name == "limits" else settled(item)
            for name, item in value.items()
            if name not in APART | TIMED
        }
    if isinstance(value, list):
        return [settled(item) for item in value if not (isinstance(item, dict) and item.get("name") == BY_OTHERS)]
    return value


def content(record: Path) -> Any:
    """What must be equal of a record folder."""
    return settled(json.loads((record / "results.json").read_text()))


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two contents differ, by path."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [line for name in names for line in differences(one.get(name), other.get(name), f"{where}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for number, (a, b) in pairs for line in differences(a, b, f"{where}.{number}")]
    return [] if one == other else [f"{where}: {one!r} became {other!r}"]
