"""The squares: a cell says what one test says, doubt stands before it, and reasons stand below."""

from __future__ import annotations

from typing import Any

import pytest

from reports.page.many.matrix import asked, cell_of, matrix_section, pairs, square
from reports.page.section import Cell, Table, Words
from runner.compare.facts import Duel
from runner.compare.matrix import matrix
from tests.runner.compare.test_compare import arm
from tests.runner.compare.test_matrix import GOOD, NEAR, TEXT, WORSE


def duel(**changes: Any) -> Duel:
    base: dict[str, Any] = {"outcome": "holds", "p": 0.0031, "p_holm": 0.02, "one_text": True}
    return Duel(0, 1, **{**base, **changes})


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (duel(), Cell("✓ 0.0031", kind="good")),
        (duel(still=True), Cell("✓✓ 0.0031", kind="good")),
        (duel(p=1e-9, still=True), Cell("✓✓ <0.0001", kind="good")),
        (duel(one_text=False, notes=("unknown",)), Cell("?✓ 0.0031*", kind="open")),
        (duel(outcome="not shown", p=0.4), Cell("– 0.4000", kind="muted")),
        (duel(outcome="not shown", p=0.4, one_text=False), Cell("?– 0.4000", kind="muted")),
        (duel(outcome="undecided", p=None), Cell("not comparable", kind="muted")),
    ],
)
def test_a_cell_says_no_more_than_was_tested(found: Duel, shown: Cell) -> None:
    assert cell_of(found) == shown


def test_a_square_reads_row_beats_column() -> None:
    table = square(matrix([WORSE, GOOD], "readme"))
    assert list(table.heads) == ["beats →", "1", "2"]
    assert [[getattr(cell, "text", cell) for cell in row] for row in table.rows] == [
        ["1  good", "·", "✓✓ <0.0001"],
        ["2  worse", "– 1.0000", "·"],
    ]


def test_how_many_wins_are_chance_is_said() -> None:
    assert asked(matrix([GOOD, NEAR, WORSE], "progression")) == (
        "Policy progression: any gain at p < 0.25. 6 tests; were nothing better than anything, chance would let "
        "through about 1.5 of them at most."
    )


def test_reasons_and_what_stands_aside_are_told() -> None:
    other = arm(0.7, 0.701, 0.702, name="other", tokenizer="cd" * 32, validation="ef" * 32)
    section = matrix_section([matrix([GOOD, WORSE, other, arm(1.0, name="alone", **TEXT)], "readme")])
    assert section is not None
    tables = {table.caption or table.heads[0]: table for table in section.parts if isinstance(table, Table)}
    assert list(tables["Why not comparable"].rows) == [["they were scored on different validation text"]]
    aside = tables["Not in the squares: nothing can be tested with 1 record"]
    assert aside.rows[0][0] == "alone"


def test_a_pair_is_listed_once_with_the_lower_mean_as_candidate() -> None:
    table = pairs(matrix([WORSE, GOOD, NEAR], "readme"))
    assert [row[:3] for row in table.rows] == [
        ["good", "near", "not shown"],
        ["good", "worse", "beats"],
        ["near", "worse", "beats"],
    ]
    assert [cell.text for cell in table.rows[1] if isinstance(cell, Cell)] == [
        "+0.10000",
        "0.000000040",
        "0.00000024",
    ]


def test_without_a_pair_there_is_no_square() -> None:
    assert matrix_section([]) is None
    assert matrix_section([matrix([GOOD], "readme")]) is None
    section = matrix_section([matrix([GOOD, arm(1.0, name="alone", **TEXT)], "readme")])
    assert section is not None
    assert section.parts[0] == Words("No two of these records can be tested against each other.")
