"""This node's NVIDIA GPUs, by nvidia-smi; where it is absent or fails, there are none.

Anybody can put a program of that name on PATH. So the system's own is asked where there is one, and another's word is
taken for planning only: `are_vouched` says whether anything of the system stands behind it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from runner.results import GpuFacts

SMI = ("--query-gpu=name,memory.total,memory.used,driver_version", "--format=csv,noheader,nounits")

SYSTEM = tuple(
    Path(place, "nvidia-smi")
    for place in ("/usr/bin", "/bin", "/usr/local/bin", "/usr/local/nvidia/bin", "/usr/lib/wsl/lib")
)
"""Where a driver puts it."""
KERNEL = tuple(map(Path, ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/nvhost-ctrl")))
"""What the kernel shows of a driver."""


def nvidia_smi() -> str | None:
    """The program to ask: the system's own, else one on PATH; None where there is none."""
    own = next((str(place) for place in SYSTEM if place.is_file()), None)
    return own or shutil.which("nvidia-smi")


def are_vouched(system: Sequence[Path] = SYSTEM, kernel: Sequence[Path] = KERNEL) -> bool:
    """Whether nvidia-smi is the system's own, and the kernel shows a driver, too."""
    return any(place.is_file() for place in system) and any(place.exists() for place in kernel)


def gpu_names() -> list[str]:
    """Their names."""
    smi = nvidia_smi()
    if smi is None:
        return []
    try:
        listed = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [line.split(":", 1)[1].split("(UUID")[0].strip() for line in lines]


def gpu_facts() -> list[GpuFacts]:
    """Name, memory and driver of each. Unified memory is the system's."""
    smi = nvidia_smi()
    if smi is None:
        return []
    try:
        told = subprocess.run([smi, *SMI], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    system = psutil.virtual_memory()
    facts = []
    for line in told.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 4:
            continue
        name, total, used, driver = parts
        known = total.isdigit() and used.isdigit()
        memory = (int(total), int(total) - int(used)) if known else (system.total >> 20, system.available >> 20)
        facts.append(GpuFacts(name=name, memory_mib=memory[0], free_mib=memory[1], driver=driver))
    return facts
