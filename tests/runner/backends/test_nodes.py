"""Nodes as data: which can take a seed, how Ray's and nvidia-smi's words are read, what is said when none fits."""

from __future__ import annotations

import pytest

from runner.backends.cluster import node_of
from runner.backends.nodes import Need, Node, inventory, this_node
from runner.errors import UserError
from runner.job.hardware import PROFILES, accelerator_of, claimants
from runner.job.load import job_from_mapping
from runner.job.open_data import DataRequest, open_requested
from runner.plan.plan import make_plan
from runner.plan.plan_table import plan_table, rows_of_plan
from runner.plan.run_time import try_time
from runner.plan.step_time import step_time
from tests.runner.drive.test_run import Screen, plan_for

POD = Node(208, 8, "H100")
SPARK = Node(20, 1, "GB10")


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA GB10", "GB10"),
        ("NVIDIA GeForce RTX 4090", "G"),  # as Ray itself shortens it
        ("", ""),
    ],
)
def test_accelerators_are_named_as_ray_names_them(device: str, name: str) -> None:
    assert accelerator_of(device) == name


def test_a_node_is_known_by_its_label_or_by_the_resource_that_ray_gives_it() -> None:
    resources = {"CPU": 20.0, "GPU": 1.0, "accelerator_type:GB10": 1.0}
    node = {"NodeID": "ab", "Resources": resources, "Labels": {}, "NodeManagerHostname": "spark-1"}
    assert node_of(node) == Node(20, 1, "GB10", id="ab", host="spark-1")
    labels = {"ray.io/accelerator-type": "H100"}
    assert node_of({**node, "Resources": {"GPU": 8.0}, "Labels": labels}).accelerator == "H100"


@pytest.mark.parametrize(
    ("name", "fitting"),
    [("h100x8", [POD]), ("h100x1", [POD]), ("dgx-spark", [SPARK]), ("h200x8", []), ("gpu", [POD, SPARK])],
)
def test_a_profile_fits_nodes_of_its_accelerator_with_enough_of_them(name: str, fitting: list[Node]) -> None:
    hardware = PROFILES[name]
    need = Need(hardware, 8, hardware.gpus)
    assert [node for node in (POD, SPARK, Node(64, 0)) if need.fits(node)] == fitting
    assert not need.fits(Node(208, 0, hardware.accelerator))


def test_a_label_of_the_profile_must_be_on_the_node() -> None:
    hardware = PROFILES["gpu"]
    special = type(hardware)("special", gpus=1, labels={"rack": "7"})
    assert not Need(special, 1, 1).fits(POD)
    assert Need(special, 1, 1).fits(Node(8, 1, labels={"rack": "7"}))


def test_only_eight_h100_may_claim_the_ten_minute_track() -> None:
    assert claimants("10min_16mb") == ("h100x8",)
    assert claimants("non_record_16mb") == claimants("local") == ()


def test_what_no_node_can_take_is_said_with_what_there_is(tiny_data: DataRequest) -> None:
    job = plan_for(tiny_data).job.model_copy(update={"hardware": "h100x8"})
    nodes = [SPARK, SPARK, Node(4, 0)]
    with pytest.raises(UserError) as caught:
        make_plan(job, open_requested(tiny_data), 1000, nodes)
    said = "no node offers 8x H100 and 8 CPUs for one seed; the cluster has 2 nodes of 1x GB10 and 20 CPUs"
    assert said in str(caught.value)
    assert inventory(nodes) == "2 nodes of 1x GB10 and 20 CPUs; 1 node of 0 GPUs and 4 CPUs"
    assert inventory(nodes[::-1]) == inventory(nodes), "whichever Ray names first"


def test_a_plan_says_when_its_hardware_cannot_claim_the_track_and_what_it_may_cost(tiny_data: DataRequest) -> None:
    mapping = plan_for(tiny_data).job.model_dump(mode="json")
    mapping |= {"track": "10min_16mb", "limits": {}, "hardware": "h200x8"}
    plan = make_plan(job_from_mapping(mapping, source="test"), open_requested(tiny_data), 1000, [Node(8, 8, "H200")])
    screen = Screen()
    step = step_time(plan.job, plan.hardware, plan.nproc, here=True, measure=lambda: None)
    rows = rows_of_plan(plan, "here", plan.data.facts, step, try_time(plan, step))
    screen.console.print(plan_table(rows))
    assert "track 10min_16mb wants h100x8: a run here is labelled so and ends rejected" in screen.text
    assert "at $29 an hour each (a guess)" in screen.text
    assert "how fast H200 trains is not known" in screen.text


@pytest.mark.parametrize(
    ("names", "node"),
    [
        ([], Node(6, 0)),
        (["NVIDIA H100 80GB HBM3"] * 2, Node(6, 2, "H100")),
        (["NVIDIA H100 80GB HBM3", "NVIDIA GB10"], Node(6, 2)),
    ],
)
def test_this_machine_is_named_by_its_gpus_where_all_are_of_one_kind(
    monkeypatch: pytest.MonkeyPatch, names: list[str], node: Node
) -> None:
    monkeypatch.setattr("runner.backends.nodes.gpu_names", lambda: names)
    monkeypatch.setattr("runner.backends.nodes.usable_cpus", lambda: 6)
    assert this_node() == node
    assert (node.id, node.host) == ("local", "")
