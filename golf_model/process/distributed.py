"""The processes of one run: who am I, which device is mine, and the few collectives that training needs.

How gradients are averaged is training/exchange.py's.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from golf_model.config.batch import BatchConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.process.devices import keep_freed_memory, pick_device
from golf_model.process.errors import ScriptError

PATIENCE = timedelta(hours=2)
"""How long a process waits for the others: longer than any artifact takes to pack. Who dies is seen by torchrun."""


@dataclass(frozen=True)
class World:
    """This process among the run's processes."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process logs, writes the artifact and announces events."""
        return self.rank == 0

    def synchronise(self) -> None:
        """Wait until this process's device has finished its queued work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()

    def maxima(self, values: list[float]) -> list[float]:
        """Element-wise maximum over all processes (float64)."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return [float(value) for value in tensor.tolist()]

    def sums(self, values: list[float]) -> list[float]:
        """Element-wise sum over all processes (float64)."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return [float(value) for value in tensor.tolist()]

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)

    def rest(self) -> None:
        """Wait for all processes on the CPU, for as long as the slowest needs: what waits in NCCL keeps its GPU busy,
        and is given up after minutes."""
        if self.size > 1:
            dist.all_reduce(torch.zeros(()))

    def after_step(self, values: list[float], loss: Tensor) -> tuple[list[float], float]:
        """Element-wise maximum over all processes of `values` and of 1 where a loss () is no number, 0 where it is;
        and this process's loss. Read back from the device at once."""
        if self.size == 1:
            mine = float(loss)
            return [*values, float(not math.isfinite(mine))], mine
        told = torch.tensor([*values, 0.0], dtype=torch.float64, device=self.device)
        told[-1] = ~loss.isfinite()
        dist.all_reduce(told, op=dist.ReduceOp.MAX)
        *most, mine = torch.cat((told, loss.double().view(1))).tolist()
        return most, mine

    def close(self) -> None:
        """Leave the process group."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def group_of(device: torch.device) -> dict[str, Any]:
    """What carries collectives: gloo between CPUs, nccl between GPUs, each bound to this process's device."""
    return {"backend": "cpu:gloo,cuda:nccl", "device_id": device} if device.type == "cuda" else {"backend": "gloo"}


def join_world(runtime: RuntimeConfig) -> World:
    """Read torchrun's variables, take the device and join the process group (gloo on CPU, nccl on CUDA)."""
    rank = int(os.environ.get("RANK", "0"))
    size = int(os.environ.get("WORLD_SIZE", "1"))
    device = pick_device(runtime, int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        keep_freed_memory()
        if runtime.cpu_threads:
            torch.set_num_threads(runtime.cpu_threads)
    if size > 1:
        # Loads torch's compiler, which the first optimizer would load anyway. Loaded after the group exists, it
        # keeps references to the group, whose threads then outlive `close` and abort the process at exit.
        torch.compiler.reset()
        dist.init_process_group(rank=rank, world_size=size, timeout=PATIENCE, **group_of(device))
    return World(rank, size, device)


def accumulation_steps(batch: BatchConfig, world_size: int) -> int:
    """Micro-batches that each process accumulates per optimizer step; ScriptError where the numbers do not divide."""
    wanted = batch.micro_batches
    if wanted % world_size and world_size % wanted:
        raise ScriptError(
            f"batch.micro_batches={wanted} and {world_size} processes: one must divide the other; "
            "change micro_batches or --nproc_per_node"
        )
    steps = max(1, wanted // world_size)
    span = world_size * steps * batch.train_seq_len
    if batch.train_batch_tokens % span:
        raise ScriptError(
            f"batch.train_batch_tokens={batch.train_batch_tokens} must be a multiple of processes * micro-batches * "
            f"train_seq_len = {world_size} * {steps} * {batch.train_seq_len} = {span}"
        )
    return steps
