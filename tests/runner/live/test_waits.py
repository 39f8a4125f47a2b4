"""What a seed that has not started waits for."""

from __future__ import annotations

from runner.backends.nodes import Need
from runner.job.hardware import PROFILES
from runner.live.waits import waits_for


def need(cpus: int = 1, gpus: int = 0, *, alone: bool = False) -> Need:
    return Need(PROFILES["gpu" if gpus else "cpu"], cpus, gpus, alone)


def test_what_a_seed_takes_of_a_node_is_what_it_waits_for() -> None:
    assert waits_for(need(), 2) == "waits for a core"
    assert waits_for(need(4), 2) == "waits for 4 cores of one node"
    assert waits_for(need(1, 1), 2) == "waits for a GPU"
    assert waits_for(need(8, 8), 2) == "waits for 8 GPUs of one node"
    assert waits_for(need(8, 8, alone=True), 2) == "waits for a node to itself"


def test_before_any_seed_runs_it_waits_for_a_node_and_behind_a_full_run_for_a_seeds_end() -> None:
    assert waits_for(need(), 0) == "waits for a node"
    assert waits_for(need(), 2, 2) == "waits for a seed to end: 2 at a time"
    assert waits_for(need(), 2, 3) == "waits for a core"
    assert waits_for(need(), 1, 1, local=True) == "waits its turn: one seed after the other"
