"""JSON that every reader takes."""

from __future__ import annotations

from pathlib import Path

from runner.plain_json import json_text


def test_numbers_that_are_none_are_null_and_everything_else_stays() -> None:
    value = {"a": float("nan"), "b": [float("-inf"), 1.5, (1, "x")], "c": None, 4: Path("runs/x"), "d": True}
    assert json_text(value) == '{"a": null, "b": [null, 1.5, [1, "x"]], "c": null, "4": "runs/x", "d": true}'
