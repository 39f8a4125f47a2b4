"""The network: embeddings tied with the head or not, U-Net skips between two halves of blocks, softcapped logits.

Some blocks may be passed several times (`loop`), the last ones on two lanes (`parallel`). Built in fp32;
`dtypes.apply_dtype_policy` sets what is kept in another precision. The order in which modules are built is the
originals', so a seed draws the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config.model import ModelConfig
from golf_model.network.attention import AttentionKernel, Begun, Past, causal_mask
from golf_model.network.bigram import BigramHash
from golf_model.network.block import Block
from golf_model.network.head import ChunkedMeanLoss, HeadKernel, chunked_losses, plain_losses, softcapped
from golf_model.network.lanes import Lanes, leave, next_lanes
from golf_model.network.linear import CastedLinear, kept_or_made
from golf_model.network.rope import ntk_base, rms_norm, rope_frequencies, rope_tables, spread_tables
from golf_model.network.segments import Documents, document_mask
from golf_model.network.smear import InputGate, SmearGate, input_smear, smear
from golf_model.shapes import block_order, skip_rows

BEFORE = 2
"""Tokens before one that its embedding depends on: a hashed pair of the token that is smeared into it."""
LANE_KEPT = 1.1
"""Share of a lane that stays at each block, at first (PR #1529)."""


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
        self.orders = {looped: block_order(model, looped=looped) for looped in (False, True)}
        self.looped = model.loop.times > 0
        """Whether blocks of the loop are passed again, by now: training begins without (train.py)."""
        self.documents: Documents | None = None
        """What keeps documents apart; None where nothing does."""
        self.kept: dict[torch.dtype, Tensor] | None = None
        """The head's matrix, while weights are kept (`weights_kept`)."""
        self.parallel, self.smear_bos = model.parallel, model.smear_bos
        stored = model.embed_dim or model.model_dim
        self.tok_emb = nn.Embedding(model.vocab_size, stored)
        self.embed_proj: CastedLinear | None = None
        self.head_proj: CastedLinear | None = None
        if stored != model.model_dim:
            self.embed_proj = CastedLinear(stored, model.model_dim)
            self.head_proj = CastedLinear(model.model_dim, stored)
        self.bigram: BigramHash | None = None
        if model.bigram.buckets and model.bigram.placement == "before_blocks":
            self.bigram = build_bigram(model)
        self.smear: SmearGate | None = SmearGate(model.model_dim) if model.smear == "module" else None
        skips = (skip_rows(model), model.model_dim)
        self.skip_weights = nn.Parameter(torch.ones(skips))
        self.skip_gates = nn.Parameter(torch.zeros(skips)) if model.skip_gates else None
        self.parallel_post_lambdas: nn.Parameter | None = None
        self.parallel_resid_lambdas: nn.Parameter | None = None
        if model.parallel.kind == "lanes":
            self.parallel_post_lambdas = nn.Parameter(torch.ones(model.num_layers, 2, 2))
            self.parallel_resid_lambdas = nn.Parameter(torch.full((model.num_layers, 2), LANE_KEPT))
        self.smear_lambda = nn.Parameter(torch.zeros(1)) if model.smear == "input" else None
        self.smear_gate: nn.Parameter | InputGate | None = None
        if model.smear == "parameter":
            self.smear_gate = nn.Parameter(torch.zeros(model.model_dim))
        self.blocks = nn.ModuleList(Block(model, kernel, layer) for layer in range(model.num_layers))
        self.lm_head: CastedLinear | None = None
        if not model.tie_embeddings:
            self.lm_head = CastedLinear(stored, model.vocab_size, zero_init=True)
        if model.smear == "input":
            self.smear_gate = InputGate(model.smear_width)
        if model.bigram.buckets and model.bigram.placement == "last":
            self.bigram = build_bigram(model)
        self.rope = (model.rope_dims or self.head_dim, model.rope_base, model.rope_ntk_seq_len)
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
        """(dims / 2,) rotary frequencies for sequences of `length` tokens; a scaled base is fp32 (PR #160)."""
        dims, base, train_length = self.rope
        scaled = ntk_base(base, dims, length, train_length)
        if scaled != base:
            return rope_frequencies(dims, scaled, torch.float32)
        return self.get_buffer("rope_frequencies")

    def position_tables(self, length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Rotary tables (length, heads + kv_heads, turning dimensions) twice and the mask (length, length),
        cached."""
        if self._tables is None or self._tables[0].size(0) != length or self._tables[0].device != device:
            cos, sin = rope_tables(self.frequencies(length).to(device), length)
            dtype = self.compute_dtype
            self._tables = (*spread_tables(cos, sin, self.rotated_heads, dtype), causal_mask(length, device, dtype))
        return self._tables

    def embedded(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) int64 -> (batch, time, dim), normalised: what every block mixes in."""
        if self.kept is not None and self.lm_head is None:  # it has been cast as the head's matrix, once
            x = F.embedding(ids, self.head_weight(self.compute_dtype))
        else:
            x = self.tok_emb(ids).to(self.compute_dtype)
        if self.bigram is not None:
            x = x + self.bigram(ids, self.compute_dtype)
        if self.smear_lambda is not None and isinstance(self.smear_gate, InputGate):
            x = input_smear(x, ids, self.smear_gate, self.smear_lambda, self.smear_bos)
        x = rms_norm(x, self.norm_eps)
        if self.embed_proj is not None:
            x = self.embed_proj(x)
        if self.smear is not None:
            x = self.smear(x)
        if isinstance(self.smear_gate, nn.Parameter):
            x = smear(x, self.smear_gate)
        return x

    def features(self, ids: Tensor, last: int = 0) -> Tensor:
        """ids: (batch, time) int64 -> (batch, time, dim), normalised, ready for the head; or of the last positions.

        Other positions are keys for the last block and nothing else, so it spares them its queries and its MLP.
        """
        cos, sin, mask = self.position_tables(ids.size(1), ids.device)
        if self.documents is not None:
            mask = document_mask(ids, self.documents, mask)
        return self.through_blocks(self.embedded(ids), cos, sin, mask, last)

    @property
    def passes(self) -> int:
        """How many blocks a token passes, those of the loop counted as often as they are passed."""
        return sum(len(part) for part in self.orders[self.looped])

    def through_blocks(
        self,
        x0: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor,
        last: int = 0,
        pasts: Sequence[Past] = (),
        begun: Begun | None = None,
    ) -> Tensor:
        """All blocks with their skips over embedded tokens x0, normalised at the end; `pasts`: one for each pass;
        begun: of the first block, where that is known already."""
        encoder, decoder = self.orders[self.looped]
        x = x0
        stack: list[Tensor] = []
        lanes: Lanes | None = None
        for at, index in enumerate((*encoder, *decoder)):
            block, past = self.blocks[index], pasts[at] if pasts else None
            cut = last if at == len(encoder) + len(decoder) - 1 else 0
            rows = mask[..., -cut:, :] if cut else mask
            if at < len(encoder):
                x = block(x, x0, cos, sin, rows, cut, past, None if at else begun)
                stack.append(x)
                continue
            if lanes is None and self.on_lanes(index):
                lanes = (x, x)
            if stack:
                x = self.with_skip(x if lanes is None else lanes[0], stack.pop(), at - len(encoder))
                lanes = None if lanes is None else (x, lanes[1])
            if lanes is None:
                x = block(x, x0, cos, sin, rows, cut, past)
            else:
                lanes = self._side_by_side(index, lanes, x0, (cos, sin, rows), cut, past)
        return rms_norm(x if lanes is None else leave(lanes, self.parallel.final), self.norm_eps)

    def on_lanes(self, index: int) -> bool:
        """Whether a block of the decoder stands on two lanes."""
        return self.parallel.kind == "lanes" and index >= self.parallel.start

    def with_skip(self, x: Tensor, skip: Tensor, row: int) -> Tensor:
        """The input of decoder pass `row` with what the encoder kept: added, or in shares that a gate decides."""
        weight = self.skip_weights[row].to(x.dtype)
        if self.skip_gates is None:
            return torch.addcmul(x, weight, skip)
        return torch.lerp(weight * skip, x, torch.sigmoid(self.skip_gates[row].to(x.dtype)))

    def _side_by_side(
        self, index: int, lanes: Lanes, x0: Tensor, seen: tuple[Tensor, Tensor, Tensor], last: int, past: Past | None
    ) -> Lanes:
        """Both lanes after block `index`; seen: cosines, sines, mask."""
        block, kept, posted = self.blocks[index], self.parallel_resid_lambdas, self.parallel_post_lambdas
        assert isinstance(block, Block)
        assert kept is not None
        assert posted is not None

        def attention(lane: Tensor) -> Tensor:
            found: Tensor = block.attn(block.normed(block.mixed(lane, x0)), block.attn_scale, *seen, last, past)
            return found

        return next_lanes(lanes, attention, block.feed, kept[index], posted[index], last)

    def head_weight(self, dtype: torch.dtype) -> Tensor:
        """(vocab, width) of the output head in `dtype`: the token embedding, or a matrix of its own."""

        def cast() -> Tensor:
            return (self.tok_emb.weight if self.lm_head is None else self.lm_head.used_weight(dtype)).to(dtype)

        return kept_or_made(self.kept, dtype, cast)

    def logits(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) -> softcapped logits (batch, time, vocab), fp32."""
        x = self.read_by_head(self.features(ids))
        return softcapped(F.linear(x, self.head_weight(x.dtype)), self.softcap)

    def forward(self, ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        """Cross-entropy in nats, fp32, of (batch, time) int64 targets: () where `mean`, else (batch, time).

        last: only of so many last positions, (batch, last); 0 means all.
        """
        return self.losses(self.features(ids, last), targets[:, -last:] if last else targets, mean=mean)

    def read_by_head(self, features: Tensor) -> Tensor:
        """features (batch, time, dim) -> what the head is multiplied by: the same, or of a narrow embedding's
        width."""
        x: Tensor = features if self.head_proj is None else self.head_proj(features)
        return x

    def losses(self, features: Tensor, targets: Tensor, *, mean: bool) -> Tensor:
        """Cross-entropy of features (batch, time, dim), as `forward` returns it."""
        x = self.read_by_head(features).flatten(0, 1)
        weight, aims = self.head_weight(x.dtype), targets.flatten()
        if self.head == "plain":
            losses = plain_losses(x, weight, aims, self.softcap)
            return losses.mean() if mean else losses.view_as(targets)
        if mean:
            return ChunkedMeanLoss.apply(x, weight, aims, self.softcap)  # type: ignore[no-any-return, no-untyped-call]
        return chunked_losses(x, weight, aims, self.softcap).view_as(targets)
