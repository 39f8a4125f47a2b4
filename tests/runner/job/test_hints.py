"""What an author meant by a value of the wrong type."""

from __future__ import annotations

from typing import Any

import pytest

from runner.job.hints import hint
from runner.yaml_lines import load_yaml

ZEROS = "; zeros in front or quotes make it a text: write "


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("'3'", "; remove the quotes"),
        ("'-1.5e-3'", "; remove the quotes"),
        ("'1e5'", "; remove the quotes"),
        ("'.5'", "; remove the quotes"),
        ("'1_000'", "; remove the quotes"),
        ("012", ZEROS + "12"),
        ("-007", ZEROS + "-7"),
        ("00", ZEROS + "0"),
        ("'012'", ZEROS + "12"),
        ("0x10", "; write it with decimal digits: 16"),
        ("0o17", "; write it with decimal digits: 15"),
        ("0b101", "; write it with decimal digits: 5"),
        ("1'000", "; write it without separators: 1000"),
        ("1 000 000", "; write it without separators: 1000000"),
        ("1,000", ""),
        ("1,000,000", ""),
        ("0,5", "; write it with a point: 0.5"),
        ("1,0810", "; write it with a point: 1.0810"),
        ("tiny", ""),
        ("nan", ""),
        (".inf", ""),
        ("0x", ""),
        ("'" + "1" * 41 + "'", ""),
    ],
)
def test_a_text_where_a_number_is_due(written: str, told: str) -> None:
    value, _ = load_yaml(written, "job")
    assert isinstance(value, str)
    for kind in ("int_type", "float_type"):
        assert hint(kind, value) == told
    if told == "; remove the quotes":
        assert isinstance(load_yaml(written.strip("'"), "job")[0], int | float)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("true", "; remove the quotes"),
        ("yes", "; write true"),
        ("On", "; write true"),
        (1, "; write true"),
        ("off", "; write false"),
        (0, "; write false"),
        (2, ""),
        (1.0, ""),
        ("maybe", ""),
        (None, ""),
    ],
)
def test_what_stands_where_true_or_false_is_due(value: Any, told: str) -> None:
    assert hint("bool_type", value) == told


def test_what_is_no_text_is_put_in_quotes_where_it_can_be() -> None:
    assert [hint("string_type", value) for value in (1, 1.5, True, None, [1])] == [
        *["; write it in quotes"] * 3,
        *[""] * 2,
    ]
    assert hint("int_from_float", 1.5) == ""
