"""What keeps our figures from being set against published ones, and what nobody can tell."""

from __future__ import annotations

import pytest

from reports.sections.comparable import compare, same_hardware
from runner.results.nodes import Host
from tests.fixtures.results import record, reference, reproduction, run_result


def host(device: str, nproc: int) -> Host:
    return Host(node="n", hardware="gpu", device=device, cpus=2, nproc=nproc)


@pytest.mark.parametrize(
    ("device", "nproc", "theirs", "answer"),
    [
        ("NVIDIA H100 80GB HBM3", 8, "8xH100 80GB SXM", True),
        ("NVIDIA H100 80GB HBM3", 1, "8xH100 80GB SXM", False),
        ("NVIDIA H200", 8, "8xH100 80GB SXM", False),
        ("NVIDIA A100-SXM4-80GB", 1, "1x A100", True),
        ("NVIDIA GeForce RTX 4090", 1, "1xRTX 4090", True),
        ("NVIDIA GeForce RTX 5090", 1, "1xRTX 4090", False),
        ("NVIDIA A100-SXM4-80GB", 1, "1x80GB H100", False),
        ("A CPU", 1, "1xH100", False),
        ("A CPU", 1, "1xlaptop", None),
    ],
)
def test_hardware_is_the_same_by_count_and_model(device: str, nproc: int, theirs: str, answer: bool | None) -> None:
    assert same_hardware(host(device, nproc), theirs) is answer


def test_all_that_differs_is_named_with_both_sides() -> None:
    found = compare(reproduction(), reference())
    assert found.differ == {
        "data": "ours the embedded corpus asv, theirs fineweb10B_sp1024",
        "hardware": "ours 1 process on A CPU, theirs 8xH100 80GB SXM",
        "limits": "training ours 60 s, theirs 600 s; evaluation ours 60 s, theirs 600 s",
        "model": "ours 1,734,144 parameters, theirs 26,666,073",
    }
    assert found.unknown == []


def test_what_they_do_not_say_is_unknown_and_no_difference() -> None:
    found = compare(
        record([], []),
        reference(data="asv", train_limit_seconds=None, eval_limit_seconds=60, claimed={}),
    )
    assert found.differ == {}
    assert found.unknown == ["the hardware", "their limit of training", "the model's parameters"]


def test_one_seed_on_other_hardware_is_other_hardware() -> None:
    theirs = run_result(42, host=host("NVIDIA H100 80GB HBM3", 1))
    found = compare(record([run_result(1337), theirs], seeds=(1337, 42)), reference(hardware="1xH100"))
    assert found.differ["hardware"] == "ours 1 process on A CPU and 1 process on NVIDIA H100 80GB HBM3, theirs 1xH100"


def test_the_parameters_of_their_log_count_before_those_of_their_readme() -> None:
    both = reference(logged={"parameters": 1_734_144}, claimed={"parameters": 7})
    assert "model" not in compare(record(), both).differ
