"""`golf model summary` and `golf model diff`: nothing is lost by folding, and a diff says what changes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from golf_model.config import BigramConfig, ExportConfig, GolfConfig, ModelConfig
from golf_model.shapes import parameter_count, parameter_shapes, payload_bytes
from runner.job import job_from_mapping
from runner.job_spec import JobSpec
from runner.model_tables import changed_fields, changed_tensors, diff_tables, tensor_lines

BARE = {
    "name": "one",
    "track": "local",
    "seeds": [1],
    "limits": {"train_seconds": 600, "eval_seconds": 60},
    "data": {"corpus": "asv"},
}
CODE = (1000, 1000)


def job(**changes: object) -> JobSpec:
    return job_from_mapping({**BARE, **changes}, source="test")


configs = st.builds(
    lambda layers, late, threshold, buckets, tied, mlp: GolfConfig(
        model=ModelConfig(
            vocab_size=64,
            num_layers=layers,
            model_dim=32,
            num_heads=2,
            num_kv_heads=1,
            tie_embeddings=tied,
            bigram=BigramConfig(buckets, 8),
        ),
        export=ExportConfig(late_k_float16=late, passthrough_numel=threshold, mlp=mlp, rows="amax_float16"),
    ),
    st.integers(1, 12),
    st.integers(0, 12),
    st.sampled_from([0, 256, 512, 1024, 5000]),
    st.sampled_from([0, 64]),
    st.booleans(),
    st.sampled_from(["int8", "int6", "int5"]),
)


@given(configs)
def test_folded_lines_hold_every_tensor_once(config: GolfConfig) -> None:
    lines = tensor_lines(config)
    names = [
        f"blocks.{block}.{line.name}" if line.blocks else line.name for line in lines for block in line.blocks or (0,)
    ]
    assert sorted(names) == sorted(parameter_shapes(config.model))
    assert sum(line.parameters for line in lines) == parameter_count(config.model)
    assert sum(line.count * line.stored for line in lines) == payload_bytes(config.model, config.export)
    assert len({line.title for line in lines}) == len(lines)


def test_a_late_key_stands_in_a_line_of_its_own() -> None:
    config = GolfConfig(export=ExportConfig(late_k_float16=1))
    titles = {line.title: line.scheme for line in tensor_lines(config)}
    assert titles["blocks.0-7.attn.c_k.weight"] == "int8"
    assert titles["blocks.8.attn.c_k.weight"] == "float16"


@given(configs, configs)
def test_a_diff_the_other_way_round_is_the_same_diff_reversed(one: GolfConfig, other: GolfConfig) -> None:
    forth, back = changed_tensors(one, other), changed_tensors(other, one)
    assert sorted((name, there, here) for name, here, there in forth) == sorted(back)
    assert (forth == []) is (tensor_lines(one) == tensor_lines(other))


def test_a_changed_field_is_named_with_both_values() -> None:
    wide = job(config={"model": {"mlp_mult": 3}}, seeds=[1, 2])
    assert changed_fields(job(), wide) == [("seeds", [1], [1, 2]), ("config.model.mlp_mult", 2.0, 3.0)]


def test_jobs_that_differ_in_words_alone_run_the_same() -> None:
    one = job(reference={"source": "PR #1", "hardware": "1x GPU", "data": "d"})
    assert diff_tables(one, replace_name(one), CODE) == []


def replace_name(one: JobSpec) -> JobSpec:
    return one.model_copy(update={"name": "two", "reference": None, "blurb": "words"})


def test_untying_the_head_adds_a_matrix() -> None:
    tied = GolfConfig()
    untied = replace(tied, model=replace(tied.model, tie_embeddings=False))
    assert changed_tensors(tied, untied) == [("lm_head.weight", "", "1024 x 512 int8")]


def golf(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runner.cli", "model", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_verbs_print_the_baseline_and_exit_cleanly(tmp_path: Path) -> None:
    for name, mlp in (("a.yaml", 2), ("b.yaml", 3)):
        (tmp_path / name).write_text(
            f"name: {name[0]}\ntrack: local\nseeds: [1]\nlimits: {{train_seconds: 600, eval_seconds: 9}}\n"
            f"data: {{corpus: asv}}\nconfig: {{model: {{mlp_mult: {mlp}}}}}\n"
        )
    summary = golf("summary", "a.yaml", folder=tmp_path)
    assert summary.returncode == 0, summary.stderr
    for part in ("17,059,912", "17,178,912", "blocks.0-8.mlp.fc.weight", "9 x (1024 x 512)", "estimate"):
        assert part in summary.stdout
    diff = golf("diff", "a.yaml", "b.yaml", folder=tmp_path)
    assert diff.returncode == 0, diff.stderr
    assert "config.model.mlp_mult" in diff.stdout
    assert "+4,718,592" in diff.stdout
    same = golf("diff", "a.yaml", "a.yaml", folder=tmp_path)
    assert (same.returncode, same.stdout.strip()) == (0, "a.yaml and a.yaml run the same")


def test_a_job_that_is_not_there_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    done = golf("summary", "none.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "golf: none.yaml: no such file; give the path of a job\n"
