"""Hardware profiles as data: what one seed takes on a node, how such a node is recognised, what it may claim.

Which nodes there are is not here (runner.backends.nodes), nor what else a track demands (runner.job.tracks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYWHERE = ("non_record_16mb", "local")
"""Tracks that prescribe no hardware."""
ACCELERATOR_LABEL = "ray.io/accelerator-type"
"""Node label in which Ray names the accelerator."""


@dataclass(frozen=True)
class Hardware:
    """One kind of node."""

    name: str
    """As jobs and records name it."""
    gpus: int
    """GPUs of one node, and of one seed unless the job's nproc says otherwise; 0 is a CPU profile."""
    accelerator: str = ""
    """As Ray names it, which is also part of the device name that a script reports; empty where any will do."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Ray's label selector beyond the accelerator: labels that a node must carry."""
    dollars_per_hour: float | None = None
    """Of one node, rented by the hour; None where it is not rented or not known. A guess, for plans and for the cost
    in a record, which says so."""
    tracks: tuple[str, ...] = EVERYWHERE
    """Tracks whose records it may claim; a run elsewhere is labelled so and rejected there."""
    unified_memory: bool = False
    """GPU and CPU share one memory, so that the system's figure is the GPU's."""

    @property
    def on_gpu(self) -> bool:
        """Processes run one per GPU."""
        return self.gpus > 0


PROFILES = {
    profile.name: profile
    for profile in (
        Hardware("cpu", gpus=0),
        Hardware("gpu", gpus=1),
        Hardware("h100x1", gpus=1, accelerator="H100", dollars_per_hour=2.7),
        Hardware("h100x8", gpus=8, accelerator="H100", dollars_per_hour=20.0, tracks=("10min_16mb", *EVERYWHERE)),
        Hardware("h200x8", gpus=8, accelerator="H200", dollars_per_hour=29.0),
        Hardware("dgx-spark", gpus=1, accelerator="GB10", unified_memory=True),
    )
}


def claimants(track: str) -> tuple[str, ...]:
    """Profiles that may claim a record of `track`; () where all may."""
    named = tuple(profile.name for profile in PROFILES.values() if track in profile.tracks)
    return () if len(named) == len(PROFILES) else named


def resolve_hardware(name: str, gpus: int) -> Hardware:
    """The profile for a job's `hardware`; `auto` takes `gpu` where there is one. `gpus`: the most one node has."""
    return PROFILES[("gpu" if gpus else "cpu") if name == "auto" else name]


def accelerator_of(device: str) -> str:
    """Ray's name for a GPU by the driver's: `NVIDIA H100 80GB HBM3` is `H100`; '' where that tells nothing."""
    match = re.match(r"\w+\s+([A-Z0-9]+)", device)
    return match.group(1) if match else ""
