"""When two records say the same: all but times, hosts and what the ledger counts (RULES: killed and resumed).

Losses over steps must be the same, point by point. A point may be missing only where a life of the seed ended before
it could send that line: right before the step from which the next life went on, and no more than some seconds of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.logs.loss_curves import MOST_POINTS
from runner.results.record import RecordData
from runner.results.runs import Curve, RunResult

OLD_S = 2.0
"""A line older than this when something died must be in the log."""
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
        "evidence",
    }
)
"""Fields that tell of time, place and how often something was launched; and curves, which `curve_differences` holds
against each other, and hashes of logs, in which times stand: the ledger's check holds those against the logs."""
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


@dataclass(frozen=True)
class Content:
    """What must be equal of a record folder."""

    settled: Any
    curves: dict[int, Curve]
    results: dict[int, RunResult]
    """How each seed was trained: what may be missing of its curve hangs on that."""


def content(record: Path) -> Content:
    """What a record folder says."""
    data = RecordData.model_validate_json((record / "results.json").read_bytes())
    return Content(
        settled(data.model_dump(mode="json")),
        {curve.seed: curve for curve in data.curves},
        {result.seed: result for result in data.results},
    )


def record_differences(usual: Content, found: Content) -> list[str]:
    """Where a record says something else than the undisturbed one."""
    curves = [
        line
        for seed in sorted(usual.curves.keys() | found.curves.keys())
        for line in curve_differences(usual.curves.get(seed), found.curves.get(seed), found.results.get(seed))
    ]
    return differences(usual.settled, found.settled) + curves


def curve_differences(usual: Curve | None, found: Curve | None, result: RunResult | None) -> Iterator[str]:
    """Points of a seed's curve that are others, and those that are missing without a death that explains it."""
    if usual is None or found is None or result is None:
        yield from (f"curves: of seed {one.seed} there is one on one side only" for one in (usual or found,) if one)
        return
    for kind, wanted, held in (
        ("train", _points(usual.steps, usual.losses), _points(found.steps, found.losses)),
        ("val", _points(usual.val_steps, usual.val_losses), _points(found.val_steps, found.val_losses)),
    ):
        where = f"curves: seed {usual.seed}, {kind}"
        if max(len(wanted), len(held)) >= MOST_POINTS:
            yield f"{where}: thinned, so that it cannot be compared; the job logs too often"
        for step in sorted(held):
            if held[step] != wanted.get(step):
                yield f"{where}, step {step}: {wanted.get(step)} became {held[step]}"
        missing = [step for step in sorted(wanted) if step not in held]
        if missing:
            yield from (f"{where}: {why}" for why in _unexplained(missing, sorted(wanted), result))


def _points(steps: list[int], losses: list[float]) -> dict[int, float]:
    return dict(zip(steps, losses, strict=True))


def _unexplained(missing: list[int], steps: list[int], result: RunResult) -> Iterator[str]:
    """Why the end of an earlier life does not account for what is missing; both in ascending order."""
    lives = 0 if result.train is None else len(result.train.earlier)
    log = result.log
    if not lives or log is None or log.resumed_step is None:
        yield f"steps {missing} are missing, and the seed had one life"
        return
    late = [step for step in missing if step > log.resumed_step]
    if late:
        yield f"steps {late} are missing, which its last life made"
        return
    gaps = [step for step in missing if (place := steps.index(step)) == 0 or steps[place - 1] not in missing]
    if len(gaps) > lives:
        yield f"steps {missing} are missing: more gaps than lives that ended"
    before = [step for step in steps if step <= log.resumed_step]
    if lives == 1 and missing != before[-len(missing) :]:
        yield f"steps {missing} are missing, and not right before step {log.resumed_step}, where it went on"
    # The line of a step is at least as old as the checkpoint of a later one, from which the next life went on.
    old = (log.resumed_step - missing[0]) * (log.step_avg_ms or 0.0) / 1000
    if lives == 1 and old > OLD_S:
        yield f"steps {missing} are missing: the first was {old:.1f} s old when its life ended"


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two contents differ, by path."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [line for name in names for line in differences(one.get(name), other.get(name), f"{where}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for number, (a, b) in pairs for line in differences(a, b, f"{where}.{number}")]
    return [] if one == other else [f"{where}: {one!r} became {other!r}"]
