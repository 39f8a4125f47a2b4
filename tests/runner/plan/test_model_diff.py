"""`golf model diff`: what changes and nothing else, the same the other way round, one message for a mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from rich.console import Console

from golf_model.config.golf_config import GolfConfig
from runner.job.spec import JobSpec
from runner.plan.model_diff import Side, changed_fields, changed_tensors, diff_tables, totals
from runner.plan.tensor_lines import tensors_of
from tests.fixtures.model_jobs import configs, golf_model, job, write_job

TIED = GolfConfig()


def side(one: JobSpec) -> Side:
    return Side(one.name, one, 1000)


def with_config(config: GolfConfig) -> JobSpec:
    return job().model_copy(update={"config": config})


@given(configs, configs)
def test_a_diff_the_other_way_round_is_the_same_diff_reversed(one: GolfConfig, other: GolfConfig) -> None:
    for found in (changed_tensors, lambda one, other: changed_fields(with_config(one), with_config(other))):
        forth, back = found(one, other), found(other, one)
        assert sorted((name, there, here) for name, here, there in forth) == sorted(back)
    assert (changed_fields(with_config(one), with_config(other)) == []) is (one == other)


@given(configs)
def test_a_configuration_does_not_differ_from_itself(config: GolfConfig) -> None:
    assert changed_tensors(config, config) == []
    assert diff_tables(side(with_config(config)), side(with_config(config))) == []


def test_a_changed_field_is_named_with_both_values() -> None:
    wide = job(
        config={"model": {"mlp_mult": 3}},
        seeds=[1, 2],
        hardware="cpu",
        limits={"train_seconds": 900, "eval_seconds": 60},
    )
    assert changed_fields(job(), wide) == [
        ("hardware", "auto", "cpu"),
        ("seeds", [1], [1, 2]),
        ("limits.train_seconds", 600.0, 900.0),
        ("config.model.mlp_mult", 2.0, 3.0),
    ]


def test_jobs_that_differ_in_words_alone_run_the_same() -> None:
    one = job(reference={"source": "PR #1", "hardware": "1x GPU", "data": "d"})
    other = one.model_copy(update={"name": "two", "reference": None, "blurb": "words"})
    assert diff_tables(side(one), side(other)) == []


def test_untying_the_head_adds_a_matrix() -> None:
    untied = replace(TIED, model=replace(TIED.model, tie_embeddings=False))
    assert changed_tensors(TIED, untied) == [("lm_head.weight", "", "1024 x 512 int8")]


def test_two_more_blocks_are_named_alone_and_the_others_not_at_all() -> None:
    deeper = replace(TIED, model=replace(TIED.model, num_layers=11))
    changed = changed_tensors(TIED, deeper)
    assert changed[0] == ("skip_weights", "4 x 512 float32", "5 x 512 float32")
    assert ("blocks.9-10.mlp.fc.weight ×2", "", "1024 x 512 int8") in changed
    assert all(name.startswith("blocks.9-10.") and here == "" for name, here, _ in changed[1:])


def test_a_late_key_is_the_only_block_of_its_name_that_changes() -> None:
    late = replace(TIED, export=replace(TIED.export, late_k_float16=1))
    assert changed_tensors(TIED, late) == [("blocks.8.attn.c_k.weight", "256 x 512 int8", "256 x 512 float16")]


def test_the_totals_are_those_of_the_tensors() -> None:
    found = totals(side(with_config(TIED)))
    assert found["parameters"] == sum(tensor.parameters for tensor in tensors_of(TIED).values()) == 17_059_912
    assert found["payload bytes"] == 17_178_912


def test_brackets_in_a_value_are_text_and_no_markup() -> None:
    one, other = (job(env={"PYTORCH_ALLOC_CONF": value}) for value in ("[bold]", "[red]"))
    console = Console(width=80)
    with console.capture() as capture:
        for table in diff_tables(side(one), side(other)):
            console.print(table)
    assert "[bold]" in capture.get()
    assert "[red]" in capture.get()


def test_the_verb_prints_both_sides_under_names_that_tell_them_apart(tmp_path: Path) -> None:
    write_job(tmp_path / "a.yaml")
    write_job(tmp_path / "b.yaml", "config: {model: {mlp_mult: 3}}\n")
    done = golf_model("diff", "a.yaml", "b.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].split() == ["field", "a.yaml", "b.yaml"]
    for part in ("config.model.mlp_mult", "17,059,912", "+4,718,592", "blocks.0-8.mlp.fc.weight ×9"):
        assert part in done.stdout


def test_identical_jobs_are_one_line_and_exit_code_0(tmp_path: Path) -> None:
    for name in ("a[1].yaml", "b.yaml"):
        write_job(tmp_path / name)
    done = golf_model("diff", "a[1].yaml", "b.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a[1].yaml and b.yaml run the same\n", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "bad.yaml: no such file; give the path of a job"),
        (
            "config: {model: {mlp_mul: 3}}\n",
            "bad.yaml:6: config.model.mlp_mul: unknown key (did you mean 'mlp_mult'?)",
        ),
    ],
    ids=["missing", "misspelt"],
)
@pytest.mark.parametrize("order", [1, -1], ids=["second", "first"])
def test_one_bad_job_is_one_message_that_names_it(
    tmp_path: Path, content: str | None, message: str, order: int
) -> None:
    write_job(tmp_path / "good.yaml")
    if content is not None:
        write_job(tmp_path / "bad.yaml", content)
    done = golf_model("diff", *["good.yaml", "bad.yaml"][::order], folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[0]) == (2, "", f"golf: {message}")
