"""Losses over steps and training time from a seed's log, thinned to what a drawing can show. Claims, nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from runner.logs.log_facts import MAX_TOLD, NUMBER
from runner.logs.telling import every, telling
from runner.results.runs import Curve
from runner.untrusted import pieces_of

MOST_POINTS = 100
MOST_STEP = 10**9
KINDS: tuple[Literal["train", "val"], ...] = ("train", "val")
Point = TypeVar("Point")
LOSS = re.compile(
    rf"^step:(\d{{1,10}})/\d+ (train|val)_loss:{NUMBER}(?: val_bpb:{NUMBER})?(?: train_time:{NUMBER}ms)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Told:
    """What one line says of a step."""

    kind: Literal["train", "val"]
    step: int
    loss: float
    bpb: float | None = None
    seconds: float | None = None


def curve(seed: int, logs: Sequence[Path], own: re.Pattern[str] | None = None) -> Curve | None:
    """The curve of a seed; None where its log shows no loss. logs: parts in order, a later life's steps count.

    own: how somebody else's script writes a step, with groups step, and train_loss or val_loss, beside the official.
    """
    found: dict[str, dict[int, Told]] = {"train": {}, "val": {}}
    for path in logs:
        for line in (telling if own is None else every)(pieces_of(path)):
            for told in losses_told(line.decode("utf-8", "replace"), own):
                found[told.kind][told.step] = told
    if not any(found.values()):
        return None
    train, val = thinned(found["train"]), thinned(found["val"])
    return Curve(
        seed=seed,
        steps=[*train],
        losses=[told.loss for told in train.values()],
        val_steps=[*val],
        val_losses=[told.loss for told in val.values()],
        val_bpb=_known([told.bpb for told in val.values()]),
        seconds=_known([told.seconds for told in train.values()]),
        val_seconds=_known([told.seconds for told in val.values()]),
    )


def _known(values: list[float | None]) -> list[float | None]:
    """The values, or none at all where no line said one."""
    return values if any(value is not None for value in values) else []


def losses_told(line: str, own: re.Pattern[str] | None) -> Iterator[Told]:
    """What a line says of a step."""
    if official := LOSS.match(line):
        kind: Literal["train", "val"] = "train" if official[2].lower() == "train" else "val"
        told = _valid(kind, official[1], official[3])
        if told is not None:
            milliseconds = _number(official[5])
            yield replace(
                told, bpb=_number(official[4]), seconds=None if milliseconds is None else milliseconds / 1000
            )
    elif own is not None and (theirs := own.search(line[:MAX_TOLD])):
        groups = theirs.groupdict()
        step = re.sub(r"[,_ ]", "", groups.get("step") or "")
        for kind in KINDS:
            if told := _valid(kind, step, groups.get(f"{kind}_loss") or ""):
                yield told


def _valid(kind: Literal["train", "val"], step: str, loss: str) -> Told | None:
    """A step and its loss, unless either is no finite number."""
    number = _number(loss)
    if number is None or not re.fullmatch(r"[0-9]{1,10}", step) or int(step) > MOST_STEP:
        return None
    return Told(kind, int(step), number)


def _number(text: str | None) -> float | None:
    """A finite number as a log writes one, else None."""
    if text is None or not re.fullmatch(NUMBER, text, re.IGNORECASE):
        return None
    return number if math.isfinite(number := float(text)) else None


def thinned(points: Mapping[int, Point], most: int = MOST_POINTS) -> dict[int, Point]:
    """At most `most` of the points, in the order of steps, evenly taken, the first and the last among them."""
    steps = sorted(points)
    if len(steps) > most:
        steps = [steps[round(index * (len(steps) - 1) / (most - 1))] for index in range(most)]
    return {step: points[step] for step in steps}
