"""What a seed that runs is doing, in a word, by the events that its script announced."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from runner.errors import UserError
from runner.untrusted import read_bytes

MOST_EVENT_BYTES = 1 << 16
"""A script announces eight events; a file that is larger tells nothing."""
WORDS = (
    ("artifact_frozen", "checking artifact"),
    ("train_end", "packing"),
    ("train_start", "training"),
    ("warmup_start", "warming up"),
)
RUNNING = frozenset({"starting", "fresh process", "scoring", *(word for _, word in WORDS)})
"""All that a seed on a node can be doing, but for warm-ups that are counted."""


def doing(phase: str, happened: Collection[str], *, stepped: bool) -> str:
    """phase: the process that runs, `train` or `eval`; happened: its events; stepped: whether its log has a step,
    by which a script that announces nothing is known."""
    if phase == "eval":
        return "scoring" if "eval_start" in happened else "fresh process"
    for event, word in WORDS:
        if event in happened:
            return word
    return "training" if stepped else "starting"


def events_in(path: Path) -> Sequence[tuple[str, str]]:
    """(phase, event) of an attempt's events file, in their order; none where it cannot be read. A line that is just
    being written is not there yet."""
    found = []
    try:
        lines = read_bytes(path, MOST_EVENT_BYTES).split(b"\n")[:-1]
        for line in lines:
            event = json.loads(line)
            found.append((str(event["phase"]), str(event["event"])))
    except (UserError, ValueError, KeyError, TypeError):
        return found
    return found
