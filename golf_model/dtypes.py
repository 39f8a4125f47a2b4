"""Which precision computes, and which precision each parameter is kept in.

Under float32 compute everything is fp32. Under bfloat16, matrices and gains stay fp32 (cast at use); the
token embedding and the initial rounding follow the configuration, where the originals' choices are options.
"""

from __future__ import annotations

import torch

from golf_model.config import ModelConfig, RuntimeConfig
from golf_model.gpt import GPT


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def pick_compute_dtype(runtime: RuntimeConfig, device: torch.device) -> torch.dtype:
    """The configured precision, or with `auto` bfloat16 where it is fast."""
    if runtime.precision == "auto":
        return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    return torch.bfloat16 if runtime.precision == "bfloat16" else torch.float32


def apply_dtype_policy(network: GPT, model: ModelConfig) -> None:
    """Round and cast the parameters in place, as the configuration says for bfloat16 compute."""
    if network.compute_dtype != torch.bfloat16:
        return
    if model.init_rounding == "bfloat16":
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.to(torch.bfloat16))
    if model.tok_emb_dtype == "bfloat16":
        network.tok_emb.to(torch.bfloat16)
    if network.bigram is not None and model.bigram.embed_dtype == "bfloat16":
        network.bigram.embed.to(torch.bfloat16)
