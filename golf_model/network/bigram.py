"""BigramHash (PR #102): an embedding of the hashed pair (previous token, token), added before the first norm.

Off unless `ModelConfig.bigram.buckets` is set. Its weights are drawn after all others, so switching it on
leaves every other initial weight bit-identical; under orthogonal initialisation they are drawn in the originals'
order, in between.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from golf_model.config.model import ModelConfig
from golf_model.network.linear import CastedLinear

BIGRAM_SCALE_INIT = 0.05


def bigram_hash(ids: Tensor, buckets: int) -> Tensor:
    """Row of the table for every position of ids (batch, time), int64, same shape.

    (36313 * token XOR 27191 * previous) mod (buckets - 1) in int32 arithmetic; the first position of each
    row has no previous token and takes the last bucket.
    """
    tokens = ids.to(torch.int32)
    hashed = torch.full_like(tokens, buckets - 1)
    hashed[..., 1:] = torch.bitwise_xor(36313 * tokens[..., 1:], 27191 * tokens[..., :-1]) % (buckets - 1)
    return hashed.long()


class BigramHash(nn.Module):
    """Parameters scale (), embed (buckets, dim), proj (model_dim, dim).

    The table starts at zero (no effect at first), the projection orthogonal times 1/sqrt(2 * layers).
    """

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.buckets = model.bigram.buckets
        self.scale = nn.Parameter(torch.full((), BIGRAM_SCALE_INIT))
        self.embed = nn.Embedding(self.buckets, model.bigram.dim)
        nn.init.zeros_(self.embed.weight)
        gain = 1.0 / math.sqrt(2 * model.num_layers)
        self.proj = CastedLinear(model.bigram.dim, model.model_dim, orthogonal_gain=gain)

    def forward(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """ids: (batch, time) -> (batch, time, model_dim) in `dtype`."""
        rows = self.embed(bigram_hash(ids, self.buckets)).to(dtype)
        y: Tensor = self.proj(rows) * self.scale.to(dtype)
        return y
