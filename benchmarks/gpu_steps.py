"""The steps of benchmarks/gpu.py that are programs of their own; each prints one JSON object as its last line.

python -m benchmarks.gpu_steps STEP [--device cuda] [--tiny]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._autograd import DeviceType
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile

from benchmarks.train_step import job_config
from benchmarks.yardstick import facts, make_network, our_side, peak_flops, random_batches, synchronise
from golf_model.artifact.fit import pack_to_fit
from golf_model.config.golf_config import GolfConfig
from golf_model.network.flash import settle_attention
from golf_model.process.distributed import World
from golf_model.scoring.evaluate import evaluate
from golf_model.scoring.streaming import evaluate_streaming
from golf_model.scoring.windows import windows_of
from tests.fixtures.golden_cases import Golden, golden_network
from tests.fixtures.places import GOLDENS

Result = dict[str, Any]


def full_config(name: str, tiny: bool) -> GolfConfig:
    """A job in one micro-batch of 65,536 tokens, or its small profile."""
    config = job_config(name, "small" if tiny else None)
    tokens = config.batch.train_batch_tokens if tiny else 65536
    return replace(config, batch=replace(config.batch, train_batch_tokens=tokens, micro_batches=1))


def look(device: torch.device, tiny: bool) -> Result:
    """What there is: device, versions, peaks, kinds of flash attention."""
    found: Result = {**facts(device, torch.get_num_threads())}
    for dtype in (torch.bfloat16, torch.float32):
        found[f"peak_tflops_{str(dtype)[6:]}"] = round(peak_flops(device, dtype) / 1e12, 2)
    listed = getattr(torch.nn.attention, "list_flash_attention_impls", None)
    found["flash_attention_impls"] = [] if listed is None else [str(name) for name in listed()]
    found["cuda"] = torch.version.cuda
    return found


def goldens(device: torch.device, tiny: bool) -> Result:
    """How far losses of the tiny models lie from the originals', in both precisions, by the device's kernels."""
    found: Result = {}
    for path in sorted(GOLDENS.glob("golden_*.json")):
        golden = Golden(path)
        for dtype in (torch.float32, torch.bfloat16):
            torch.set_float32_matmul_precision("highest")
            network = golden_network(golden.tiny_model, dtype)
            if device.type == "cuda":
                network.head = "plain"
                for block in network.blocks:
                    block.attn.kernel = "sdpa"  # type: ignore[union-attr]
            ids, targets = (part.to(device) for part in golden.tiny_batch())
            with torch.no_grad():
                loss = float(network.to(device)(ids, targets, mean=True))
            apart = abs(loss - float(golden.content["tiny"]["loss"]))
            limit = 1e-5 if dtype == torch.float32 else 2e-2
            found[f"{golden.script} {str(dtype)[6:]}"] = {"apart": apart, "limit": limit, "within": apart <= limit}
    found["all_within"] = all(entry["within"] for entry in found.values())
    return found


def attention_ways(device: torch.device) -> dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]:
    """Kernels by name; q (batch, heads, time, dim), k and v with fewer heads."""

    def fused(backend: SDPBackend) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            grouped = backend != SDPBackend.EFFICIENT_ATTENTION
            if not grouped:
                k, v = (x.repeat_interleave(q.size(1) // x.size(1), 1) for x in (k, v))
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0, enable_gqa=grouped)

        return attend

    backends = {
        "flash": SDPBackend.FLASH_ATTENTION,
        "cudnn": SDPBackend.CUDNN_ATTENTION,
        "efficient": SDPBackend.EFFICIENT_ATTENTION,
        "math": SDPBackend.MATH,
    }
    return {name: fused(backend) for name, backend in backends.items()}


def attention(device: torch.device, tiny: bool) -> Result:
    """Milliseconds of forward and backward of each kernel that torch has here, at pr372's shape."""
    rows, length = (1, 256) if tiny else (32, 2048)
    torch.manual_seed(0)
    q, k, v = (
        torch.randn(rows, heads, length, 64, device=device).to(torch.bfloat16).requires_grad_() for heads in (8, 4, 4)
    )
    found: Result = {}
    ways = attention_ways(device)
    impls = getattr(torch.nn.attention, "list_flash_attention_impls", list[str])()
    for name in [*ways, *(f"flash {impl}" for impl in impls)]:
        try:
            if name not in ways:
                torch.nn.attention.activate_flash_attention_impl(name.removeprefix("flash "))
            attend = ways.get(name, ways["flash"])
            times = []
            for _ in range(6):
                synchronise(device)
                begun = time.perf_counter()
                torch.autograd.grad(attend(q, k, v).sum(), (q, k, v))
                synchronise(device)
                times.append(1000 * (time.perf_counter() - begun))
            found[name] = round(statistics.median(times[1:]), 3)
        except Exception as error:  # whatever a package that is missing or does not know this GPU raises
            found[name] = f"not here: {' '.join(str(error).split())[:120]}"
    found["chosen"] = settle_attention(full_config("pr372", tiny), World(0, 1, device))
    return found


