"""What variables beside a tally are called in the script that is shipped."""

from __future__ import annotations

import pytest

from runner.errors import UserError
from runner.review.prove.own.names import tally_names
from runner.script.bundle import Script, pack_twin

TWIN = """
class Tally:
    def add(self, losses, sizes, scored):
        pass


def evaluate(model, windows):
    tally, length, last = Tally(), 5, 2
    for some in windows:
        targets = model(some, length)
        tally.add(targets, some[-last:], some)
    return tally
"""


def script(flat: str) -> Script:
    return Script(source=pack_twin(flat), flat=flat, sha256="")


def test_names_are_those_of_the_shipped_script_in_the_order_of_the_statements() -> None:
    found = tally_names(script(TWIN))
    assert list(found) == ["evaluate"]
    assert list(found["evaluate"]) == ["last", "length", "some", "targets"]
    assert len(set(found["evaluate"].values())) == 4
    assert all(len(short) <= len(name) for name, short in found["evaluate"].items())
    assert found["evaluate"]["targets"] != "targets"


def test_a_script_whose_scoring_has_other_names_is_refused() -> None:
    with pytest.raises(UserError, match="no function of this script adds to a tally"):
        tally_names(script(TWIN.replace("some", "row")))
