"""One node for all turns: whoever waits at the queue does not come between two of them."""

from __future__ import annotations

import pytest

from runner.backends.fair_queue import Demand, FairQueue, Ticket
from runner.backends.nodes import Need, Node
from runner.duel.kept_node import KeptNode
from runner.job.hardware import PROFILES

CPU = PROFILES["cpu"]
NEED = Need(CPU, 2, 0)
NODES = [Node(2, 0, id="n1", host="h1"), Node(2, 0, id="n2", host="h2")]


class Queue:
    """The fair queue by a clock that stands still."""

    def __init__(self) -> None:
        self.queue = FairQueue()

    def ask(self, demand: Demand, nodes: list[Node]) -> dict[str, str]:
        return self.queue.ask(demand, nodes, 0.0)

    def leave(self, driver: str) -> None:
        self.queue.forget(driver)


def demand(driver: str, since: float, waiting: str = "", held: dict[str, str] | None = None) -> Demand:
    tickets = (Ticket(waiting, NEED),) if waiting else ()
    return Demand(
        driver, since, 1, 1, waiting=tickets, held={key: (node, NEED) for key, node in (held or {}).items()}
    )


@pytest.fixture
def kept() -> tuple[KeptNode, Queue]:
    queue = Queue()
    return KeptNode(NEED).through(queue), queue  # type: ignore[arg-type]


def test_the_node_of_the_first_turn_is_the_second_turns(kept: tuple[KeptNode, Queue]) -> None:
    node, queue = kept
    assert node.ask(demand("d1", 5.0, "a/seed1"), NODES) == {"a/seed1": "n1"}
    node.ask(demand("d1", 5.0, held={"a/seed1": "n1"}), NODES)
    earlier = demand("other", 1.0, "x/seed1")
    queue.ask(demand("third", 2.0, held={"y/seed1": "n2"}), NODES)
    assert queue.ask(earlier, NODES) == {}
    node.leave("d1")
    assert queue.ask(earlier, NODES) == {}
    assert node.ask(demand("d2", 6.0, "b/seed1"), NODES) == {"b/seed1": "n1"}
    assert queue.ask(earlier, NODES) == {}
    node.ask(demand("d2", 6.0, held={"b/seed1": "n1"}), NODES)
    node.leave("d2")
    node.release()
    assert queue.ask(earlier, NODES) == {"x/seed1": "n1"}


def test_a_half_done_pair_goes_on_at_its_host_while_that_lives() -> None:
    node = KeptNode(NEED)
    node.host = "h2"
    assert [one.id for one in node.allowed(NODES)] == ["n2"]
    assert [one.id for one in node.allowed(NODES[:1])] == ["n1"]
    node.host = ""
    assert node.allowed(NODES) == NODES


def test_where_its_node_has_gone_another_one_is_granted(kept: tuple[KeptNode, Queue]) -> None:
    node, _ = kept
    node.ask(demand("d1", 5.0, "a/seed1"), NODES)
    node.ask(demand("d1", 5.0, held={"a/seed1": "n1"}), NODES)
    node.leave("d1")
    assert node.ask(demand("d2", 6.0, "b/seed1"), NODES[1:]) == {"b/seed1": "n2"}


def test_either_turn_holds_what_the_greater_job_takes(kept: tuple[KeptNode, Queue]) -> None:
    node, queue = kept
    small = Demand("d1", 5.0, 1, 1, waiting=(Ticket("a/seed1", Need(CPU, 1, 0)),))
    assert node.ask(small, NODES) == {"a/seed1": "n1"}
    one_core = Demand("other", 6.0, 1, 1, waiting=(Ticket("x/seed1", Need(CPU, 1, 0)),))
    assert queue.ask(one_core, NODES) == {"x/seed1": "n2"}