def step_profile(device: torch.device, tiny: bool) -> Result:
    """Where the time of our step of pr372 goes: the dearest operations, share of the device's time."""
    config = full_config("pr372", tiny)
    ours = our_side(config, make_network(config, torch.bfloat16, device), compiled=device.type == "cuda")
    batches = random_batches(config, device)
    for _ in range(3):
        ours.step(batches)
    on_cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    with profile(activities=activities) as seen:
        ours.step(batches)
        synchronise(device)
    rows = seen.key_averages()
    # An operation of the CPU is billed for the kernels that it starts, which are rows of their own as well.
    side = DeviceType.CUDA if on_cuda else DeviceType.CPU
    cost = {
        row.key: float(row.self_device_time_total if on_cuda else row.self_cpu_time_total)
        for row in rows
        if row.device_type == side and not getattr(row, "is_user_annotation", False)
    }
    total = sum(cost.values()) or 1.0
    dearest = sorted(cost, key=lambda key: -cost[key])[:20]
    launches = sum(row.count for row in rows if row.key.startswith(("cudaLaunchKernel", "cuLaunchKernel")))
    return {
        "ms": total / 1000,
        "launches": launches,
        "share": {key[:80]: round(cost[key] / total, 4) for key in dearest},
    }


def scoring(device: torch.device, tiny: bool) -> Result:
    """Tokens a second of text, sliding and streaming, of pr372's network."""
    config = full_config("pr372", tiny)
    network = make_network(config, torch.bfloat16, device)
    vocab, length = config.model.vocab_size, config.batch.train_seq_len
    count = 16 * length if tiny else 1_000_000
    tokens = torch.randint(0, vocab, (count + 1,), generator=torch.Generator().manual_seed(0))
    world, stride = World(0, 1, device), 16 if tiny else 64
    windows = windows_of("sliding", count, length, stride)
    model: Any = torch.compile(network, dynamic=False, fullgraph=True) if device.type == "cuda" else network
    found: Result = {"tokens": count}
    few = tokens[: 4 * length + 1]
    ways: dict[str, Callable[[Tensor], float]] = {
        "one_window": lambda text: evaluate(network, text, ones(text), some(text), 1, world).val_loss,
        "sliding": lambda text: evaluate(model, text, ones(text), some(text), 32, world, odd=network).val_loss,
        "streaming": lambda text: evaluate_streaming(network, text, ones(text), length, 8, world).val_loss,
    }

    def ones(text: Tensor) -> Tensor:
        return torch.ones(text.numel(), dtype=torch.int16)

    def some(text: Tensor) -> Any:
        return windows if text.numel() == tokens.numel() else windows_of("sliding", text.numel() - 1, length, stride)

    for name, way in ways.items():
        way(few)  # loads and compiles
        text = few if name == "one_window" else tokens
        begun = time.perf_counter()
        way(text)
        found[f"{name}_tokens_per_s"] = round((text.numel() - 1) / (time.perf_counter() - begun), 1)
    return found


def packing(device: torch.device, tiny: bool) -> Result:
    """Seconds to solve for the step and pack fit16's weights."""
    config = job_config("fit16", "small" if tiny else None)
    state = make_network(config, torch.bfloat16, device).state_dict()
    begun = time.perf_counter()
    packed, step = pack_to_fit(state, config.model, config.export, 50_000)
    return {"seconds": round(time.perf_counter() - begun, 2), "bytes": len(packed.blob), "tries": step.tries}


STEPS: dict[str, Callable[[torch.device, bool], Result]] = {
    "facts": look,
    "goldens": goldens,
    "attention": attention,
    "profile": step_profile,
    "scoring": scoring,
    "packing": packing,
}


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--tiny", action="store_true", help="shapes for a CPU")
    arguments = parser.parse_args()
    found = STEPS[arguments.step](torch.device(arguments.device), arguments.tiny)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
