"""Which seeds are shown, in which order, and what a narrow screen goes without."""

from __future__ import annotations

import pytest

from runner.top.layout import PADDING, Wanted, chosen, run_rows, seed_rows
from tests.fixtures.told_runs import told_runs


def seeds(wanted: Wanted) -> list[int]:
    return [seed.seed for _, seed in chosen(told_runs(), wanted)]


def test_seeds_stand_as_they_were_registered_until_they_are_sorted() -> None:
    assert seeds(Wanted()) == [1337, 42, 2024, 7]
    assert seeds(Wanted(backwards=True)) == [7, 2024, 42, 1337]
    assert seeds(Wanted(sort="loss")) == [1337, 42, 2024, 7]
    assert seeds(Wanted(sort="state")) == [1337, 7, 42, 2024]


def test_what_is_not_known_comes_last_in_either_direction() -> None:
    assert seeds(Wanted(sort="bpb", backwards=True)) == [42, 1337, 2024, 7]
    assert seeds(Wanted(sort="cost")) == [42, 1337, 2024, 7]


def test_every_word_of_a_filter_must_stand_in_run_state_node_or_number() -> None:
    assert seeds(Wanted(words="FRONT h100")) == [1337, 42]
    assert seeds(Wanted(words="202")) == [2024]
    assert seeds(Wanted(words="front failed")) == []
    assert seeds(Wanted(only_running=True)) == [42, 2024]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200])
def test_no_row_is_wider_than_the_screen(width: int) -> None:
    for rows in (chosen(told_runs(), Wanted()), chosen(told_runs(), Wanted(words="front"))):
        heads, cells = seed_rows(rows, width, Wanted())
        columns = [[head for head, _ in heads], *([cell.plain for cell in row] for _, row in cells)]
        wide = sum(PADDING + max(len(row[place]) for row in columns) for place in range(len(heads)))
        assert wide <= max(width, 53)  # seed, state, loss, bpb and clock are never left out


def test_a_narrow_screen_goes_without_the_least_important() -> None:
    def heads(width: int, words: str = "") -> list[str]:
        return [head for head, _ in seed_rows(chosen(told_runs(), Wanted(words=words)), width, Wanted())[0]]

    least = ["seed", "state", "step", "loss", "bpb", "train clock"]
    assert heads(200) == ["run", *least[:4], "course", *least[4:], "bytes of the cap", "cost", "node", ""]
    assert heads(80) == ["run", *least, "bytes"]
    assert heads(70) == ["run", *least]
    assert heads(80, "front") == [*least, "bytes of the cap"]
    assert heads(80, "no such seed") == ["run", *least, "bytes of the cap"]


def test_the_column_that_seeds_are_sorted_by_is_marked() -> None:
    heads, _ = seed_rows(chosen(told_runs(), Wanted()), 200, Wanted(sort="loss", backwards=True))
    assert [head for head, _ in heads if "▼" in head] == ["loss ▼"]


def test_of_runs_a_narrow_screen_drops_what_they_are_stopped_for_first() -> None:
    runs = told_runs()
    assert [head for head, _ in run_rows(runs, 200)[0]] == ["run", "it is", "seeds", "left", "spent", "in all", ""]
    assert [head for head, _ in run_rows(runs, 80)[0]] == ["run", "it is", "seeds", "left", "spent"]
    assert run_rows([], 80) == ([], [])
