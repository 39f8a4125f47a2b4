"""How the golden files were made: their formulas for weights, tokens and probes, and the models they speak of."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golf_model.config import GolfConfig, ModelConfig
from golf_model.dtypes import apply_dtype_policy
from golf_model.gpt import GPT
from tests.golden_configs import CONFIGS


def wave(count: int, phase: int) -> NDArray[np.float64]:
    """sin(0.37 i + 0.61 (i^2 mod 9973) + phase) for i < count."""
    i = np.arange(count, dtype=np.int64)
    values: NDArray[np.float64] = np.sin(0.37 * i + 0.61 * ((i * i) % 9973) + phase)
    return values


def fixed_matrix(rows: int, columns: int, phase: int) -> Tensor:
    """`fixed_mat` of the conventions, fp32."""
    return torch.from_numpy(wave(rows * columns, phase).reshape(rows, columns).astype(np.float32))


def golden_weight(name: str, shape: torch.Size) -> Tensor:
    """The weight that the goldens give the parameter `name`, fp32."""
    u = wave(shape.numel(), zlib.crc32(name.encode()) % 1000).reshape(tuple(shape))
    if name.endswith("resid_mix"):
        value = 0.3 * u
        value[0] += 1.0
    elif name.endswith(("attn_scale", "mlp_scale", "skip_weights", "bigram.scale")):
        value = 1 + 0.3 * u
    elif name.endswith(("smear.gate", "smear_gate")):
        value = 0.3 * u
    elif name.endswith("q_gain"):
        value = 1.5 + 0.3 * u
    elif name.endswith("bigram.embed.weight"):
        value = 0.5 * u
    else:
        value = 0.1 * u
    return torch.from_numpy(np.asarray(value, dtype=np.float32))


def golden_tokens(count: int, vocab: int) -> Tensor:
    """The token formula, int64."""
    i = torch.arange(count, dtype=torch.int64)
    return (7 * i * i + 3 * i + 11) % vocab


def probe(tensor: Tensor) -> float:
    """sum_i T_i cos(0.05 i) in float64, C order."""
    flat = tensor.detach().double().flatten().numpy()
    return float(flat @ np.cos(0.05 * np.arange(flat.size)))


def set_golden_weights(network: GPT) -> None:
    """Give every parameter its golden weight."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(golden_weight(name, parameter.shape))


def golden_network(model: ModelConfig, dtype: torch.dtype = torch.float32) -> GPT:
    """A network with golden weights, under the dtype policy of `dtype`."""
    network = GPT(model, dtype, "explicit", "chunked")
    apply_dtype_policy(network, model)
    set_golden_weights(network)
    return network


@dataclass(frozen=True)
class Golden:
    """One golden file."""

    path: Path

    @cached_property
    def content(self) -> dict[str, Any]:
        """The file's JSON."""
        return dict(json.loads(self.path.read_text(encoding="utf-8")))

    @property
    def script(self) -> str:
        """Which original it speaks of."""
        return str(self.content["script"])

    @property
    def tiny_model(self) -> ModelConfig:
        """The small model of the file."""
        tiny: Mapping[str, Any] = self.content["tiny"]
        full, env = self.config.model, tiny["env"]
        bigram = full.bigram
        if bigram.buckets:
            bigram = replace(bigram, buckets=int(env["BIGRAM_VOCAB_SIZE"]), dim=int(env["BIGRAM_DIM"]))
        return replace(
            full,
            bigram=bigram,
            xsa_last_n=int(env["XSA_LAST_N"]) if full.xsa_last_n else 0,
            vocab_size=tiny["vocab"],
            num_layers=tiny["layers"],
            model_dim=tiny["dim"],
            num_heads=tiny["heads"],
            num_kv_heads=tiny["kv_heads"],
            mlp_mult=tiny["mlp_hidden"] / tiny["dim"],
            rope_base=tiny["rope_base"],
        )

    @property
    def config(self) -> GolfConfig:
        """The original's configuration, with its precision choices."""
        return CONFIGS[self.script]

    def tiny_batch(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets (2, 32)."""
        tiny: Mapping[str, Any] = self.content["tiny"]
        batch, seq = int(tiny["batch"]), int(tiny["seq"])
        tokens = golden_tokens(batch * seq + 1, int(tiny["vocab"]))
        return tokens[:-1].view(batch, seq), tokens[1:].view(batch, seq)
