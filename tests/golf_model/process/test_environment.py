"""Which variables a script honours, and which it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf_model.config.official import REFUSED_VARIABLES
from golf_model.process.environment import read_environment
from golf_model.process.errors import ScriptError
from tests.fixtures.golden_cases import Golden
from tests.fixtures.places import GOLDENS

BASELINE = Golden(GOLDENS / "golden_baseline.json")


def test_defaults_are_the_official_ones() -> None:
    found = read_environment({})
    official = BASELINE.content["hyperparameters"]
    assert found.seed == official["seed"]
    assert found.data_path == Path(official["data_path"])
    assert found.tokenizer_path == Path(official["tokenizer_path"])
    assert (found.phase, found.events_path) == ("", None)


def test_given_values_are_taken() -> None:
    found = read_environment(
        {
            "SEED": "7",
            "DATA_PATH": "d",
            "TOKENIZER_PATH": "t",
            "RUN_ID": "r",
            "GOLF_PHASE": "eval",
            "GOLF_EVENTS": "e",
        }
    )
    assert (found.seed, found.run_id, found.phase) == (7, "r", "eval")
    assert (found.data_path, found.tokenizer_path, found.events_path) == (Path("d"), Path("t"), Path("e"))


def test_every_other_official_variable_is_refused() -> None:
    honoured = {"DATA_PATH", "TOKENIZER_PATH", "SEED"}
    derived = {"TRAIN_FILES", "VAL_FILES"}
    official = {name.upper() for name in BASELINE.content["hyperparameters"]}
    assert set(REFUSED_VARIABLES) == official - honoured - derived


def test_refusal_names_each_variable() -> None:
    with pytest.raises(ScriptError, match="unset ITERATIONS, MATRIX_LR"):
        read_environment({"MATRIX_LR": "1", "ITERATIONS": "", "HOME": "x"})


@pytest.mark.parametrize(
    "variables",
    [
        {"SEED": "one"},
        {"SEED": "-1"},
        {"SEED": "4294967296"},
        {"SEED": "²"},
        {"GOLF_PHASE": "test"},
        {"RUN_ID": "../x"},
    ],
)
def test_unusable_value_is_refused_by_name(variables: dict[str, str]) -> None:
    with pytest.raises(ScriptError, match=next(iter(variables))):
        read_environment(variables)


def test_run_without_a_name_gets_a_fresh_one() -> None:
    assert read_environment({}).run_id != read_environment({}).run_id
