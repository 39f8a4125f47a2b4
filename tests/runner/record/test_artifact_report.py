"""`golf artifact inspect`: what is in a file of ours or of an original, and one clear line where it is neither."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import zstandard

from golf_model.artifact.artifact import pack_model
from golf_model.artifact.compress import decompress
from golf_model.artifact.first_look import first_look
from golf_model.artifact.inspect import entropy, inspect_artifact
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.process.errors import ScriptError
from golf_model.shapes import parameter_shapes, schemes
from runner.errors import UserError
from runner.record.artifact_report import fact_lines, inspect_file, kinds, step_lines, tensor_table, told_steps
from tests.fixtures.commands import forked_golf
from tests.golf_model.artifact.small_artifacts import NAMES, config_of, packed_of, weights_of

OURS = ExportConfig(
    compressor="rans", embed="int6", mlp="step", attn="int5", passthrough_numel=64, step=StepConfig(size=0.02)
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspected") / "final_model.ptz"
    path.write_bytes(pack_model(weights_of("pr102"), config_of("pr102").model, OURS).blob)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_originals_format_is_told_and_read_without_a_job(name: str) -> None:
    config = config_of(name)
    facts = inspect_artifact(packed_of(name).blob)
    assert facts["format"] == f"{config.export.container}, compressed by {config.export.compressor}"
    found = {one["name"]: (tuple(one["shape"]), one["scheme"]) for one in facts["tensors"]}
    expected = schemes(config.model, config.export)
    assert found == {key: (shape, expected[key]) for key, shape in parameter_shapes(config.model).items()}
    for one in facts["tensors"]:
        assert one["finite"]
        assert (one["entropy"] is None) == one["scheme"].startswith("float")


def test_a_zstd_frame_that_does_not_state_its_size_is_read_and_told() -> None:
    config = config_of("pr102")
    raw = decompress(pack_model(weights_of("pr102"), config.model, config.export).blob, "zstd", 1 << 26)
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(raw)
    first_look(streamed)
    facts = inspect_artifact(streamed)
    assert facts["format"] == f"{config.export.container}, compressed by zstd (its frame does not state its size)"
    assert facts["unpacked_bytes"] == len(raw)


@pytest.fixture(scope="module")
def facts_of_ours(ours: Path) -> dict[str, Any]:
    return inspect_file(ours)


def test_shaped_steps_and_a_trellis_are_told_with_what_they_save() -> None:
    shape = {"name": "a", "states": 8, "row_octaves": [-1.25, 2.0], "column_octaves": None}
    other = {"name": "b", "states": 8, "row_octaves": [-2.0, 0.5], "column_octaves": [-3.0, 3.5]}
    saved = {"total": 0.41, "rows": 0.1, "columns": 0.31, "matrices": 0.0}
    assert step_lines({"tensors": [shape, other], "saved": saved}) == [
        "2 matrices on a trellis of 8 states; their range is that of its indices",
        "2 matrices with steps by row, -2 … 2 octaves of the matrix's step",
        "1 matrix with steps by column, -3 … 3.5 octaves of the matrix's step",
        "shaped steps, predicted to save 0.410 bits a weight (rows alone 0.100, columns alone 0.310)",
    ]
    assert step_lines({"tensors": [{"name": "a"}]}) == []


@pytest.mark.parametrize(("steps", "told"), [([0.5], "0.5"), ([0.25, 0.3, 0.5], "0.25…0.5"), ([], "")])
def test_several_steps_of_a_kind_are_told_by_the_least_and_the_largest(steps: list[float], told: str) -> None:
    assert told_steps(steps) == told


def test_our_file_through_the_reading_process(ours: Path, facts_of_ours: dict[str, Any]) -> None:
    facts = facts_of_ours
    assert (facts["format"], facts["checksum"]) == ("golf 1", "SHA-256 right")
    assert sum(length for _, _, length in facts["parts"]) < facts["bytes"] == ours.stat().st_size
    step = {one["step"] for one in facts["tensors"] if one["scheme"] == "step"}
    assert [round(value, 6) for value in step] == [0.02]


def test_the_table_folds_blocks_and_every_tensor_is_in_it(facts_of_ours: dict[str, Any]) -> None:
    facts = facts_of_ours
    grouped = kinds(facts["tensors"])
    assert sum(map(len, grouped.values())) == len(facts["tensors"])
    assert tensor_table(facts).row_count == len(grouped) < len(facts["tensors"])
    assert any(kind.name == "blocks.*.mlp.fc.weight" and len(some) == 4 for kind, some in grouped.items())


@pytest.mark.parametrize(("cap", "code", "says"), [(10**6, 500, "under the cap"), (1000, None, "OVER the cap")])
def test_slack_is_to_the_cap(
    ours: Path, facts_of_ours: dict[str, Any], cap: int, code: int | None, says: str
) -> None:
    lines = fact_lines(facts_of_ours, ours, cap, code)
    size = ours.stat().st_size + (code or 0)
    assert lines[-1].endswith(f"{size:,} of {cap:,} bytes, {abs(cap - size):,} {says}")
    assert lines[-1].startswith("artifact and script" if code else "the artifact alone")


def test_weights_that_are_no_numbers_are_named(ours: Path, facts_of_ours: dict[str, Any]) -> None:
    tensors = [one | {"finite": index != 3} for index, one in enumerate(facts_of_ours["tensors"])]
    facts = facts_of_ours | {"tensors": tensors}
    assert f"NOT FINITE: {facts['tensors'][3]['name']!r}" in fact_lines(facts, ours, 1, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither golf's format"),
        (b"golf", "too short"),
        (b"#!/usr/bin/env python\n", "neither golf's format"),
        (b"\x78\x9cxxxx", "not zlib data|truncated"),
        (b"PK\x03\x04xxxx", "not a container of tensors"),
    ],
)
def test_what_is_no_artifact_is_one_line(content: bytes, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        inspect_artifact(content)


def test_a_damaged_file_of_ours_is_one_line(ours: Path, tmp_path: Path) -> None:
    blob = bytearray(ours.read_bytes())
    blob[len(blob) // 2] ^= 4
    path = tmp_path / "file"
    path.write_bytes(blob)
    with pytest.raises(UserError, match="checksum is wrong"):
        inspect_file(path)
    with pytest.raises(UserError, match="no such file"):
        inspect_file(tmp_path / "nothing")


def test_the_verb_prints_table_and_lines_and_plain_json(
    ours: Path, facts_of_ours: dict[str, Any], tmp_path: Path
) -> None:
    command = ("artifact", "inspect", str(ours))
    script = tmp_path / "train_gpt.py"
    script.write_text("x" * 100)
    shown = forked_golf(tmp_path, *command, "--script", str(script)).stdout
    assert "blocks.*.mlp.fc.weight" in shown
    assert f"artifact and script: {ours.stat().st_size + 100:,} of 16,000,000 bytes" in shown
    facts = json.loads(forked_golf(tmp_path, *command, "--json").stdout)
    assert facts == facts_of_ours
    wrong = forked_golf(tmp_path, *command[:-1], str(script))
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert wrong.stderr.startswith(f"golf: {script}: neither golf's format")


def test_entropy_is_that_of_the_shares() -> None:
    assert entropy(torch.tensor([1, 1, 2, 2])) == 1.0
    assert entropy(torch.tensor([5, 5])) == 0.0
    assert entropy(torch.empty(0)) == 0.0


def test_a_scheme_of_another_rule_changes_what_is_shown() -> None:
    config = config_of("pr102")
    other = replace(OURS, mlp="int8")
    facts = inspect_artifact(pack_model(weights_of("pr102"), config.model, other).blob)
    assert {one["scheme"] for one in facts["tensors"] if ".mlp." in one["name"]} == {"int8"}
