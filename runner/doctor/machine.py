"""This machine, whatever the job: interpreter, torch, GPUs, memory, disks, isolation, inotify, Ray and its token.

Every function looks at one thing and changes nothing that stays. What is looked at is a parameter, so that tests can
show another machine.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from runner.backends.ray_environment import token_files
from runner.doctor.findings import Finding
from runner.machine import usable_cpus
from runner.node.environment import handed_on
from runner.node.gpus import are_vouched, gpu_facts
from runner.node.isolation.held import trial
from runner.node.node_check import LEAST_DISK_BYTES
from runner.node.orphans import default_scratch
from runner.node.read_watch import MOST_FOLDERS
from runner.results.nodes import GpuFacts
from runner.results.phases import Isolation

LEAST_PYTHON = (3, 11)
LEAST_SHM = 1 << 30
"""Bytes: what NCCL's buffers and Ray's object store want at the least."""
LEAST_FREE_MEMORY = 2 << 30
TORCH_S = 8.0
ASKS_TORCH = """
import json, torch
gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "gpus": gpus}))
"""
WATCHES, INSTANCES = (Path(f"/proc/sys/fs/inotify/max_user_{name}") for name in ("watches", "instances"))


def python_found(version: tuple[int, int, int] = sys.version_info[:3]) -> Finding:
    """The interpreter that runs golf and its scripts."""
    told = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}, {sys.executable}"
    good = version[:2] >= LEAST_PYTHON
    wanted = ".".join(map(str, LEAST_PYTHON))
    return Finding(
        "python", "good" if good else "bad", told, "" if good else f"install Python {wanted} or newer", True
    )


def torch_found(
    gpus: Sequence[GpuFacts], python: str = sys.executable, surroundings: Mapping[str, str] = os.environ
) -> Finding:
    """Torch, imported as a script would, and whether it sees the GPUs that the driver shows."""
    install = "install it: pip install torch"
    try:
        done = subprocess.run(
            [python, "-P", "-c", ASKS_TORCH],
            capture_output=True,
            text=True,
            timeout=TORCH_S,
            check=False,
            env=handed_on(surroundings),
        )
    except subprocess.TimeoutExpired:
        return Finding(
            "torch", "unknown", f"not imported within {TORCH_S:g} s", "try again: python -c 'import torch'", True
        )
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Finding("torch", "bad", f"cannot be imported: {last}", install, True)
    built = f"CUDA {told['cuda']}" if told["cuda"] else "CPU only"
    found = f"{told['version']}, {built}, sees {told['gpus']} GPUs"
    if len(gpus) > told["gpus"]:
        driver = next((gpu.driver for gpu in gpus if gpu.driver), "")
        advice = f"the driver ({driver}) shows {len(gpus)}: install a torch that is built for it (pytorch.org)"
        return Finding("torch", "bad", found, advice, needed=True)
    return Finding("torch", "good", found, needed=True)


def gpus_found(gpus: Sequence[GpuFacts] | None = None, vouched: bool | None = None) -> Finding:
    """GPUs and driver; having none is no fault of a machine."""
    gpus = gpu_facts() if gpus is None else gpus
    if not gpus:
        return Finding("GPU", "good", "none, by nvidia-smi; jobs with hardware: auto or cpu train on the CPU")
    memory = [f"{gpu.memory_mib / 1024:.0f} GiB" for gpu in gpus if gpu.memory_mib]
    found = f"{len(gpus)}x {gpus[0].name}, {memory[0] if memory else 'memory not told'}, driver {gpus[0].driver}"
    if are_vouched() if vouched is None else vouched:
        return Finding("GPU", "good", found)
    return Finding("GPU", "unknown", f"{found}, says an nvidia-smi that is not the system's", "look at PATH")


def memory_found(cpus: int | None = None, free: int | None = None) -> Finding:
    """Processors and memory."""
    cpus = usable_cpus() if cpus is None else cpus
    free = psutil.virtual_memory().available if free is None else free
    good = free >= LEAST_FREE_MEMORY
    advice = "" if good else "end what takes it, or set fewer seeds side by side (concurrent: 1)"
    return Finding("memory", "good" if good else "bad", f"{cpus} CPUs, {free / 2**30:.1f} GiB free", advice)


def disk_found(scratch: Path | None = None, least: int = LEAST_DISK_BYTES) -> Finding:
    """Room for the temporary files of attempts."""
    folder = scratch or default_scratch().parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**30:.1f} GiB free in {folder}, {least / 2**30:g} are needed"
    advice = f"make room in {folder}, or set TMPDIR to a folder on another disk"
    return Finding("disk", "good", found, "", True) if free >= least else Finding("disk", "bad", found, advice, True)


def output_found(folder: Path) -> Finding:
    """Whether runs and records can be kept there."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    good = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    found = f"{folder.absolute()} {'can' if good else 'cannot'} be written to"
    advice = "" if good else "go to a folder of yours, or give one with --output"
    return Finding("output", "good" if good else "bad", found, advice, needed=True)


