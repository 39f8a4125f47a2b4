"""Which precision each parameter is kept in.

Under float32 compute everything is fp32. Under bfloat16, matrices and gains stay fp32 (cast at use); the
token embedding and the initial rounding follow the configuration, where the originals' choices are options.
"""

from __future__ import annotations

import torch

from golf_model.config.model import ModelConfig
from golf_model.network.gpt import GPT


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
