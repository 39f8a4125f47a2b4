"""Hardware profiles as data: what one seed takes on a node, and how a node of that kind is recognised."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from runner.errors import UserError


@dataclass(frozen=True)
class Hardware:
    """One kind of machine."""

    name: str
    """As jobs and records name it."""
    gpus: int
    """GPUs that one seed takes unless the job's nproc says otherwise; 0 is a CPU profile."""
    on_gpu: bool
    """Processes run one per GPU."""
    device: str = ""
    """Part of the device name that a script on such a machine reports; empty where any will do."""


PROFILES = {
    "cpu": Hardware("cpu", gpus=0, on_gpu=False),
    "gpu": Hardware("gpu", gpus=1, on_gpu=True),
    "h100x8": Hardware("h100x8", gpus=8, on_gpu=True, device="H100"),
    "dgx-spark": Hardware("dgx-spark", gpus=1, on_gpu=True, device="GB10"),
}


def gpus_here() -> int:
    """NVIDIA GPUs of this machine, by nvidia-smi; 0 where it is absent or fails."""
    if shutil.which("nvidia-smi") is None:
        return 0
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def resolve_hardware(name: str, gpus: int) -> Hardware:
    """The profile for a job's `hardware`; `auto` takes `gpu` where there is one. `gpus`: the most one node has."""
    if name == "auto":
        return PROFILES["gpu" if gpus else "cpu"]
    profile = PROFILES[name]
    if profile.on_gpu and gpus == 0:
        raise UserError(f"hardware: {name} is asked for and no node has a GPU; set hardware: auto or cpu in the job")
    return profile
