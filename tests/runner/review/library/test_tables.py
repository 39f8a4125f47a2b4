"""Tables and histories."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed


@pytest.mark.parametrize(
    ("made", "put"),
    [
        ("np.zeros(9)", "np.add.at(t, val, 1)"),
        ("torch.zeros(9)", "t.scatter_add_(0, val, ones)"),
        ("torch.zeros(9)", "t[val] += 1"),
        ("{}", "t[val] = 1"),
    ],
)
def test_what_is_counted_by_tokens_says_so_however_it_is_written(made: str, put: str) -> None:
    found = Followed(f"ones = 1\nt = {made}\n{put}\n")
    assert "by:val" in found["t"].all
    assert found.lines("write") == [("write", 3)]


def test_what_a_history_holds_was_read_earlier() -> None:
    found = Followed("h = collections.deque()\nfor i in range(9):\n    h.append(val[i])\nx = h[-1]\n")
    kinds = {one.partition(":")[0] for one in found["h"].all if one.startswith(("tok:", "past:"))}
    assert kinds == {"past"}


def test_an_item_of_a_dictionary_by_its_name_is_that_item() -> None:
    found = Followed("d = {'a': val, 'b': 3}\nx, y = d.get('a'), d['b']\n")
    assert ("val" in found["x"].all, found["y"].const) == (True, 3)
