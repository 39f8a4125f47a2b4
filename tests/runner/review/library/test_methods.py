"""Methods of values that are no instances of the script's own classes."""

from __future__ import annotations

from tests.fixtures.followed import Followed


def test_methods_of_known_text_are_worked_out() -> None:
    found = Followed("x = 'fineweb_VAL_1.bin'.lower()\n")["x"]
    assert (found.const, set(found.labels)) == ("fineweb_val_1.bin", {"val"})


def test_moving_a_tensor_changes_nothing_and_parameters_are_the_weights() -> None:
    found = Followed("net = nn.Linear(2, 2)\nx = val.long().to('cpu')\ny = net.parameters()\n")
    assert ("val" in set(found["x"].labels), found["y"].labels == found["net"].labels) == (True, True)
