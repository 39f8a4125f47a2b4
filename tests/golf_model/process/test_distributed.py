"""How processes and micro-batches must divide."""

from __future__ import annotations

import pytest
import torch

from golf_model.config.batch import BatchConfig
from golf_model.process.distributed import PATIENCE, World, accumulation_steps, group_of
from golf_model.process.errors import ScriptError


@pytest.mark.parametrize(
    ("micro", "size", "expected"), [(8, 1, 8), (8, 8, 1), (8, 2, 4), (1, 1, 1), (1, 2, 1), (2, 8, 1)]
)
def test_micro_batches_are_dealt_to_processes(micro: int, size: int, expected: int) -> None:
    batch = BatchConfig(train_batch_tokens=8192, train_seq_len=128, micro_batches=micro)
    assert accumulation_steps(batch, size) == expected


@pytest.mark.parametrize(("micro", "size"), [(8, 3), (3, 2), (2, 5)])
def test_counts_that_do_not_divide_are_refused(micro: int, size: int) -> None:
    batch = BatchConfig(train_batch_tokens=128 * 24, train_seq_len=128, micro_batches=micro)
    with pytest.raises(ScriptError, match="one must divide the other"):
        accumulation_steps(batch, size)


def test_batch_that_leaves_a_process_without_a_whole_sequence_is_refused() -> None:
    with pytest.raises(ScriptError, match="must be a multiple of processes"):
        accumulation_steps(BatchConfig(train_batch_tokens=384, train_seq_len=128, micro_batches=1), 2)


def test_collectives_of_one_process_are_the_identity() -> None:
    world = World(0, 1, torch.device("cpu"))
    assert world.maxima([1.5, 0.0]) == [1.5, 0.0]
    assert world.sums([2.5]) == [2.5]
    assert world.is_main


def test_one_process_reads_its_own_loss_and_whether_it_is_a_number() -> None:
    world = World(0, 1, torch.device("cpu"))
    assert world.after_step([7.0], torch.tensor(2.5)) == ([7.0, 0.0], 2.5)
    assert world.after_step([7.0], torch.tensor(float("inf"))) == ([7.0, 1.0], float("inf"))
    world.rest()


def test_gpus_are_bound_to_their_group_and_their_processes_can_wait_on_the_cpu() -> None:
    gpu = torch.device("cuda", 3)
    assert group_of(gpu) == {"backend": "cpu:gloo,cuda:nccl", "device_id": gpu}
    assert group_of(torch.device("cpu")) == {"backend": "gloo"}
    assert PATIENCE.total_seconds() >= 3600  # NCCL gives up after ten minutes, gloo after thirty
