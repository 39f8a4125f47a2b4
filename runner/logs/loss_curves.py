"""Losses over steps from a seed's log, thinned to what a small drawing can show. The log's claims, nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runner.logs.log_facts import MAX_TOLD, NUMBER
from runner.logs.telling import every, telling
from runner.results import Curve
from runner.untrusted import pieces_of

MOST_POINTS = 100
MOST_STEP = 10**9
LOSS = re.compile(rf"^step:(\d{{1,10}})/\d+ (train|val)_loss:{NUMBER}", re.IGNORECASE)


def curve(seed: int, logs: Sequence[Path], own: re.Pattern[str] | None = None) -> Curve | None:
    """The curve of a seed; None where its log shows no loss. logs: parts in order, a later life's steps count.

    own: how somebody else's script writes a step, with groups step, and train_loss or val_loss, beside the official.
    """
    found: dict[str, dict[int, float]] = {"train": {}, "val": {}}
    for path in logs:
        for line in (telling if own is None else every)(pieces_of(path)):
            for kind, step, loss in losses_told(line.decode("utf-8", "replace"), own):
                found[kind][step] = loss
    if not any(found.values()):
        return None
    train, val = thinned(found["train"]), thinned(found["val"])
    return Curve(seed=seed, steps=[*train], losses=[*train.values()], val_steps=[*val], val_losses=[*val.values()])


def losses_told(line: str, own: re.Pattern[str] | None) -> Iterator[tuple[str, int, float]]:
    """(train or val, step, loss) as a line says."""
    said: list[tuple[str, str, str]] = []
    if official := LOSS.match(line):
        said = [(official[2].lower(), official[1], official[3])]
    elif own is not None and (theirs := own.search(line[:MAX_TOLD])):
        groups = theirs.groupdict()
        step = re.sub(r"[,_ ]", "", groups.get("step") or "")
        said = [(kind, step, groups.get(f"{kind}_loss") or "") for kind in ("train", "val")]
    for kind, step, loss in said:
        told = re.fullmatch(r"[0-9]{1,10}", step) and re.fullmatch(NUMBER, loss, re.IGNORECASE)
        if told and int(step) <= MOST_STEP and math.isfinite(float(loss)):
            yield kind, int(step), float(loss)


def thinned(points: Mapping[int, float], most: int = MOST_POINTS) -> dict[int, float]:
    """At most `most` of the points, in the order of steps, evenly taken, the first and the last among them."""
    steps = sorted(points)
    if len(steps) > most:
        steps = [steps[round(index * (len(steps) - 1) / (most - 1))] for index in range(most)]
    return {step: points[step] for step in steps}
