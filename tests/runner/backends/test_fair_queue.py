"""The queue of jobs on a cluster: order, whole nodes, bounded passing over, drivers that die."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.backends.fair_queue import SILENT_S, Demand, FairQueue, Ticket
from runner.backends.nodes import Need, Node
from runner.job.hardware import PROFILES

H100 = Node(64, 8, "H100", id="h")
SPARKS = [Node(20, 1, "GB10", id=f"s{number}") for number in range(2)]
CPU = Need(PROFILES["cpu"], 1, 0)
WHOLE_CPU = Need(PROFILES["cpu"], 2, 0, alone=True)
WHOLE_H100 = Need(PROFILES["h100x8"], 8, 8, alone=True)
WHOLE_SPARK = Need(PROFILES["dgx-spark"], 1, 1, alone=True)


def demand(driver: str, since: float, need: Need, waiting: int, *, seeds: int = 0, **held: str) -> Demand:
    """`waiting` tickets of a driver that holds `held`: key -> node."""
    return Demand(
        driver,
        since,
        seeds or waiting + len(held),
        side_by_side=99,
        waiting=tuple(Ticket(f"{driver}{number}", need) for number in range(waiting)),
        held={key: (node, need) for key, node in held.items()},
    )


def test_each_seed_gets_a_node_of_its_kind_and_the_rest_waits() -> None:
    queue, nodes = FairQueue(), [H100, *SPARKS]
    assert queue.ask(demand("a", 1, WHOLE_H100, 2), nodes, 0) == {"a0": "h"}
    assert queue.ask(demand("b", 2, WHOLE_SPARK, 3), nodes, 0) == {"b0": "s0", "b1": "s1"}


def test_a_grant_is_repeated_until_the_driver_holds_it() -> None:
    queue = FairQueue()
    for _ in range(2):
        assert queue.ask(demand("a", 1, WHOLE_H100, 1), [H100], 0) == {"a0": "h"}
    assert queue.ask(demand("a", 1, WHOLE_H100, 1, x="h"), [H100], 0) == {"a0": "h"}  # the older grant still stands
    sparks = FairQueue()
    for _ in range(2):
        assert sparks.ask(demand("a", 1, WHOLE_SPARK, 1), SPARKS, 0) == {"a0": "s0"}  # and not of another node, too
    assert queue.ask(demand("b", 2, WHOLE_H100, 1), [H100], 0) == {}


def test_a_grant_that_was_given_back_or_whose_node_has_died_is_followed_by_another() -> None:
    waits = Ticket("a", WHOLE_SPARK)
    given_back = Ticket("a", WHOLE_SPARK, avoid=("s0",))
    refused = Ticket("a", WHOLE_SPARK, refused=("s0",))
    for ticket, nodes in ((given_back, SPARKS), (refused, SPARKS), (waits, SPARKS[1:])):
        queue = FairQueue()
        assert queue.ask(Demand("d", 1, 1, 1, (waits,)), SPARKS, 0) == {"a": "s0"}
        assert queue.ask(Demand("d", 1, 1, 1, (ticket,)), nodes, 1) == {"a": "s1"}


def test_the_earlier_job_is_served_first_whoever_asks_first() -> None:
    queue = FairQueue()
    queue.ask(demand("busy", 0, WHOLE_H100, 0, x="h"), [H100], 0)
    assert queue.ask(demand("late", 2, WHOLE_H100, 1), [H100], 0) == {}
    assert queue.ask(demand("early", 1, WHOLE_H100, 1), [H100], 0) == {}
    queue.ask(demand("busy", 0, WHOLE_H100, 0), [H100], 1)
    assert queue.ask(demand("late", 2, WHOLE_H100, 1), [H100], 1) == {}
    assert queue.ask(demand("early", 1, WHOLE_H100, 1), [H100], 1) == {"early0": "h"}


def test_a_whole_node_is_shared_with_nobody_and_a_shared_one_only_as_far_as_it_reaches() -> None:
    node = Node(3, 0, id="c")
    queue = FairQueue()
    assert len(queue.ask(demand("small", 1, CPU, 5), [node], 0)) == 3
    assert queue.ask(demand("whole", 2, WHOLE_CPU, 1), [node], 0) == {}
    queue.ask(demand("small", 1, CPU, 0), [node], 0)
    assert queue.ask(demand("whole", 2, WHOLE_CPU, 1), [node], 0) == {"whole0": "c"}
    assert queue.ask(demand("other", 3, CPU, 1), [node], 0) == {}


def test_a_jobs_seeds_share_a_node_only_as_far_as_it_says() -> None:
    alone = Demand("a", 1, 3, side_by_side=1, waiting=tuple(Ticket(f"a{number}", CPU) for number in range(3)))
    nodes = [Node(8, 0, id="x"), Node(8, 0, id="y")]
    assert sorted(FairQueue().ask(alone, nodes, 0).values()) == ["x", "y"]


def test_a_refused_node_is_never_given_and_an_avoided_one_only_last() -> None:
    ticket = Ticket("a", WHOLE_SPARK, avoid=("s0",))
    assert FairQueue().ask(Demand("a", 1, 1, 1, (ticket,)), SPARKS, 0) == {"a": "s1"}
    assert FairQueue().ask(Demand("a", 1, 1, 1, (ticket,)), SPARKS[:1], 0) == {"a": "s0"}
    refused = Ticket("a", WHOLE_SPARK, refused=("s0",))
    assert FairQueue().ask(Demand("a", 1, 1, 1, (refused,)), SPARKS[:1], 0) == {}


def test_tickets_of_one_driver_go_each_where_its_own_kind_may() -> None:
    tickets = (
        Ticket("spark", WHOLE_SPARK),
        Ticket("h100", WHOLE_H100),
        Ticket("other spark", WHOLE_SPARK, refused=("s0",)),
        Ticket("third spark", WHOLE_SPARK),
    )
    granted = FairQueue().ask(Demand("d", 1, 4, 1, tickets), [H100, *SPARKS], 0)
    assert granted == {"spark": "s0", "h100": "h", "other spark": "s1"}


def test_what_a_silent_driver_held_is_free_again() -> None:
    queue = FairQueue()
    assert queue.ask(demand("dead", 1, WHOLE_H100, 1), [H100], 0) == {"dead0": "h"}
    assert queue.ask(demand("next", 2, WHOLE_H100, 1), [H100], SILENT_S) == {}
    assert queue.ask(demand("next", 2, WHOLE_H100, 1), [H100], SILENT_S + 1) == {"next0": "h"}


@given(st.integers(1, 4), st.integers(1, 3), st.lists(st.integers(0, 2), min_size=10, max_size=60))
def test_no_waiting_job_is_passed_over_more_often_than_it_has_seeds(cpus: int, seeds: int, ends: list[int]) -> None:
    """One job wants a node alone while single seeds of later jobs come for ever; some run seed ends now and then."""
    queue, node = FairQueue(), Node(cpus + 1, 0, id="c")
    whole = Need(PROFILES["cpu"], 1, 0, alone=True)
    running: dict[str, tuple[str, Need]] = {"first": ("c", CPU)}
    passes = 0
    for number, ending in enumerate(ends):
        for key in list(running)[:ending]:
            del running[key]
        queue.ask(Demand("later", 2, 1, 99, held=dict(running)), [node], 0)
        if queue.ask(demand("waits", 1, whole, seeds), [node], 0):
            return
        newcomer = Demand("later", 2, 1, 99, (Ticket(f"n{number}", CPU),), dict(running))
        for key, granted in queue.ask(newcomer, [node], 0).items():
            running[key] = (granted, CPU)
            passes += 1
    assert passes <= seeds
