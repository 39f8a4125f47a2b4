"""Strict YAML: values, lines, and one clear message for everything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UserError
from runner.yaml_lines import MAX_BYTES, load_yaml


def read(text: str) -> Any:
    return load_yaml(text, "job.yaml")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-8", 1e-8),
        ("1E+3", 1000.0),
        (".5e3", 500.0),
        ("-1.", -1.0),
        ("+12", 12),
        ("524_288", 524288),
        ("0", 0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("n", "n"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("1__0", "1__0"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("[1, [a], {b: 2}]", [1, ["a"], {"b": 2}]),
        ("<<: 1", {"<<": 1}),
        ("# nothing", None),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    data = read(text)
    assert (data, type(data)) == (value, type(value))


def test_every_place_has_its_line() -> None:
    text = "name: x\nconfig:\n  model:\n\n    num_layers: 3\nseeds:\n  - 1\n  -\n    2\nflow: {a: 1,\n  b: [2,\n3]}\n"
    _, lines = load_yaml(text, "job.yaml")
    assert lines == {
        (): 1,
        ("name",): 1,
        ("config",): 2,
        ("config", "model"): 3,
        ("config", "model", "num_layers"): 5,
        ("seeds",): 6,
        ("seeds", 0): 7,
        ("seeds", 1): 9,
        ("flow",): 10,
        ("flow", "a"): 10,
        ("flow", "b"): 11,
        ("flow", "b", 0): 11,
        ("flow", "b", 1): 12,
    }


def test_an_alias_repeats_its_anchor_and_points_to_its_lines() -> None:
    data, lines = load_yaml("a: &x\n  b: 1\nc: *x\n", "job.yaml")
    assert data == {"a": {"b": 1}, "c": {"b": 1}}
    assert (lines["c",], lines["c", "b"]) == (3, 2)


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "key 'a' stands twice (first on line 1)"),
        ("a:\n  b: 1\n  b: 1", 3, "key 'b' stands twice (first on line 2)"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tags such as"),
        ("a: !!int '3'", 1, "tags such as"),
        ("a: ! x", 1, "tags such as"),
        ("a: 1\n---\nb: 2", 2, "single document"),
        ("a: 1\n1: 2", 2, "keys must be text, this one is '1'"),
        ("? [a]\n: 2", 1, "keys must be text, this one is a list or mapping"),
        ("a: 1\nb: c: d", 2, "mapping values are not allowed here"),
        ("a: [1,\n2", 2, "not valid YAML"),
        ("\ta: 1", 1, "cannot start any token"),
        ("a: *x", 1, "undefined alias"),
        ("a: &x\n  - *x", 1, "too deep or too large"),
        ("a: 1\nb: \x07", 2, "is not allowed"),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "not valid YAML"),
        ('a: "\\ud800"', 1, "surrogate"),
        ('a: "\\ude00\\ud83d"', 1, "surrogate"),
        ("a: 1e999", 1, "not a finite number"),
        ("a: 9223372036854775808", 1, "too large for a whole number"),
        ("a: " + "9" * 5000, 1, "far too many digits"),
        ("a: " + "[" * 30, 1, "nested deeper than 20"),
        ("\n".join("  " * depth + "a:" for depth in range(30)), 20, "nested deeper than 20"),
        ("- " * 30, 1, "nested deeper than 20"),
        (LAUGHS, 1, "too large once its aliases are expanded"),
        ("a: '" + "é" * (MAX_BYTES // 2) + "'", 1, "larger than 1,000,000 bytes"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read(text)
    assert str(caught.value).startswith(f"job.yaml:{line}: ")
    assert said in str(caught.value)


SYNTAX = st.text(st.sampled_from("abc01:-?[]{}&*!|>'\"%@`#,.~ \n\t\\eE+_<="), max_size=60)


@given(st.one_of(SYNTAX, st.text(max_size=40)))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        data, lines = load_yaml(text, "job.yaml")
    except UserError as error:
        said = str(error)
    else:
        said = f"job.yaml:{lines[()]}"
        assert data is None or isinstance(data, dict | list | str | int | float)
    assert said.startswith("job.yaml:")
    assert len(said.splitlines()) == 1