def shm_found(place: Path = Path("/dev/shm"), least: int = LEAST_SHM) -> Finding:
    """Shared memory, which NCCL and Ray use."""
    if not place.is_dir():
        return Finding(str(place), "unknown", "not there", "Ray and NCCL keep shared memory elsewhere, more slowly")
    free = shutil.disk_usage(place).free
    found = f"{free / 2**30:.2f} GiB free"
    advice = "give a container more: docker run --shm-size=8g, or an emptyDir of medium: Memory"
    return Finding(str(place), "good", found) if free >= least else Finding(str(place), "bad", found, advice)


def isolation_found(held: Isolation | None = None) -> Finding:
    """What keeps a script apart from this machine, tried on a process that does nothing."""
    held = trial() if held is None else held
    if held.layer == "namespaces":
        return Finding("isolation", "good", held.words)
    advice = "allow user namespaces (kernel.unprivileged_userns_clone=1, user.max_user_namespaces; in a container "
    advice += "--security-opt seccomp=unconfined), or records will say that evaluation was not cut off"
    return Finding(
        "isolation", "bad" if held.layer == "none" and not held.second_uid else "unknown", held.words, advice
    )


def inotify_found(watches: Path = WATCHES, instances: Path = INSTANCES) -> Finding:
    """Whether reading of training data can be watched; without it a timed track's record stays unverified."""
    try:
        most, many = int(watches.read_text()), int(instances.read_text())
    except (OSError, ValueError):
        return Finding("inotify", "unknown", "this system does not tell its limits", "on Linux, mount /proc")
    good = most >= 4 * MOST_FOLDERS and many >= 16
    found = f"{most:,} watches, {many:,} instances for each user"
    advice = "" if good else "sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=128"
    return Finding("inotify", "good" if good else "bad", found, advice)


def ray_found() -> Finding:
    """Ray's package; `--local` does without."""
    try:
        return Finding("Ray", "good", importlib.metadata.version("ray"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("Ray", "bad", "not installed", "install golf with its dependencies, or run with --local")


def token_found(files: Sequence[Path] | None = None, surroundings: Mapping[str, str] = os.environ) -> Finding:
    """The token by which a cluster knows this user. Who may read it is looked at, and left as it is."""
    if surroundings.get("RAY_AUTH_TOKEN"):
        return Finding("Ray token", "good", "in RAY_AUTH_TOKEN")
    there = [path for path in (token_files() if files is None else files) if path.is_file()]
    open_ones = [path for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_ones:
        return Finding("Ray token", "bad", f"{open_ones[0]} can be read by others", f"chmod 600 {open_ones[0]}")
    if not there:
        return Finding("Ray token", "good", "none yet; golf makes one for a Ray of this machine")
    return Finding("Ray token", "good", f"{there[0]}, yours alone")
