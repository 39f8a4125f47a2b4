"""This node's NVIDIA GPUs, by nvidia-smi; where it is absent or fails, there are none."""

from __future__ import annotations

import shutil
import subprocess

import psutil

from runner.results import GpuFacts

SMI = ("--query-gpu=name,memory.total,memory.used,driver_version", "--format=csv,noheader,nounits")


def gpu_names() -> list[str]:
    """Their names."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [line.split(":", 1)[1].split("(UUID")[0].strip() for line in lines]


def gpu_facts() -> list[GpuFacts]:
    """Name, memory and driver of each. Unified memory is the system's."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        told = subprocess.run(["nvidia-smi", *SMI], capture_output=True, text=True, timeout=30, check=True).stdout
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
