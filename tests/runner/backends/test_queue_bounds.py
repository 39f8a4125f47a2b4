"""What the queue counts, to the last processor: room on a node, turns that are passed, silence."""

from __future__ import annotations

import pytest

from runner.backends.fair_queue import Demand, FairQueue, Load, Ticket
from runner.backends.nodes import Need, Node
from runner.job.hardware import PROFILES


def need(gpus: int, cpus: int, *, alone: bool = False) -> Need:
    """What a seed takes."""
    return Need(PROFILES["gpu"], cpus, gpus, alone)


BIG = Node(4, 2, "H100", id="big")


@pytest.mark.parametrize(
    ("wanted", "taken", "takes"),
    [
        (need(1, 4), (), True),
        (need(1, 5), (), False),
        (need(2, 1), (), True),
        (need(3, 1), (), False),
        (need(1, 1), (need(1, 3),), True),
        (need(1, 2), (need(1, 3),), False),
        (need(1, 1), (need(2, 1),), False),
        (need(0, 1, alone=True), (), True),
        (need(0, 1, alone=True), (need(0, 1),), False),
        (need(0, 1), (need(0, 1, alone=True),), False),
    ],
)
def test_a_node_takes_what_is_left_of_it_and_no_more(wanted: Need, taken: tuple[Need, ...], takes: bool) -> None:
    load = Load()
    for one in taken:
        load.add("other", one)
    assert load.takes(Demand("mine", 0.0, 1, side_by_side=1), wanted, BIG) is takes


def test_a_driver_has_as_many_seeds_on_a_node_as_it_may_and_others_do_not_count() -> None:
    load = Load()
    load.add("other", need(0, 1))
    load.add("mine", need(0, 1))
    assert not load.takes(Demand("mine", 0.0, 1, side_by_side=1), need(0, 1), BIG)
    assert load.takes(Demand("mine", 0.0, 1, side_by_side=2), need(0, 1), BIG)
    assert (load.cpus, load.gpus, load.seeds) == (2, 0, {"other": 1, "mine": 1})


@pytest.mark.parametrize(("cpus", "room"), [(3, True), (4, False), (5, False)])
def test_there_is_room_while_a_processor_is_free(cpus: int, room: bool) -> None:
    assert Load(cpus=cpus).has_room(BIG) is room
    assert not Load(alone=True).has_room(BIG)


@pytest.mark.parametrize(("silent", "granted"), [(30.0, {}), (30.001, {"b": "big"})])
def test_a_driver_that_is_silent_for_longer_than_it_may_be_holds_nothing(
    silent: float, granted: dict[str, str]
) -> None:
    queue = FairQueue()
    whole = need(2, 4)
    assert queue.ask(Demand("first", 0.0, 1, 1, (Ticket("a", whole),)), [BIG], 100.0) == {"a": "big"}
    assert queue.ask(Demand("second", 1.0, 1, 1, (Ticket("b", whole),)), [BIG], 100.0 + silent) == granted


def test_a_ticket_goes_to_the_smallest_node_that_fits_and_to_one_it_avoids_last() -> None:
    small, middle = Node(2, 1, "H100", id="small"), Node(2, 2, "H100", id="middle")
    nodes = [BIG, middle, small]

    def place(ticket: Ticket) -> dict[str, str]:
        return FairQueue().ask(Demand("d", 0.0, 1, 1, (ticket,)), nodes, 0.0)

    assert place(Ticket("a", need(1, 1))) == {"a": "small"}
    assert place(Ticket("a", need(1, 1), avoid=("small",))) == {"a": "middle"}
    assert place(Ticket("a", need(1, 1), avoid=("small", "middle"))) == {"a": "big"}
    assert place(Ticket("a", need(1, 1), avoid=("small", "middle", "big"))) == {"a": "small"}
    assert place(Ticket("a", need(1, 1), refused=("small", "middle"))) == {"a": "big"}
    assert place(Ticket("a", need(1, 1), refused=("small", "middle", "big"))) == {}


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_a_job_that_waits_is_passed_over_as_often_as_it_has_seeds_in_one_question_and_in_the_next(seeds: int) -> None:
    queue, node = FairQueue(), Node(9, 0, id="n")
    one, whole = Need(PROFILES["cpu"], 1, 0), Need(PROFILES["cpu"], 1, 0, alone=True)
    assert queue.ask(Demand("first", 0.0, 1, 1, held={"f": ("n", one)}), [node], 0.0) == {}
    assert queue.ask(Demand("waits", 1.0, seeds, 1, (Ticket("w", whole),)), [node], 0.0) == {}
    later = Demand("later", 2.0, 5, 9, tuple(Ticket(f"l{number}", one) for number in range(5)))
    granted = queue.ask(later, [node], 0.0)
    assert granted == {f"l{number}": "n" for number in range(seeds)}
    held = dict.fromkeys(granted, ("n", one))
    assert queue.ask(Demand("later", 2.0, 5, 9, (Ticket("m", one),), held), [node], 1.0) == {}


def test_jobs_that_waited_long_enough_each_have_their_own_kind_of_node_kept() -> None:
    queue, cpu, gpu = FairQueue(), Node(9, 0, id="cpu"), Node(9, 1, "H100", id="gpu")
    nodes, one = [cpu, gpu], Need(PROFILES["cpu"], 1, 0)
    held = {"a": ("cpu", one), "b": ("gpu", one)}
    assert queue.ask(Demand("first", 0.0, 2, 1, held=held), nodes, 0.0) == {}
    anywhere = (Ticket("w", Need(PROFILES["cpu"], 1, 0, alone=True)),)
    there = (Ticket("g", Need(PROFILES["gpu"], 1, 1, alone=True)),)
    assert queue.ask(Demand("whole", 1.0, 1, 1, anywhere), nodes, 0.0) == {}
    assert queue.ask(Demand("whole gpu", 2.0, 1, 1, there), nodes, 0.0) == {}
    wants = (Ticket("x", need(1, 1)), Ticket("y", one))
    assert queue.ask(Demand("later", 3.0, 5, 9, wants), nodes, 0.0) == {"x": "gpu"}, "both were passed over, once"
    assert queue.ask(Demand("later", 3.0, 5, 9, wants[1:], {"x": ("gpu", need(1, 1))}), nodes, 1.0) == {}
