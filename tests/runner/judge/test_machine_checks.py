"""On the track's hardware? What a node, its driver and a log say must not contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from runner.judge.evidence import Answer, Case
from runner.judge.machine_checks import hardware
from tests.fixtures.results import run_result

H100 = "NVIDIA H100 80GB HBM3"
NODE: dict[str, Any] = {
    "hardware": "h100x8",
    "device": H100,
    "gpus": [H100] * 8,
    "gpus_vouched": True,
    "nproc": 8,
    "versions": {"python": "3.12.3", "torch": "2.13.0+cu130"},
}
LOG: dict[str, Any] = {"device_type": "cuda", "devices": [f"cuda {H100}"], "torch": "2.13.0+cu130"}


def answer(node: dict[str, Any] | None = None, log: dict[str, Any] | None = None) -> Answer:
    result = run_result(1)
    assert result.host is not None
    host = result.host.model_copy(update={**NODE, **(node or {})})
    facts = result.log.model_copy(update={**LOG, **(log or {})})
    case = Case(
        cap_bytes=16_000_000,
        train_seconds=600.0,
        eval_seconds=600.0,
        seeds=(1,),
        script_sha256=result.script_sha256,
        nproc=8,
        allowed_hardware=("h100x8",),
        results=(result.model_copy(update={"host": host, "log": facts}),),
        verifications=(),
    )
    return hardware(case)


def test_a_node_whose_driver_kernel_and_log_agree_passes() -> None:
    assert answer() == Answer("pass", "h100x8", "h100x8")
    before = answer({"gpus_vouched": None}, {"devices": [], "torch": None})  # as older records are
    assert before.status == "pass"


@pytest.mark.parametrize(
    ("node", "log", "why"),
    [
        ({}, {"devices": ["cpu Some CPU", f"cuda {H100}"]}, "the log of seed 1 names several devices"),
        ({}, {"devices": [f"cuda {H100}", "cuda NVIDIA L4"]}, "the log of seed 1 names several devices; the log of"),
        ({"versions": {"torch": "2.13.0+cpu"}}, {}, "torch of seed 1 was built without CUDA"),
        ({}, {"torch": "2.13.0+cpu"}, "torch of seed 1 was built without CUDA"),
        ({"gpus": ["NVIDIA L4"] * 8}, {}, "the log of seed 1 names another GPU than its driver"),
        ({"gpus": [H100] * 4}, {}, "seed 1 had more processes than GPUs"),
    ],
)
def test_what_cannot_be_true_at_once_fails(node: dict[str, Any], log: dict[str, Any], why: str) -> None:
    found = answer(node, log)
    assert found.status == "fail"
    assert found.detail.startswith(why)


def test_gpus_that_only_a_program_on_path_knows_are_not_known() -> None:
    found = answer({"gpus_vouched": False})
    assert found.status == "unknown"
    assert found.detail == (
        "GPUs of seed 1 are known only from an nvidia-smi on PATH: "
        "neither the system's own nor the kernel tells of them"
    )
    silent = answer({"gpus_vouched": False}, {"device_type": None, "devices": [], "torch": None})
    assert silent.status == "unknown"


def test_a_slice_of_a_gpu_is_that_gpu() -> None:
    slices = {"devices": [f"cuda {H100} MIG 1g.10gb"]}
    assert answer({}, slices).status == "pass"


def test_of_a_node_with_several_kinds_of_gpus_a_log_may_name_any() -> None:
    several = {"gpus": [H100] * 4 + ["NVIDIA L4"] * 4}
    assert answer(several).status == "pass"
    assert answer(several, {"devices": ["cuda nvidia l4"]}).status == "pass"
    assert answer(several, {"devices": ["cuda NVIDIA A10"]}).status == "fail"
    assert answer({"gpus": [H100] * 7}).status == "fail"
    assert answer({"gpus": [], "nproc": 0}).status == "pass"
