"""Devices: named ones must be there; what one cannot do falls back with a line."""

from __future__ import annotations

import importlib.util
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from golf_model.config.runtime import RuntimeConfig
from golf_model.process import devices
from golf_model.process.devices import (
    abilities,
    driver_version,
    keep_freed_memory,
    pick_device,
    settle_products,
    why_no_compiler,
)
from golf_model.process.errors import ScriptError

CPU, MPS, CUDA = (torch.device(kind) for kind in ("cpu", "mps", "cuda"))


def only(patch: pytest.MonkeyPatch, *there: str) -> None:
    """A machine with these devices."""
    patch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    patch.setattr(torch.cuda, "device_count", lambda: 2)
    patch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)


@pytest.mark.parametrize(
    ("there", "named", "taken"),
    [
        (("cuda", "mps"), "auto", "cuda:0"),
        (("mps",), "auto", "mps"),
        ((), "auto", "cpu"),
        (("cuda", "mps"), "mps", "mps"),
        (("cuda", "mps"), "cpu", "cpu"),
    ],
)
def test_the_named_device_or_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], named: Any, taken: str
) -> None:
    only(monkeypatch, *there)
    assert pick_device(RuntimeConfig(device=named), 0) == torch.device(taken)


@pytest.mark.parametrize(("named", "rank"), [("cuda", 0), ("mps", 0), ("cuda", 2), ("mps", 1)])
def test_a_named_device_that_is_not_there_is_the_users_error(
    monkeypatch: pytest.MonkeyPatch, named: Any, rank: int
) -> None:
    only(monkeypatch, *(("cuda", "mps") if rank else ()))
    with pytest.raises(ScriptError, match=f"runtime.device is {named}"):
        pick_device(RuntimeConfig(device=named), rank)


def test_mps_computes_in_float32_uncompiled_and_says_what_was_asked_for() -> None:
    how = abilities(RuntimeConfig(precision="bfloat16", compile="on"), MPS)
    assert (how.precision, how.compiled) == (torch.float32, False)
    assert how.fallbacks == (
        "precision float32 instead of bfloat16: not used on MPS",
        "compile off: not used on MPS",
    )
    assert abilities(RuntimeConfig(), MPS).fallbacks == ()


def test_compiling_without_a_compiler_is_off_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    how = abilities(RuntimeConfig(compile="on"), CPU)
    assert (how.compiled, how.fallbacks) == (False, ("compile off: no g++ or clang++",))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert abilities(RuntimeConfig(compile="on"), CPU).compiled
    assert not abilities(RuntimeConfig(compile="auto"), CPU).compiled
    assert abilities(RuntimeConfig(compile="auto"), CPU, pays=True).compiled
    assert not abilities(RuntimeConfig(compile="off"), CPU, pays=True).compiled
    assert not abilities(RuntimeConfig(compile="auto"), MPS, pays=True).compiled


def test_cuda_compiles_by_itself_where_triton_and_a_c_compiler_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert why_no_compiler(CUDA) == "triton is not installed"
    monkeypatch.setattr(devices, "has_fast_bfloat16", lambda device: True)
    assert abilities(RuntimeConfig(), CUDA).fallbacks == ("compile off: triton is not installed",)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)  # as in images that hold only what runs
    assert why_no_compiler(CUDA) == "no gcc or clang"
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "clang" else None)
    how = abilities(RuntimeConfig(), CUDA)
    assert (how.precision, how.compiled, how.fallbacks) == (torch.bfloat16, True, ())


def test_a_device_without_a_fused_adam_gets_the_plain_one() -> None:
    how = abilities(RuntimeConfig(precision="float32"), torch.device("meta"))
    assert how.fallbacks == ("plain Adam instead of fused: none on meta",)


def test_the_drivers_version_is_the_kernel_modules(tmp_path: Path) -> None:
    module = tmp_path / "version"
    assert driver_version(CUDA, module) == f"unknown cuda:{torch.version.cuda}"
    module.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n")
    assert driver_version(CUDA, module) == f"580.95.05 cuda:{torch.version.cuda}"


@pytest.mark.parametrize(
    ("device", "precision", "products", "set_to"),
    [
        (CUDA, "auto", "tf32", "high"),
        (CUDA, "bfloat16", "tf32", "high"),
        (CUDA, "float32", "float32", "highest"),
        (CPU, "auto", "float32", None),
    ],
)
def test_fp32_matrices_are_multiplied_in_tf32_on_cuda_unless_float32_is_named(
    monkeypatch: pytest.MonkeyPatch, device: torch.device, precision: Any, products: str, set_to: str | None
) -> None:
    told: list[str] = []
    monkeypatch.setattr(torch, "set_float32_matmul_precision", told.append)
    assert settle_products(RuntimeConfig(precision=precision), device) == products
    assert told == ([] if set_to is None else [set_to])


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_memory_that_was_freed_is_not_fetched_from_the_kernel_again() -> None:
    keep_freed_memory()
    elements, pages = 6 << 20, (24 << 20) // resource.getpagesize()
    for _ in range(8):  # until it has found its place
        torch.ones(elements)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(elements)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages
