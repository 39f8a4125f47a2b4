"""Folding of blocks: nothing is lost, nothing stands twice, and what differs stands apart."""

from __future__ import annotations

from hypothesis import given

from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import parameter_count, parameter_shapes, payload_bytes
from runner.plan.tensor_lines import folded, tensors_of
from tests.fixtures.model_jobs import configs


@given(configs)
def test_folded_lines_hold_every_tensor_once(config: GolfConfig) -> None:
    lines = folded(tensors_of(config))
    names = [
        f"blocks.{block}.{line.name}" if line.blocks else line.name for line in lines for block in line.blocks or (0,)
    ]
    assert sorted(names) == sorted(parameter_shapes(config.model))
    assert sum(line.count * line.said.parameters for line in lines) == parameter_count(config.model)
    assert sum(line.count * line.said.size for line in lines) == payload_bytes(config.model, config.export)
    assert len({line.title for line in lines}) == len(lines)


def test_a_late_key_stands_in_a_line_of_its_own() -> None:
    lines = folded(tensors_of(GolfConfig(export=ExportConfig(late_k_float16=1))))
    schemes = {line.title: line.said.scheme for line in lines}
    assert schemes["blocks.0-7.attn.c_k.weight ×8"] == "int8"
    assert schemes["blocks.8.attn.c_k.weight"] == "float16"


def test_blocks_that_are_no_neighbours_are_not_joined() -> None:
    said = {"blocks.0.a": "x", "blocks.1.a": "y", "blocks.2.a": "x", "blocks.3.a": "x", "b": "x"}
    assert [line.title for line in folded(said)] == ["blocks.0.a", "blocks.2-3.a ×2", "blocks.1.a", "b"]
