"""Models and containers for the tests of the artifact's formats: the jobs' small profiles, and a smaller one."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from golf_model.artifact.artifact import READERS, WRITERS, PackedModel, pack_model
from golf_model.artifact.stored import check_stored, restore, store
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.process.errors import ScriptError
from golf_model.shapes import parameter_shapes
from runner.job.load import load_job
from runner.job.profiles import with_profile
from tests.fixtures.golden_cases import golden_weight
from tests.fixtures.places import JOBS

NAMES = ("baseline", "pr102", "pr102_head", "pr160", "pr372", "pr465", "pr465_sp8192", "pr1606", "pr1394")


@cache
def config_of(name: str) -> GolfConfig:
    """A job's configuration in the small profile, which keeps every tensor's scheme; fewer words for brotli."""
    config = with_profile(load_job(JOBS / f"{name}.yaml"), "small").config
    few = replace(config.model, vocab_size=256)
    return replace(config, model=few) if name == "pr1394" else config


@cache
def weights_of(name: str) -> dict[str, Tensor]:
    """Golden weights of that model."""
    shapes = parameter_shapes(config_of(name).model)
    return {key: golden_weight(key, torch.Size(shape)) for key, shape in shapes.items()}


@cache
def packed_of(name: str) -> PackedModel:
    """Those weights packed by the job's own rules; seconds of work where brotli compresses them."""
    config = config_of(name)
    return pack_model(weights_of(name), config.model, config.export)


@cache
def container_of(name: str) -> bytes:
    """The container of those weights, before compression."""
    config = config_of(name)
    return WRITERS[config.export.container](store(weights_of(name), config.model.num_layers, config.export))


def refused_or_whole(raw: bytes, config: GolfConfig) -> None:
    """Read a container: ScriptError, or tensors of the model's names and shapes that can be decoded."""
    try:
        stored = READERS[config.export.container](raw)
        check_stored(stored, config.model, config.export)
    except ScriptError:
        return
    assert {key: tuple(value.shape) for key, value in restore(stored).items()} == parameter_shapes(config.model)


SMALL = ModelConfig(vocab_size=64, num_layers=1, model_dim=32, num_heads=2, num_kv_heads=1)
SMALL_EXPORT = ExportConfig(container="torch", compressor="zlib", passthrough_numel=64)


@cache
def small_container(container: Any) -> bytes:
    """An honest file of SMALL."""
    weights = {key: golden_weight(key, torch.Size(shape)) for key, shape in parameter_shapes(SMALL).items()}
    return WRITERS[container](store(weights, SMALL.num_layers, SMALL_EXPORT))


def torch_file(content: Any) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()
