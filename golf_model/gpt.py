"""The network: tied embeddings, U-Net skips between two halves of blocks, softcapped logits.

Built in fp32; `dtypes.apply_dtype_policy` sets what is kept in another precision. The order in which
modules are built is the originals', so a seed draws the same weights.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.attention import AttentionKernel, causal_mask
from golf_model.bigram import BigramHash
from golf_model.block import Block
from golf_model.config import ModelConfig
from golf_model.head import ChunkedMeanLoss, HeadKernel, chunked_losses, plain_losses, softcapped
from golf_model.linear import CastedLinear
from golf_model.rope import rms_norm, rope_frequencies, rope_tables, spread_tables


class LossModel(Protocol):
    """A model as training and scoring see it: a GPT, compiled or not."""

    def __call__(self, ids: Tensor, targets: Tensor, *, mean: bool) -> Tensor:
        """Cross-entropy in nats, fp32, of (batch, time) int64 targets: () where `mean`, else (batch, time)."""
        ...


class GPT(nn.Module):
    """Token ids to logits or losses; `compute_dtype` is the precision of activations and matrix products."""

    def __init__(
        self, model: ModelConfig, compute_dtype: torch.dtype, kernel: AttentionKernel, head: HeadKernel
    ) -> None:
        super().__init__()
        self.head = head
        self.compute_dtype = compute_dtype
        self.softcap = model.logit_softcap
        self.rotated_heads = model.num_heads + model.num_kv_heads
        self.tok_emb = nn.Embedding(model.vocab_size, model.model_dim)
        self.bigram: BigramHash | None = None
        if model.bigram.buckets:
            with torch.random.fork_rng(devices=[]):  # its throw-away default draws must not shift the others'
                self.bigram = BigramHash(model)
        self.encoder_layers = model.num_layers // 2
        self.decoder_layers = model.num_layers - self.encoder_layers
        self.skip_weights = nn.Parameter(torch.ones(min(self.encoder_layers, self.decoder_layers), model.model_dim))
        self.blocks = nn.ModuleList(Block(model, kernel) for _ in range(model.num_layers))
        bf16_table = model.rope_table == "bfloat16" and compute_dtype == torch.bfloat16
        frequencies = rope_frequencies(
            model.model_dim // model.num_heads, model.rope_base, torch.bfloat16 if bf16_table else torch.float32
        )
        self.register_buffer("rope_frequencies", frequencies, persistent=False)
        self._tables: tuple[Tensor, Tensor, Tensor] | None = None
        self._init_weights(model.tok_emb_init_std)

    def _init_weights(self, tok_emb_std: float) -> None:
        nn.init.normal_(self.tok_emb.weight, mean=0.0, std=tok_emb_std)
        for module in self.modules():
            if isinstance(module, CastedLinear) and module.zero_init:
                nn.init.zeros_(module.weight)
        if self.bigram is not None:
            self.bigram.init_weights()

    def position_tables(self, length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Rotary tables (length, heads + kv_heads, head_dim) twice and the mask (length, length), cached."""
        if self._tables is None or self._tables[0].size(0) != length or self._tables[0].device != device:
            cos, sin = rope_tables(self.get_buffer("rope_frequencies").to(device), length)
            dtype = self.compute_dtype
            self._tables = (*spread_tables(cos, sin, self.rotated_heads, dtype), causal_mask(length, device, dtype))
        return self._tables

    def features(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) int64 -> (batch, time, dim), normalised, ready for the head."""
        cos, sin, mask = self.position_tables(ids.size(1), ids.device)
        x = self.tok_emb(ids).to(self.compute_dtype)
        if self.bigram is not None:
            x = x + self.bigram(ids, self.compute_dtype)
        x = x0 = rms_norm(x)
        stack: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            if index < self.encoder_layers:
                x = block(x, x0, cos, sin, mask)
                stack.append(x)
                continue
            if stack:
                weight = self.skip_weights[index - self.encoder_layers].to(x.dtype)
                x = torch.addcmul(x, weight, stack.pop())
            x = block(x, x0, cos, sin, mask)
        return rms_norm(x)

    def logits(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) -> softcapped logits (batch, time, vocab), fp32."""
        x = self.features(ids)
        return softcapped(F.linear(x, self.tok_emb.weight.to(x.dtype)), self.softcap)

    def forward(self, ids: Tensor, targets: Tensor, *, mean: bool) -> Tensor:
        """Cross-entropy in nats, fp32, of (batch, time) int64 targets: () where `mean`, else (batch, time)."""
        x = self.features(ids).flatten(0, 1)
        weight, aims = self.tok_emb.weight.to(x.dtype), targets.flatten()
        if self.head == "plain":
            losses = plain_losses(x, weight, aims, self.softcap)
            return losses.mean() if mean else losses.view_as(targets)
        if mean:
            return ChunkedMeanLoss.apply(x, weight, aims, self.softcap)  # type: ignore[no-any-return, no-untyped-call]
        return chunked_losses(x, weight, aims, self.softcap).view_as(targets)
