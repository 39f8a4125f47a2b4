"""What a ledger says of artifacts that were packed later, from the kept weights of another run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.job.base import changed
from runner.results.variants import Repacked

KIND = "repacked"
"""Of the entry with which an artifact comes in."""


def is_repack(entries: Iterable[Mapping[str, Any]]) -> bool:
    """Whether nothing of this run trains."""
    return any(entry["kind"] == KIND for entry in entries)


def repacked_of(entries: Iterable[Mapping[str, Any]], job: Mapping[str, Any]) -> Repacked | None:
    """Where a run's artifacts come from; None where its own training packed them. job: resolved, as it is packed."""
    last = {entry["seed"]: entry for entry in entries if entry["kind"] == KIND}
    if not last:
        return None
    one = next(iter(last.values()))
    return Repacked(
        run=one["run"],
        script_sha256=one["trained_script_sha256"],
        weights={seed: entry["kept_sha256"] for seed, entry in last.items()},
        artifacts={seed: entry["trained_artifact_sha256"] for seed, entry in last.items()},
        seconds={seed: entry["seconds"] for seed, entry in last.items()},
        changed=changed({"config": {"export": one["export"]}}, {"config": {"export": job["config"]["export"]}}),
    )
