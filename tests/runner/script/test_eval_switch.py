"""The lines that let a script score its artifact alone, in the words of its own source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.job.external_script import ARTIFACT
from runner.script.eval_switch import Reading, read_source, score_alone


@pytest.mark.parametrize(
    ("source", "variable", "value"),
    [
        ('a = os.environ.get("EVAL_ONLY", "0") == "1"', "EVAL_ONLY", "1"),
        ('a = bool(int(os.environ.get("EVAL_ONLY", "0")))', "EVAL_ONLY", "1"),
        ('a = os.environ.get("EVAL_ONLY", "0") != "0"', "EVAL_ONLY", "1"),
        ('if os.getenv("SKIP_TRAIN") == "yes": pass', "SKIP_TRAIN", "yes"),
        ('if "ONLY_SCORE" in os.environ: pass', "ONLY_SCORE", "1"),
        ('if environ["SKIP_TRAINING"] == "0": train()', "SKIP_TRAINING", "1"),
        ('m = os.environ.get("MODE", "train")\nif m == "eval": pass', "MODE", "eval"),
        ('if os.environ.get("RUN_MODE", "train") == "score": pass', "RUN_MODE", "score"),
        ('if os.environ.get("MODE", "train") == "train": pass', "MODE", "eval"),
        (
            'p = os.environ.get("LOAD_CHECKPOINT")\nopen("final_model.int8.ptz")',
            "LOAD_CHECKPOINT",
            "final_model.int8.ptz",
        ),
        ('x = os.environ.get("EVAL_STRIDE", 64)\ny = os.environ["SEED"]', "", "1"),
        ('print("EVAL_ONLY")  # only a text', "", "1"),
    ],
)
def test_the_variable_that_a_source_reads_is_named_with_the_value_that_it_is_compared_with(
    source: str, variable: str, value: str
) -> None:
    found = read_source(f"import os\n{source}\n", ARTIFACT)
    assert (found.variable, found.value) == (variable, value)
    assert found.line == (2 if variable else 0)


def test_a_switch_that_says_so_goes_before_one_that_might_be() -> None:
    source = 'import os\na = os.getenv("MODE")\nb = os.getenv("LOAD_MODEL")\nc = os.getenv("EVAL_ONLY")\n'
    assert read_source(source, ARTIFACT).variable == "EVAL_ONLY"


@pytest.mark.parametrize("source", ["def f(:\n", "\0", "(" * 5000, "x = '" + "\\" * 3])
def test_nothing_is_found_in_what_is_no_program(source: str) -> None:
    assert read_source(source, ARTIFACT) == Reading()


def test_nothing_of_a_source_is_executed_and_what_is_shown_of_it_is_printable() -> None:
    source = 'import os\nos.getenv("MODE") == "\\x1b[31mx"\nopen("final_model\\x1b[2J.ptz")\nraise SystemExit(1)\n'
    found = read_source(source, ARTIFACT)
    assert "\x1b" not in found.value + found.artifact
    assert len(read_source(f"open('final_model{'x' * 900}.ptz')", ARTIFACT).artifact) <= 80


@given(st.text(max_size=200))
def test_any_text_is_read(source: str) -> None:
    lines = score_alone(source, "a.py", ARTIFACT, "", "")
    assert lines[1:3] == ["  outputs:", lines[2]]


def test_a_script_with_a_switch_is_told_to_say_so() -> None:
    source = (
        'import os\n\ndef eval_val(model): ...\nif os.getenv("EVAL_ONLY") == "1":\n    open("final_model.int8.ptz")\n'
    )
    assert score_alone(source, "train.py", ARTIFACT, "final_model.int8.ptz", "final_int8_zlib_roundtrip") == [
        "train.py reads EVAL_ONLY (line 4). If that makes it score only, put into the job:",
        "  outputs:",
        '    eval_env: {EVAL_ONLY: "1"}',
        "With EVAL_ONLY=1 it must",
        "  1. not train: only script, artifact, tokenizer and validation shards are there;",
        "  2. load final_model.int8.ptz from its working folder and score it with its eval_val();",
        "  3. print final_int8_zlib_roundtrip val_loss:… val_bpb:… again, and end with exit code 0.",
    ]


def test_a_script_without_one_is_told_what_to_add() -> None:
    lines = score_alone("parser.add_argument('--eval-only')\n", "train.py", "weights.*", "", "")
    assert lines == [
        "train.py reads no variable that makes it score only. Give it one, and put into the job:",
        "  outputs:",
        '    eval_env: {EVAL_ONLY: "1"}',
        "With EVAL_ONLY=1 it must",
        "  1. not train: only script, artifact, tokenizer and validation shards are there;",
        "  2. load weights.* from its working folder and score it as after training;",
        "  3. print its line with val_loss and val_bpb again, and end with exit code 0.",
        "Its argument --eval-only is not enough: a job sets variables, no arguments.",
    ]
