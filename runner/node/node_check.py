"""Preflight on the node that will run a seed: has it what the seed needs, and how fast is it?

Runs there, before anything that costs: GPUs by their driver, packages, shards, disk, and where asked a short speed
probe (torch, in a process of its own). Gives a report with what the node lacks in words; whether it is slower than
others (`slower_than`) follows from what the ledger knows of them.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from runner.data.dataset import DataSet
from runner.errors import UserError
from runner.job.hardware import Hardware, accelerator_of
from runner.machine import asking
from runner.node.gpus import gpu_facts
from runner.node.isolation.held import trial
from runner.node.orphans import default_scratch
from runner.node.packages import package_problems
from runner.results.nodes import GpuFacts, NodeReport, Probe
from runner.script.requirements import imported_modules

LEAST_DISK_BYTES = 2 << 30
"""Free space that an attempt may need for copies of the validation shards, artifacts and caches."""
LEAST_FREE = 0.9
"""Share of a GPU's memory that must be free where a seed takes its node alone."""
SLOWER = 0.15
"""A node slower than the median of its kind's earlier probes by more than this share is refused."""
ENOUGH_PROBES = 3
PROBE_S = 300.0


@dataclass(frozen=True)
class CheckOrder:
    """What a seed needs of its node."""

    hardware: Hardware
    gpus: int
    nproc: int
    alone: bool
    imports: tuple[str, ...]
    """Modules that the script cannot do without."""
    requires: tuple[str, ...] = ()
    """Packages by name, or name==version."""
    probe: bool = False


def script_imports(source: str, own: Iterable[str] = ()) -> tuple[str, ...]:
    """Top-level modules that a script imports whenever it runs, but for the standard library and `own`.

    What stands in functions, conditions or `try` may be optional and is left out; so is a script that is no Python
    that we can read.
    """
    return tuple(name for name, needed in imported_modules(source, own).items() if needed)


def check_node(order: CheckOrder, open_data: Callable[[], DataSet], node: str = "local") -> NodeReport:
    """Look at this node; the report's `problems` say what it lacks."""
    gpus = gpu_facts() if order.hardware.on_gpu else []
    problems = [*gpu_problems(order, gpus), *package_problems(order.imports, order.requires)]
    free = shutil.disk_usage(default_scratch().parent).free
    if free < LEAST_DISK_BYTES:
        problems.append(f"{free / 2**30:.1f} GiB are free for temporary files, {LEAST_DISK_BYTES >> 30} are needed")
    probe = None
    try:
        data = open_data()
        if order.probe and not problems:
            probe = run_probe(order, data.train_files[0])
    except UserError as error:
        problems.append(str(error))
    return NodeReport(
        node=node,
        host=platform.node(),
        hardware=order.hardware.name,
        gpus=gpus,
        memory_mib=psutil.virtual_memory().total >> 20,
        disk_free_gib=round(free / 2**30, 1),
        torch=_version("torch"),
        problems=problems,
        probe=probe,
        isolation=trial(),
    )


def gpu_problems(order: CheckOrder, gpus: Sequence[GpuFacts]) -> list[str]:
    """What is wrong with the GPUs."""
    if not order.hardware.on_gpu:
        return []
    wanted = order.hardware.accelerator
    kinds = sorted({gpu.name for gpu in gpus if wanted and accelerator_of(gpu.name) != wanted})
    problems = [f"its GPUs are {', '.join(kinds)}, not {wanted}"] if kinds else []
    if len(gpus) < order.gpus:
        problems.append(f"nvidia-smi shows {len(gpus)} GPUs, {order.gpus} are needed")
    if order.alone:
        problems += [
            f"GPU {number} has {gpu.free_mib:,} of {gpu.memory_mib:,} MiB free: something else is using it"
            for number, gpu in enumerate(gpus)
            if gpu.memory_mib is not None and gpu.free_mib is not None and not order.hardware.unified_memory
            if gpu.free_mib < LEAST_FREE * gpu.memory_mib
        ]
    return problems


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def run_probe(order: CheckOrder, shard: Path) -> Probe:
    """Measure this node; UserError where torch cannot use it."""
    device = "cuda" if order.hardware.on_gpu else "cpu"
    command = [sys.executable, "-P", "-m", "golf_model.process.probe", str(order.nproc), device, str(shard)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False, env=asking())
        return Probe.model_validate_json(json.dumps(json.loads(done.stdout.splitlines()[-1])))
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        told = (
            f"not done after {PROBE_S:g} s" if isinstance(error, subprocess.TimeoutExpired) else done.stderr.strip()
        )
        raise UserError(f"the speed probe failed: {told.splitlines()[-1] if told else 'it said nothing'}") from None


def slower_than(probe: Probe, earlier: Sequence[Probe], share: float = SLOWER) -> list[str] | None:
    """In what the node is slower than the median of earlier probes of its kind; None before there are enough."""
    if len(earlier) < ENOUGH_PROBES:
        return None
    slow = []
    for name in ("gemm_tflops", "memory_gb_per_s", "all_reduce_gb_per_s", "loader_tokens_per_s"):
        known = [value for one in earlier if (value := getattr(one, name)) is not None]
        mine = getattr(probe, name)
        if mine is None or not known:
            continue
        usual = statistics.median(known)
        if mine < (1 - share) * usual:
            slow.append(
                f"{name} {mine:.4g} is {1 - mine / usual:.0%} under the median {usual:.4g} of {len(known)} probes"
            )
    return slow
