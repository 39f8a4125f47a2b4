"""Functions of libraries."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed


@pytest.mark.parametrize(
    "call", ["scipy.ndimage.shift(val)", "functools.partial(unknown, val)()", "torch.compile(val)"]
)
def test_what_nothing_knows_gives_back_the_labels_of_all_that_went_in(call: str) -> None:
    assert "val" in Followed(f"x = {call}\n")["x"].all


def test_code_in_another_language_may_leave_anything_in_what_it_can_write_to() -> None:
    found = Followed("import ctypes\nlib = ctypes.CDLL('a.so')\nout = np.zeros(9)\nlib.mix(val, out)\n")
    (native,) = found.events("native")
    assert f"native:{native.serial}" in found["out"].all
    assert "val" in found["out"].all
