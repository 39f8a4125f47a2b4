"""Whose word on a node's GPUs counts: the system's own nvidia-smi, with a driver in the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.node import gpus
from runner.node.gpus import are_vouched, gpu_facts, gpu_names, nvidia_smi
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
