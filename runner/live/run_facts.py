"""What `golf status --json`, the board of a cluster and `golf top` tell of a run beyond its seeds' states.

Limits and price of its job, how long it still takes, what it has cost; of each seed its node, its curve, its size and
what it waits for. Plain JSON values in seconds, bytes and dollars, unrounded; None: not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runner.folder.launches import launches
from runner.folder.paths import RunFolder
from runner.live.noted import NotedJob, noted
from runner.live.outlook import Running, Standing, outlook
from runner.live.phase_words import RUNNING
from runner.live.seed_state import SeedState
from runner.live.waits import waits_for
from runner.results.runs import Launch

AHEAD = ("waiting", "waiting for a node")
"""States of a seed that has not started and will."""
SECOND = ("fresh process", "scoring")
"""States of a seed whose training is over."""


def is_running(state: str) -> bool:
    """Whether a seed of this state is on a node."""
    return state in RUNNING or state.startswith("warm-up")


def live_facts(
    run: RunFolder, entries: Sequence[Mapping[str, Any]], states: Sequence[SeedState], *, local: bool = False
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Facts of the run, and of each of `states` in their order.

    entries: of its ledger, chain checked; local: whether its driver runs one seed after the other.
    """
    job, now = noted(run), datetime.now(UTC)
    begun = _begun(entries)
    took = launches(entries)
    elapsed = {
        state.seed: max(0.0, (now - begun[state.seed, state.attempt or 0]).total_seconds())
        for state in states
        if is_running(state.state) and (state.seed, state.attempt or 0) in begun
    }
    price = None if job is None else job.work.dollars_per_hour
    whole = {**_limits(job), "dollars_per_hour": price, **_ahead(job, took, states, elapsed)}
    hosts = _hosts(entries)
    waits = _waits(job, len(elapsed), local)
    held = _held(took, elapsed)
    return whole, [
        {
            "node": hosts.get(state.seed),
            "elapsed_seconds": elapsed.get(state.seed),
            "dollars": None if price is None or state.seed not in held else held[state.seed] * price / 3600,
            "losses": [[*state.losses], [*state.losses.values()]],
            "size_bytes": _size(state, job),
            "waits_for": waits if state.state in AHEAD else None,
        }
        for state in states
    ]


def _limits(job: NotedJob | None) -> dict[str, Any]:
    if job is None:
        return dict.fromkeys(("track", "train_limit_seconds", "eval_limit_seconds", "cap_bytes", "iterations"))
    return {
        "track": job.track,
        "train_limit_seconds": job.limits.train_seconds,
        "eval_limit_seconds": job.limits.eval_seconds,
        "cap_bytes": job.limits.cap_bytes,
        "iterations": job.iterations,
    }


def _ahead(
    job: NotedJob | None, took: Sequence[Launch], states: Sequence[SeedState], elapsed: Mapping[int, float]
) -> dict[str, Any]:
    """Time and dollars; of a run that nobody drives nothing is ahead."""
    if job is None:
        return dict.fromkeys(("left_seconds", "left_by_seeds", "dollars_spent", "dollars_at_least", "dollars_total"))
    at_work = [state for state in states if state.seed in elapsed]
    running = tuple(Running(elapsed[state.seed], state.clock, state.state in SECOND) for state in at_work)
    ended = [launch for launch in took if launch.status is not None]
    look = outlook(
        job.work,
        Standing(
            running=running,
            waiting=sum(state.state in AHEAD for state in states),
            took=whole_tries(took),
            held=sum(launch.seconds or 0.0 for launch in ended),
            unknown=sum(launch.seconds is None for launch in took) - len(running),
        ),
    )
    driven = any(state.state in AHEAD for state in states) or bool(running)
    return {
        "left_seconds": look.left if driven else None,
        "left_by_seeds": look.by_seeds,
        "dollars_spent": look.spent,
        "dollars_at_least": look.at_least,
        "dollars_total": look.total if driven else None,
    }


def whole_tries(took: Sequence[Launch]) -> tuple[float, ...]:
    """Seconds of the launches that trained, scored and completed."""
    done = (one for one in took if one.status == "completed" and one.trained_by is None)
    return tuple(one.seconds for one in done if one.seconds is not None)


def _begun(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], datetime]:
    """(seed, attempt) -> when it was launched."""
    found = (entry for entry in entries if entry["kind"] == "launched")
    return {(entry["seed"], entry["attempt"]): datetime.fromisoformat(entry["time"]) for entry in found}


def _hosts(entries: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Seed -> host of the node that it was launched on last; the node's id where no check has named its host."""
    names = {entry["node"]: str(entry["report"]["host"]) for entry in entries if entry["kind"] == "checked"}
    launched = (entry for entry in entries if entry["kind"] == "launched")
    return {entry["seed"]: names.get(entry["node"]) or str(entry["node"])[:8] for entry in launched}


def _held(took: Sequence[Launch], elapsed: Mapping[int, float]) -> dict[int, float]:
    """Seed -> seconds on its nodes, all launches; without a seed of which some launch is not known."""
    found = dict(elapsed)
    unknown = set()
    for launch in took:
        if launch.seconds is not None:
            found[launch.seed] = found.get(launch.seed, 0.0) + launch.seconds
        elif launch.status is not None or launch.seed not in elapsed:
            unknown.add(launch.seed)
    return {seed: seconds for seed, seconds in found.items() if seed not in unknown}


def _waits(job: NotedJob | None, running: int, local: bool) -> str | None:
    return None if job is None else waits_for(job.need, running, local=local)


def _size(state: SeedState, job: NotedJob | None) -> dict[str, Any] | None:
    """Bytes of script and artifact: counted, as the log expects them, or as they were expected before it ran."""
    if state.size is not None:
        return {"low": state.size, "high": state.size, "expected": state.size, "basis": "counted"}
    if state.size_forecast is not None:
        basis = f"the log's forecast at {state.size_forecast_percent} % of training"
        return {"low": None, "high": None, "expected": state.size_forecast, "basis": basis}
    if job is None or job.forecast is None or not (is_running(state.state) or state.state in AHEAD):
        return None
    before = job.forecast
    return {"low": before.low, "high": before.high, "expected": before.expected, "basis": "before it ran"}
