"""How fast a node is, in a few seconds: matrix products, memory, all-reduce between its processes, reading tokens.

Run as `python -m golf_model.process.probe PROCESSES DEVICE SHARD` in a process of its own; prints one line of JSON.
Those figures compare nodes of one kind with each other and promise nothing about a model. `... .probe training`
measures instead, in a few seconds, how fast one CPU thread trains: from it `golf plan` tells how long a step takes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn import functional

from golf_model.process.devices import has_fast_bfloat16
from golf_model.process.parent import end_with_parent

SECONDS = 0.5
"""How long each measurement goes on."""


def rate(work: Callable[[], object], wait: Callable[[], object]) -> float:
    """How often `work` is done in a second; `wait` returns when it has all been done."""
    work()
    wait()
    done, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < SECONDS:
        work()
        wait()
        done += 1
    return done / taken


def gemm_tflops(device: torch.device, wait: Callable[[], object]) -> float:
    """Square products: bfloat16 on a GPU, float32 on a CPU."""
    size, kind = (8192, torch.bfloat16) if device.type == "cuda" else (512, torch.float32)
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    return rate(lambda: a @ b, wait) * 2 * size**3 / 1e12


def memory_gb_per_s(device: torch.device, wait: Callable[[], object]) -> float:
    """Copying: bytes read and written."""
    size = (1 << 30) if device.type == "cuda" else (1 << 26)
    a = torch.empty(size, dtype=torch.uint8, device=device)
    b = torch.empty_like(a)
    return rate(lambda: b.copy_(a), wait) * 2 * size / 1e9


def loader_tokens_per_s(shard: Path) -> float:
    """Reading a shard's tokens as training does, again and again (from the page cache after the first time)."""
    return rate(lambda: np.fromfile(shard, dtype="<u2", offset=1024).sum(), lambda: None) * (
        (shard.stat().st_size - 1024) // 2
    )


def all_reduce_worker(rank: int, processes: int, kind: str, meeting: str, results: str) -> None:
    """One of the processes; the first writes bytes per second, counted as NCCL's tests do: 2 (n - 1) / n of them."""
    device = torch.device(kind, rank) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    backend = "nccl" if kind == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=processes)
    data = torch.zeros(1 << (26 if kind == "cuda" else 20), device=device)
    count = 20
    for turn in range(2):  # the first one warms up
        dist.barrier()
        begun = time.perf_counter()
        for _ in range(count if turn else 2):
            dist.all_reduce(data)
        if kind == "cuda":
            torch.cuda.synchronize()
    taken = time.perf_counter() - begun
    if rank == 0:
        moved = count * data.numel() * 4 * 2 * (processes - 1) / processes
        Path(results).write_text(str(moved / taken / 1e9))
    dist.destroy_process_group()


def all_reduce_gb_per_s(processes: int, kind: str) -> float:
    """Between as many processes as a seed has, in GB/s of bus bandwidth."""
    with tempfile.TemporaryDirectory() as folder:
        meeting, results = Path(folder) / "meeting", Path(folder) / "result"
        arguments = (processes, kind, str(meeting), str(results))
        mp.spawn(all_reduce_worker, arguments, nprocs=processes)  # type: ignore[no-untyped-call, attr-defined]
        return float(results.read_text())


def training_tflops(dtype: torch.dtype) -> float:
    """Forward and backward of what a transformer does for a token, by one CPU thread: norm, MLP, head, loss.

    Operations as the referee counts them (three times the forward's products), in 1e12 a second of the thread's own
    time: what else runs on the machine at the moment has no say.
    """
    tokens, dim, hidden, vocabulary = 512, 512, 1024, 1024
    x, targets = torch.randn(tokens, dim), torch.randint(vocabulary, (tokens,))
    shapes = (hidden, dim), (dim, hidden), (vocabulary, dim)
    up, down, head = (torch.randn(shape, requires_grad=True) for shape in shapes)

    def work() -> None:
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            stream = functional.rms_norm(x, (dim,))
            stream = x + functional.linear(functional.linear(stream, up).relu().square(), down)
            logits = 30 * torch.tanh(functional.linear(stream, head) / 30)
        functional.cross_entropy(logits.float(), targets).backward()  # type: ignore[no-untyped-call]

    work()
    done, begun, until = 0, time.process_time(), time.perf_counter() + 2 * SECONDS
    while (taken := time.process_time() - begun) < SECONDS and (done == 0 or time.perf_counter() < until):
        work()
        done += 1
    return done / taken * 3 * 2 * tokens * (2 * dim * hidden + dim * vocabulary) / 1e12


def training_speed() -> dict[str, float | None]:
    """The same in each precision that a run on this CPU may take; None for one that it does not have in hardware."""
    torch.set_num_threads(1)
    fast = has_fast_bfloat16(torch.device("cpu"))
    return {
        "float32": training_tflops(torch.float32),
        "bfloat16": training_tflops(torch.bfloat16) if fast else None,
    }


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == ["training"]:
        print(json.dumps(training_speed()))
        return
    processes, kind, shard = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    if kind == "cuda" and torch.cuda.device_count() < processes:
        sys.exit(f"torch sees {torch.cuda.device_count()} of {processes} GPUs (torch {torch.__version__})")
    device = torch.device(kind)
    wait = torch.cuda.synchronize if kind == "cuda" else (lambda: None)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    found = {
        "device": torch.cuda.get_device_name(0) if kind == "cuda" else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "gemm_tflops": gemm_tflops(device, wait),
        "memory_gb_per_s": memory_gb_per_s(device, wait),
        "loader_tokens_per_s": loader_tokens_per_s(shard),
        "all_reduce_gb_per_s": all_reduce_gb_per_s(processes, kind) if processes > 1 else None,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    end_with_parent()
    main()
