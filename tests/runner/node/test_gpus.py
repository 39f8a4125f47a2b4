"""Whose word on a node's GPUs counts: the system's own nvidia-smi, with a driver in the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.node import gpus
from runner.node.gpus import are_vouched, gpu_facts, gpu_names, nvidia_smi, visible
from tests.runner.node.test_node_check import fake_smi


def program(place: Path, *lines: str) -> Path:
    fake_smi(place, *lines)
    return place / "nvidia-smi"


def test_the_systems_own_is_asked_before_one_that_path_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = program(tmp_path / "system", "GPU 0: NVIDIA GB10 (UUID: x)")
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", "GPU 0: NVIDIA H100 80GB HBM3 (UUID: x)"))
    monkeypatch.setattr(gpus, "SYSTEM", (tmp_path / "none" / "nvidia-smi", own))
    assert nvidia_smi() == str(own)
    assert gpu_names() == ["NVIDIA GB10"]
    assert gpu_facts() == []  # its words are no row
    monkeypatch.setattr(gpus, "SYSTEM", ())
    assert nvidia_smi() == str(tmp_path / "bin" / "nvidia-smi")
    assert gpu_names() == ["NVIDIA H100 80GB HBM3"]


def test_gpus_are_vouched_for_by_the_system_and_the_kernel_together(tmp_path: Path) -> None:
    own, driver, none = program(tmp_path / "system"), tmp_path / "driver", tmp_path / "none"
    driver.mkdir()
    assert are_vouched([none, own], [none, driver])
    assert not are_vouched([own], [none])
    assert not are_vouched([none], [driver])


LISTING = """\
GPU 0: NVIDIA GeForce RTX 3060 (UUID: GPU-aa00-1)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-ab00-2)
  MIG 1g.10gb     Device  0: (UUID: MIG-cc00-3)
  MIG 1g.10gb     Device  1: (UUID: MIG-cd00-4)
"""
RTX, H100, PART = "NVIDIA GeForce RTX 3060", "NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3 MIG 1g.10gb"


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (None, [(0, RTX), (1, H100)]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", [(1, H100)]),
        ("1,0", [(1, H100), (0, RTX)]),
        (" 0 , 1 ", [(0, RTX), (1, H100)]),
        ("1,-1,0", [(1, H100)]),
        ("1,1,0", [(1, H100)]),
        ("7,0", []),
        ("GPU-ab", [(1, H100)]),
        ("GPU-a", []),  # of two
        ("GPU-aa00-1,MIG-cd", [(0, RTX), (1, PART)]),
        ("MIG-cc00-3", [(1, PART)]),
    ],
)
def test_the_visible_gpus_are_cudas(wanted: str | None, left: list[tuple[int, str]]) -> None:
    assert [(gpu.index, gpu.name) for gpu in visible(LISTING, wanted)] == left


ANSWERS = """\
case "$*" in
 -L) echo "GPU 0: NVIDIA GeForce RTX 3060 (UUID: GPU-aa)"; echo "GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-ab)";;
 *) echo "NVIDIA GeForce RTX 3060, 12288, 11000, 580.1"; echo "NVIDIA H100 80GB HBM3, 81559, 4, 580.1";;
esac
"""


def test_facts_are_those_of_the_visible_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "nvidia-smi"
    own.write_text(f"#!/bin/sh\n{ANSWERS}")
    own.chmod(0o755)
    monkeypatch.setattr(gpus, "SYSTEM", (own,))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpu_names() == [H100]
    (one,) = gpu_facts()
    assert (one.name, one.memory_mib, one.free_mib) == (H100, 81559, 81555)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (gpu_names(), gpu_facts()) == ([], [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [gpu.name for gpu in gpu_facts()] == gpu_names() == [RTX, H100]
