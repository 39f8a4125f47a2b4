"""What a node is: its machine, its GPUs, how fast it is, whether it may run."""

from __future__ import annotations

from pydantic import Field

from runner.results.frozen import Frozen
from runner.results.phases import Isolation


class Host(Frozen):
    """Where an attempt ran."""

    node: str
    hardware: str
    """Profile name, e.g. `cpu`."""
    device: str
    """Device name as the script logged it, else that of the GPU by its driver, else the CPU's name."""
    gpus: list[str] | None = None
    """GPUs that the seed could use, by their driver; None where nobody looked."""
    gpus_vouched: bool | None = None
    """Whether the system's own nvidia-smi told them and the kernel shows a driver; None where nobody asked."""
    cpus: int
    nproc: int
    """Processes torchrun started."""
    versions: dict[str, str] = Field(default_factory=dict)
    """python, torch, numpy, ... as found on the node."""


class GpuFacts(Frozen):
    """One GPU by its driver."""

    name: str
    memory_mib: int | None
    """None where the driver does not tell (unified memory, parts of a GPU, missing rights)."""
    free_mib: int | None
    driver: str


class Probe(Frozen):
    """How fast a node was just before it ran a seed (golf_model.process.probe)."""

    device: str
    torch: str
    cuda: str | None
    gemm_tflops: float
    memory_gb_per_s: float
    loader_tokens_per_s: float
    all_reduce_gb_per_s: float | None


class NodeReport(Frozen):
    """What preflight found on the node that ran a seed."""

    node: str
    host: str
    hardware: str
    """Profile that was asked for."""
    gpus: list[GpuFacts]
    memory_mib: int
    disk_free_gib: float
    torch: str | None
    problems: list[str]
    """Why it was refused; empty for a node that ran."""
    probe: Probe | None = None
    isolation: Isolation | None = None
    """What the node lets a phase be kept apart with; None where nobody tried."""
