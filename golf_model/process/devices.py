"""Which device computes, what it can do, and what it falls back to: CUDA, Apple's MPS, or the CPU.

What is asked for and cannot be had is an error where it changes results or cost (a named device), and a fallback with
a line in the log where it changes the way of computing alone (bfloat16, a compiler, fused Adam).
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from golf_model.config.runtime import RuntimeConfig
from golf_model.process.errors import ScriptError

FUSED_ADAM = ("cpu", "cuda", "mps")
"""Devices that torch has a fused Adam for."""


@dataclass(frozen=True)
class Abilities:
    """How a device computes."""

    precision: torch.dtype
    """Of activations and matrix products."""
    compiled: bool
    """Whether torch.compile is used."""
    fallbacks: tuple[str, ...] = ()
    """What was asked for and is not to be had here, one line each."""


def pick_device(runtime: RuntimeConfig, local_rank: int) -> torch.device:
    """The named device, or CUDA, MPS, CPU in this order. ScriptError for a named one that is not there."""
    cuda = torch.cuda.is_available() and local_rank < torch.cuda.device_count()
    mps = torch.backends.mps.is_available() and local_rank == 0
    if runtime.device == "cuda" and not cuda:
        raise ScriptError(
            f"runtime.device is cuda, but there is no CUDA device {local_rank}; use device: auto or cpu"
        )
    if runtime.device == "mps" and not mps:
        raise ScriptError(
            f"runtime.device is mps, but process {local_rank} has no MPS device; use device: auto or cpu"
        )
    if cuda and runtime.device in ("auto", "cuda"):
        return torch.device("cuda", local_rank)
    return torch.device("mps" if mps and runtime.device in ("auto", "mps") else "cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def why_no_compiler(device: torch.device) -> str:
    """What torch.compile lacks on this device, or ''. On CUDA Triton has C compiled: what starts its kernels."""
    if device.type == "cuda" and not importlib.util.find_spec("triton"):
        return "triton is not installed"
    if device.type == "mps":
        return "not used on MPS"
    chosen, usual, other = ("CC", "gcc", "clang") if device.type == "cuda" else ("CXX", "g++", "clang++")
    names = (os.environ.get(chosen), usual, other)
    return "" if any(name and shutil.which(name) for name in names) else f"no {usual} or {other}"


def abilities(runtime: RuntimeConfig, device: torch.device, *, pays: bool = False) -> Abilities:
    """Precision and compilation as configured, or what the device can do instead. pays: whether compiling is
    forecast to save more time than it takes, which decides on a CPU where the choice is left to us."""
    fallbacks = []
    fast = has_fast_bfloat16(device)
    wanted = torch.bfloat16 if runtime.precision == "bfloat16" or (runtime.precision == "auto" and fast) else None
    if wanted is not None and device.type == "mps":
        wanted = None
        fallbacks.append("precision float32 instead of bfloat16: not used on MPS")
    chosen = device.type == "cuda" or (device.type == "cpu" and pays)
    asked = runtime.compile == "on" or (runtime.compile == "auto" and chosen)
    lacks = why_no_compiler(device) if asked else ""
    if lacks:
        fallbacks.append(f"compile off: {lacks}")
    if device.type not in FUSED_ADAM:
        fallbacks.append(f"plain Adam instead of fused: none on {device.type}")
    return Abilities(wanted or torch.float32, asked and not lacks, tuple(fallbacks))


def settle_products(runtime: RuntimeConfig, device: torch.device) -> str:
    """Let fp32 matrices be multiplied in TF32 on CUDA, as every original does, unless float32 is asked for by name;
    returns what holds for them."""
    rounded = device.type == "cuda" and runtime.precision != "float32"
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if rounded else "highest")
    return "tf32" if rounded else "float32"


def settle_compiler() -> None:
    """Have torch's compiler leave reductions in mixed order alone on CUDA, unless the environment says otherwise:
    they cost more there than they save (others measured 5.9 ms of a step on H100s)."""
    if "TORCHINDUCTOR_MIX_ORDER_REDUCTION" not in os.environ:
        from torch._inductor import config  # takes long to import

        if hasattr(config.triton, "mix_order_reduction"):
            config.triton.mix_order_reduction = False


def keep_freed_memory() -> None:
    """Let the C library keep what is freed instead of giving it back to the kernel, from which each step of training
    on a CPU would fetch it again, page by page: a tenth of its time. Peak memory stays as it is."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
        mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD, the largest there is


def device_name(device: torch.device) -> str:
    """Marketing name of the device, or the CPU's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def driver_version(device: torch.device, module: Path = Path("/proc/driver/nvidia/version")) -> str:
    """`580.95.05 cuda:13.0` on CUDA: the kernel module's version and torch's CUDA; elsewhere the system's release."""
    if device.type != "cuda":
        return platform.release()
    try:
        found = re.search(r"\d+\.\d+(\.\d+)?", module.read_text(encoding="utf-8"))
    except OSError:
        found = None
    return f"{found.group() if found else 'unknown'} cuda:{torch.version.cuda}"
