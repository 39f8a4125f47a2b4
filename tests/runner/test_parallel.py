"""Work on many items by several processes: answers in order, faults where they belong."""

from __future__ import annotations

import os

import pytest

from runner.parallel import in_parallel


def half(number: int) -> tuple[int, int]:
    """Half of an even number, and who halved it."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2, os.getpid()


def test_answers_come_in_the_order_of_their_items() -> None:
    numbers = list(range(0, 80, 2))
    answers = list(in_parallel(half, numbers, 2, most=16))
    assert [answer for answer, _ in answers] == [number // 2 for number in numbers]
    assert os.getpid() not in {who for _, who in answers}


@pytest.mark.parametrize(("processes", "few"), [(1, 1), (2, 3), (None, 3)])
def test_few_items_and_one_process_are_worked_on_here(processes: int | None, few: int) -> None:
    assert list(in_parallel(half, [2, 4, 6], processes, few=few)) == [(number, os.getpid()) for number in (1, 2, 3)]


def test_nothing_gives_nothing() -> None:
    assert list(in_parallel(half, [])) == []


def test_what_work_raises_is_raised_where_its_answer_would_come() -> None:
    answers = in_parallel(half, [2, 4, 5, 6], 2)
    assert [next(answers)[0], next(answers)[0]] == [1, 2]
    with pytest.raises(ValueError, match="5 is odd"):
        next(answers)
