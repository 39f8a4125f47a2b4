"""The network: embeddings tied with the head or not, U-Net skips between two halves of blocks, softcapped logits.

Built in fp32; `dtypes.apply_dtype_policy` sets what is kept in another precision. The order in which
modules are built is the originals', so a seed draws the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config import ModelConfig
from golf_model.network.attention import AttentionKernel, Past, causal_mask
from golf_model.network.bigram import BigramHash
from golf_model.network.block import Block
from golf_model.network.head import ChunkedMeanLoss, HeadKernel, chunked_losses, plain_losses, softcapped
from golf_model.network.linear import CastedLinear
from golf_model.network.rope import ntk_base, rms_norm, rope_frequencies, rope_tables, spread_tables
from golf_model.network.smear import SmearGate, smear


class LossModel(Protocol):
    """A model as training and scoring see it: a GPT, compiled or not."""

    def __call__(self, ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        """Cross-entropy in nats, fp32, of (batch, time) int64 targets: () where `mean`, else (batch, time).

        last: only of so many last positions, (batch, last); 0 means all.
        """
        ...


def build_bigram(model: ModelConfig) -> BigramHash:
    """The bigram module; its throw-away default draws shift nobody else's, except in the originals' order."""
    if model.linear_init == "orthogonal":
        return BigramHash(model)
    with torch.random.fork_rng(devices=[]):
        return BigramHash(model)


class GPT(nn.Module):
    """Token ids to logits or losses; `compute_dtype` is the precision of activations and matrix products."""

    def __init__(
        self, model: ModelConfig, compute_dtype: torch.dtype, kernel: AttentionKernel, head: HeadKernel
    ) -> None:
        super().__init__()
        self.head = head
        self.compute_dtype = compute_dtype
        self.softcap = model.logit_softcap
        self.norm_eps = model.norm_eps
        self.kv_heads = model.num_kv_heads
        self.head_dim = model.model_dim // model.num_heads
        self.rotated_heads = model.num_heads + model.num_kv_heads
        self.tok_emb = nn.Embedding(model.vocab_size, model.model_dim)
        self.bigram: BigramHash | None = None
        if model.bigram.buckets and model.bigram.placement == "before_blocks":
            self.bigram = build_bigram(model)
        self.smear: SmearGate | None = SmearGate(model.model_dim) if model.smear == "module" else None
        self.encoder_layers = model.num_layers // 2
        self.decoder_layers = model.num_layers - self.encoder_layers
        self.skip_weights = nn.Parameter(torch.ones(min(self.encoder_layers, self.decoder_layers), model.model_dim))
        bare_gate = model.smear == "parameter"
        self.smear_gate = nn.Parameter(torch.zeros(model.model_dim)) if bare_gate else None
        self.blocks = nn.ModuleList(Block(model, kernel, layer) for layer in range(model.num_layers))
        self.lm_head: CastedLinear | None = None
        if not model.tie_embeddings:
            self.lm_head = CastedLinear(model.model_dim, model.vocab_size, zero_init=True)
        if model.bigram.buckets and model.bigram.placement == "last":
            self.bigram = build_bigram(model)
        self.rope = (model.model_dim // model.num_heads, model.rope_base, model.rope_ntk_seq_len)
        table = model.rope_table if compute_dtype == torch.bfloat16 else "float32"
        frequencies = rope_frequencies(
            self.rope[0], model.rope_base, torch.float32 if table == "float32" else torch.bfloat16
        )
        if table == "bfloat16_frequencies":
            frequencies = frequencies.float()
        self.register_buffer("rope_frequencies", frequencies, persistent=False)
        self._tables: tuple[Tensor, Tensor, Tensor] | None = None
        self._init_weights(model)

    def _init_weights(self, model: ModelConfig) -> None:
        if model.tie_embeddings:
            nn.init.normal_(self.tok_emb.weight, mean=0.0, std=model.tok_emb_init_std)
        for module in self.modules():
            if isinstance(module, CastedLinear):
                module.init_weight(orthogonal=model.linear_init == "orthogonal")

    def frequencies(self, length: int) -> Tensor:
        """(head_dim / 2,) rotary frequencies for sequences of `length` tokens; a scaled base is fp32 (PR #160)."""
        head_dim, base, train_length = self.rope
        scaled = ntk_base(base, head_dim, length, train_length)
        if scaled != base:
            return rope_frequencies(head_dim, scaled, torch.float32)
        return self.get_buffer("rope_frequencies")

    def position_tables(self, length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Rotary tables (length, heads + kv_heads, head_dim) twice and the mask (length, length), cached."""
        if self._tables is None or self._tables[0].size(0) != length or self._tables[0].device != device:
            cos, sin = rope_tables(self.frequencies(length).to(device), length)
            dtype = self.compute_dtype
            self._tables = (*spread_tables(cos, sin, self.rotated_heads, dtype), causal_mask(length, device, dtype))
        return self._tables

    def embedded(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) int64 -> (batch, time, dim), normalised: what every block mixes in."""
        x: Tensor = self.tok_emb(ids).to(self.compute_dtype)
        if self.bigram is not None:
            x = x + self.bigram(ids, self.compute_dtype)
        x = rms_norm(x, self.norm_eps)
        if self.smear is not None:
            x = self.smear(x)
        if self.smear_gate is not None:
            x = smear(x, self.smear_gate)
        return x

    def features(self, ids: Tensor, last: int = 0) -> Tensor:
        """ids: (batch, time) int64 -> (batch, time, dim), normalised, ready for the head; or of the last positions.

        Other positions are keys for the last block and nothing else, so it spares them its queries and its MLP.
        """
        cos, sin, mask = self.position_tables(ids.size(1), ids.device)
        return self.through_blocks(self.embedded(ids), cos, sin, mask, last)

    def through_blocks(
        self, x0: Tensor, cos: Tensor, sin: Tensor, mask: Tensor, last: int = 0, pasts: Sequence[Past] = ()
    ) -> Tensor:
        """All blocks with their skips over embedded tokens x0, normalised at the end; `pasts`: one for each block."""
        x = x0
        stack: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            if index >= self.encoder_layers and stack:
                weight = self.skip_weights[index - self.encoder_layers].to(x.dtype)
                x = torch.addcmul(x, weight, stack.pop())
            cut = last if index == len(self.blocks) - 1 else 0
            rows = mask[-cut:] if cut else mask
            x = block(x, x0, cos, sin, rows, cut, pasts[index] if pasts else None)
            if index < self.encoder_layers:
                stack.append(x)
        return rms_norm(x, self.norm_eps)

    def head_weight(self, dtype: torch.dtype) -> Tensor:
        """(vocab, dim) of the output head in `dtype`: the token embedding, or a matrix of its own."""
        return (self.tok_emb.weight if self.lm_head is None else self.lm_head.used_weight(dtype)).to(dtype)

    def logits(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) -> softcapped logits (batch, time, vocab), fp32."""
        x = self.features(ids)
        return softcapped(F.linear(x, self.head_weight(x.dtype)), self.softcap)

    def forward(self, ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        """Cross-entropy in nats, fp32, of (batch, time) int64 targets: () where `mean`, else (batch, time).

        last: only of so many last positions, (batch, last); 0 means all.
        """
        return self.losses(self.features(ids, last), targets[:, -last:] if last else targets, mean=mean)

    def losses(self, features: Tensor, targets: Tensor, *, mean: bool) -> Tensor:
        """Cross-entropy of features (batch, time, dim), as `forward` returns it."""
        x = features.flatten(0, 1)
        weight, aims = self.head_weight(x.dtype), targets.flatten()
        if self.head == "plain":
            losses = plain_losses(x, weight, aims, self.softcap)
            return losses.mean() if mean else losses.view_as(targets)
        if mean:
            return ChunkedMeanLoss.apply(x, weight, aims, self.softcap)  # type: ignore[no-any-return, no-untyped-call]
        return chunked_losses(x, weight, aims, self.softcap).view_as(targets)
