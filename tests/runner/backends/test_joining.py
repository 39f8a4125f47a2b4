"""What is told where Ray does not start here, or a cluster cannot be joined. No Ray is started."""

from __future__ import annotations

from typing import Any

import pytest
import ray

from runner.backends.cluster import connect
from runner.errors import UserError

SLOW = "The current node timed out during startup. This could happen because some of the raylet failed to startup."
"""What Ray 2.60 says, in an Exception of no kind, of a node that did not come up within 30 s."""


def ray_that_raises(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def init(**_: Any) -> None:
        raise error

    monkeypatch.setattr(ray, "init", init)


@pytest.mark.parametrize("error", [Exception(SLOW), RuntimeError(SLOW), ConnectionError(SLOW)])
def test_a_ray_that_does_not_come_up_is_one_message_that_names_the_way_without(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ray_that_raises(monkeypatch, error)
    with pytest.raises(UserError) as caught:
        connect(None)
    assert str(caught.value) == (
        "could not start Ray on this machine: The current node timed out during startup. This could happen because "
        "some of the raylet failed to startup. Where the machine is busy or short of memory, give the command again "
        "later; --local runs without Ray"
    )


def test_a_fault_of_our_own_is_not_told_as_one_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    ray_that_raises(monkeypatch, TypeError("init() got an unexpected keyword"))
    with pytest.raises(TypeError):
        connect(None)
