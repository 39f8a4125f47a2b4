"""Many seeds in few words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.listing import MOST, counted, few, listed, some


def test_a_few_seeds_are_written_out_in_their_order() -> None:
    assert listed([1337, 42, 2024]) == "1337, 42, 2024"
    assert listed([]) == ""


def test_neighbours_of_many_are_folded_and_the_rest_counted() -> None:
    assert listed(range(1, 1001)) == "1 to 1000"
    assert listed([*range(1, 501), *range(502, 1001)]) == "1 to 500, 502 to 1000"
    assert listed(range(0, 200, 2)) == "0, 2, 4, 6, 8, 10, 12, 14, 16, 18 and 90 more"


@given(st.lists(st.integers(0, 5000), unique=True, max_size=400))
def test_no_list_of_seeds_becomes_a_page(seeds: list[int]) -> None:
    assert len(listed(seeds)) < MOST * 14 + 20


def test_of_many_texts_the_first_stand_there_and_how_many_more() -> None:
    assert some(["a", "b"]) == "a; b"
    assert some([str(number) for number in range(1000)]).endswith("8; 9; and 990 more")
    assert len(few(range(MOST))) == MOST
    assert list(few(range(1000))) == list(range(10))


def test_one_of_a_kind_is_no_plural() -> None:
    assert [counted(number, "seed") for number in (0, 1, 1000)] == ["0 seeds", "1 seed", "1,000 seeds"]
