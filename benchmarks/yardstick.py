"""What the benchmarks against the plain reference share: both sides of a comparison, peaks, counted work, facts.

A side makes the parts of one optimizer step on weights that both sides begin with. Which of them is faster is
train_step.py's question.
"""

from __future__ import annotations

import ctypes
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.plain import PlainGPT, PlainTrainer
from golf_model.config.golf_config import GolfConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT, LossModel
from golf_model.process.devices import device_name, settle_compiler
from golf_model.process.distributed import World
from golf_model.session import kernels_of
from golf_model.training.averaging import WeightAverage
from golf_model.training.optimizers import build_optimizers
from golf_model.training.qat import acts_in_training, arm, switch
from golf_model.training.trainer import accumulate_gradients, apply_gradients

Batches = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Side:
    """One way to make a step: its parts in order, each callable alone once those before it have run."""

    parts: dict[str, Callable[[Batches], Any]]

    def step(self, batches: Batches) -> Tensor:
        """All parts; the loss."""
        results = [part(batches) for part in self.parts.values()]
        loss: Tensor = results[0]
        return loss


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    World(0, 1, device).synchronise()


def make_network(config: GolfConfig, dtype: torch.dtype, device: torch.device, *, compiled: bool = False) -> GPT:
    """Our network, no weight of it zero, so that every part does work; compiled: with what suits a compiler."""
    torch.manual_seed(0)
    kernel, head = kernels_of(config.runtime, device, compiled=compiled)
    network = GPT(config.model, dtype, kernel, head)
    apply_dtype_policy(network, config.model)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    network.to(device)
    # Made while a graph is traced, they would be found missing once and present ever after: two graphs for one.
    network.position_tables(config.batch.train_seq_len, torch.empty(0, device=device).device)
    return network


def our_side(config: GolfConfig, network: GPT, compiled: bool) -> Side:
    """The step of training/train.py, its collectives left out."""
    if compiled:
        settle_compiler()
    arm(network, config.qat, config.model.num_layers)
    switch(network, on=acts_in_training(config.qat, 0))
    model: LossModel = torch.compile(network, dynamic=False, fullgraph=True) if compiled else network
    optimizers, parameters = build_optimizers(network, config.optim), list(network.parameters())
    weights = network.state_dict()
    average = WeightAverage(config.average, weights) if config.average.kind == "ema" else None

    def update(_: Batches) -> None:
        apply_gradients(optimizers, parameters, config.optim.grad_clip_norm)

    def take_average(_: Batches) -> None:
        if average is not None:
            average.update(weights, 1, 1.0)

    return Side(
        {
            "gradients": lambda batches: accumulate_gradients(model, batches, len(batches)),
            "optimizers": update,
            "average": take_average,
        }
    )


def plain_side(config: GolfConfig, network: GPT, compiled: bool) -> Side:
    """The reference, on the weights that `network` has now."""
    plain = PlainGPT(config.model, network.compute_dtype).to(network.tok_emb.weight.device)
    mine, ours = dict(plain.named_parameters()), dict(network.named_parameters())
    if mine.keys() != ours.keys():
        raise ValueError(f"parameters of one side alone: {sorted(mine.keys() ^ ours.keys())}")
    for name, parameter in mine.items():
        parameter.data = ours[name].detach().clone()
    plain.arm(config.qat)
    plain.tables(config.batch.train_seq_len, plain.tok_emb.weight.device)
    trainer = PlainTrainer(config, plain, compiled)
    return Side(
        {
            "gradients": trainer.gradients,
            "optimizers": lambda _: trainer.update(),
            "average": lambda _: trainer.take_average(),
        }
    )


def random_batches(config: GolfConfig, device: torch.device) -> Batches:
    """The micro-batches of one step of one process, of random tokens."""
    batch = config.batch
    generator = torch.Generator().manual_seed(1)
    rows = batch.train_batch_tokens // batch.train_seq_len // batch.micro_batches
    shape = (batch.micro_batches, rows, batch.train_seq_len + 1)
    tokens = torch.randint(0, config.model.vocab_size, shape, generator=generator).to(device)
    return [(piece[:, :-1].contiguous(), piece[:, 1:].contiguous()) for piece in tokens]


def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """What a large matrix product reaches here and now, FLOPs per second: the best of some."""
    side = 8192 if device.type == "cuda" else 1536
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in "ab")
    best = 0.0
    for _ in range(5):
        synchronise(device)
        begun = time.perf_counter()
        a @ b
        synchronise(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - begun))
    return best


def peak_memory_mib(device: torch.device, run: Callable[[], object]) -> float | None:
    """Most memory that the process (on CUDA: the device) holds while `run` runs, MiB; None where nobody tells."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    run()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def facts(device: torch.device, threads: int) -> dict[str, Any]:
    """Hardware and versions of a run."""
    where = device_name(device) + (f", {threads} thread(s)" if device.type == "cpu" else "")
    return {
        "hardware": where,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load_at_start": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
    }
