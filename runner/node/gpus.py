"""This node's NVIDIA GPUs, by nvidia-smi; where it is absent or fails, there are none.

Anybody can put a program of that name on PATH. So the system's own is asked where there is one, and another's word is
taken for planning only: `are_vouched` says whether anything of the system stands behind it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.results.nodes import GpuFacts

SMI = ("--query-gpu=name,memory.total,memory.used,driver_version", "--format=csv,noheader,nounits")
VISIBLE = "CUDA_VISIBLE_DEVICES"
LISTED = re.compile(r"GPU (?P<index>\d{1,4}):(?P<name>.*?)\(UUID: *(?P<uuid>[^)]*)\)")
PART = re.compile(r"\s+(?P<name>MIG .*?)\s*Device +\d{1,3}: *\(UUID: *(?P<uuid>[^)]*)\)")
"""Lines of `nvidia-smi -L`."""

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


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG device of it, that a process here may use."""

    index: int
    """Of the GPU, as nvidia-smi counts; of CUDA, too, since scripts are told to count so."""
    name: str
    part: bool = False
    """Whether it is a MIG device."""


def visible(listing: str, wanted: str | None) -> list[Gpu]:
    """The GPUs of an `nvidia-smi -L` that CUDA_VISIBLE_DEVICES leaves, in its order; None leaves all.

    An entry is an index, or the beginning of a GPU's or MIG device's UUID. As for CUDA, an entry that is none of them
    ends the list, so that "" and "-1" leave nothing.
    """
    listed: list[tuple[Gpu, str]] = []
    for line in listing.splitlines():
        if found := LISTED.fullmatch(line.rstrip()):
            listed.append((Gpu(int(found["index"]), found["name"].strip()), found["uuid"]))
        elif listed and (part := PART.fullmatch(line.rstrip())):
            whole = next(gpu for gpu, _ in reversed(listed) if not gpu.part)
            listed.append((Gpu(whole.index, f"{whole.name} {part['name'].strip()}", part=True), part["uuid"]))
    if wanted is None:
        return [gpu for gpu, _ in listed if not gpu.part]
    chosen = []
    for entry in (part.strip() for part in wanted.split(",")):
        means = [
            gpu
            for gpu, uuid in listed
            if (entry == str(gpu.index) and not gpu.part)
            or (entry.startswith(("GPU-", "MIG-")) and uuid.startswith(entry))
        ]
        if len(means) != 1 or means[0] in chosen:
            break
        chosen += means
    return chosen


def visible_gpus() -> list[Gpu]:
    """The GPUs that this process may use."""
    return visible(_said("-L"), os.environ.get(VISIBLE))


def gpu_names() -> list[str]:
    """Their names."""
    return [gpu.name for gpu in visible_gpus()]


def gpu_facts() -> list[GpuFacts]:
    """Name, memory and driver of each; memory that the driver does not tell, or not of a part, is None."""
    rows = [[part.strip() for part in line.split(",")] for line in _said(*SMI).splitlines()]
    told = [row for row in rows if len(row) == 4]
    hidden = VISIBLE in os.environ
    gpus = visible_gpus() if hidden else [Gpu(index, row[0]) for index, row in enumerate(told)]
    facts = []
    for gpu in gpus:
        if gpu.index < len(told):
            _, total, used, driver = told[gpu.index]
            known = total.isdigit() and used.isdigit() and not gpu.part
            memory, free = (int(total), int(total) - int(used)) if known else (None, None)
            facts.append(GpuFacts(name=gpu.name, memory_mib=memory, free_mib=free, driver=driver))
    return facts


def _said(*question: str) -> str:
    """What nvidia-smi answers; nothing where there is none, or it fails."""
    smi = nvidia_smi()
    if smi is None:
        return ""
    try:
        return subprocess.run([smi, *question], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
