"""A small model's weights as an artifact in each container that golf reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from golf_model.artifact.artifact import pack_model
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.network.gpt import GPT
from tests.golf_model.test_main import CONFIG

WAYS = {"golf": "auto", "torch": "zlib", "torch_pair": "zstd", "qgv3": "lzma"}
"""Container -> compressor."""


def make_artifacts() -> dict[str, bytes]:
    """Container -> the file."""
    torch.manual_seed(0)
    config: GolfConfig = CONFIG
    network = GPT(config.model, torch.float32, "explicit", "plain")
    made = {}
    for container, compressor in WAYS.items():
        changes: dict[str, Any] = {"container": container, "compressor": compressor}
        export: ExportConfig = replace(config.export, **changes)
        made[container] = pack_model(network.state_dict(), config.model, export).blob
    return made
