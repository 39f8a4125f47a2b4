"""Each thing of a machine, good, bad and unknown, by machines that are shown to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runner.doctor import machine
from runner.results.nodes import GpuFacts
from runner.results.phases import Isolation

H100 = GpuFacts(name="NVIDIA H100 80GB HBM3", memory_mib=81920, free_mib=81000, driver="580.1")


def fake_python(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_old_python_is_bad_and_needed() -> None:
    assert machine.python_found().state == "good"
    old = machine.python_found((3, 9, 2))
    assert (old.state, old.needed, old.advice) == ("bad", True, "install Python 3.11 or newer")


def test_torch_must_be_imported_and_see_what_the_driver_shows(tmp_path: Path) -> None:
    sees = fake_python(tmp_path, """echo '{"version": "2.9.0", "cuda": "12.8", "gpus": 1}'""")
    assert machine.torch_found([H100], sees).found == "2.9.0, CUDA 12.8, sees 1 GPUs"
    assert machine.torch_found([H100], sees).state == "good"
    blind = machine.torch_found([H100, H100], sees)
    assert (blind.state, blind.needed) == ("bad", True)
    assert blind.advice.startswith("the driver (580.1) shows 2")


def test_a_torch_that_cannot_be_imported_is_bad_and_a_slow_one_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = machine.torch_found([], fake_python(tmp_path, "echo 'ImportError: libcudart.so.12' >&2; exit 1"))
    assert (broken.state, broken.found) == ("bad", "cannot be imported: ImportError: libcudart.so.12")
    monkeypatch.setattr(machine, "TORCH_S", 0.2)
    slow = machine.torch_found([], fake_python(tmp_path, "exec sleep 5"))
    assert (slow.state, slow.needed) == ("unknown", True)


def test_no_gpu_is_no_fault_and_a_strange_nvidia_smi_no_proof() -> None:
    assert machine.gpus_found([]).state == "good"
    told = "2x NVIDIA H100 80GB HBM3, 80 GiB, driver 580.1"
    assert (machine.gpus_found([H100, H100], vouched=True).found) == told
    assert machine.gpus_found([H100], vouched=False).state == "unknown"


def test_memory_disks_and_shared_memory_have_their_least(tmp_path: Path) -> None:
    assert machine.memory_found(2, 8 << 30).found == "2 CPUs, 8.0 GiB free"
    assert machine.memory_found(2, 1 << 30).state == "bad"
    assert machine.disk_found(tmp_path, 1).state == "good"
    full = machine.disk_found(tmp_path, 1 << 60)
    assert (full.state, full.needed) == ("bad", True)
    assert machine.shm_found(tmp_path, 1).state == "good"
    assert "--shm-size" in machine.shm_found(tmp_path, 1 << 60).advice
    assert machine.shm_found(tmp_path / "none").state == "unknown"


def test_a_folder_that_is_not_there_yet_can_be_written_to_where_the_one_above_can(tmp_path: Path) -> None:
    assert machine.output_found(tmp_path / "a" / "b").state == "good"
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    found = machine.output_found(tmp_path / "file" / "b")
    assert (found.state, found.needed) == ("bad", True)


def test_isolation_is_good_by_namespaces_alone() -> None:
    assert machine.isolation_found(Isolation(layer="namespaces")).state == "good"
    partly = machine.isolation_found(Isolation(layer="landlock", refused={"namespaces": "not permitted"}))
    assert (partly.state, partly.found) == ("unknown", "Landlock (refused: namespaces: not permitted)")
    assert machine.isolation_found(Isolation(layer="none")).state == "bad"


def test_too_few_watches_are_told_with_the_command(tmp_path: Path) -> None:
    watches, instances = tmp_path / "watches", tmp_path / "instances"
    assert machine.inotify_found(watches, instances).state == "unknown"
    watches.write_text("8192\n")
    instances.write_text("128\n")
    assert machine.inotify_found(watches, instances).state == "good"
    instances.write_text("1\n")
    assert machine.inotify_found(watches, instances).advice.startswith("sysctl fs.inotify.max_user_watches=")


def test_a_token_that_others_can_read_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    token = tmp_path / "auth_token"
    assert machine.token_found([token], {}).state == "good"
    token.write_text("secret")
    token.chmod(0o644)
    found = machine.token_found([token], {})
    assert (found.state, found.advice) == ("bad", f"chmod 600 {token}")
    assert token.stat().st_mode & 0o777 == 0o644
    assert "secret" not in found.found
    token.chmod(0o600)
    assert machine.token_found([token], {}).state == "good"
    assert machine.token_found([token], {"RAY_AUTH_TOKEN": "secret"}).found == "in RAY_AUTH_TOKEN"


def test_the_interpreter_that_is_asked_is_golfs_own() -> None:
    assert sys.executable in machine.python_found().found
    assert os.access(sys.executable, os.X_OK)
