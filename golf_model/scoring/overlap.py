"""What windows that overlap have in common: all that the first block does with each token by itself.

Embedding, mixing, norms and the projections of the first block do not depend on the other tokens of a window, so they
are made once for a text instead of once for each window; rotations, which count from the window's begin, are not. The
tokens at a window's begin lack those before them, which an embedding may look at: they are made anew. Chunks begin at
multiples of CHUNK wherever a process begins, so that shares give the same numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golf_model.network.attention import Begun
from golf_model.network.block import Block
from golf_model.network.gpt import BEFORE, GPT

CHUNK = 1024
"""Tokens that are made at once."""


class Overlap:
    """Losses of windows of one stream, whose starts rise by BEFORE tokens at least."""

    def __init__(self, network: GPT, stream: Tensor) -> None:
        self.network, self.stream = network, stream
        first = network.blocks[network.orders[network.looped][0][0]]
        assert isinstance(first, Block)
        self.first = first
        self.looks_back = network.bigram is not None or network.smear is not None or network.smear_gate is not None
        self.begin, self.held = 0, tuple[Tensor, ...]()
        """Where what is held begins, and (1, tokens, …) embeddings and parts of `Begun` from there on."""

    def made(self, start: int, stop: int) -> tuple[Tensor, ...]:
        """Embeddings and what the first block begins with, of tokens [start, stop), by those before them."""
        before = min(BEFORE, start)
        places = torch.arange(start - before, stop).clamp_max(self.stream.numel() - 1)
        x0 = self.network.embedded(self.stream[places].long()[None])[:, before:]
        return x0, *self.first.begin(x0, x0).parts()

    def reach(self, start: int, stop: int) -> None:
        """Hold what is made of tokens [start, stop) at least, and nothing from before start's chunk."""
        if not self.held or start >= self.begin + self.held[0].size(1):
            self.begin, self.held = start // CHUNK * CHUNK, ()
        end = self.begin + (self.held[0].size(1) if self.held else 0)
        if end >= stop:
            return
        late = max(0, start - self.begin) if self.held else 0
        pieces = [tuple(part[:, late:] for part in self.held)] if self.held else []
        self.begin += late
        pieces += [self.made(place, place + CHUNK) for place in range(end, stop, CHUNK)]
        self.held = tuple(torch.cat(parts, 1) for parts in zip(*pieces, strict=True))

    def losses(self, start: int, targets: Tensor, last: int) -> Tensor:
        """As `GPT.forward` gives them, of the window whose first token is `start`; targets: (1, length)."""
        length = targets.size(1)
        self.reach(start, start + length)
        at = start - self.begin
        window = [part[:, at : at + length] for part in self.held]
        if start and self.looks_back:  # no later window has these tokens, so they are written over
            alone = torch.arange(start, start + BEFORE)
            x0 = self.network.embedded(self.stream[alone].long()[None])
            for part, anew in zip(window, (x0, *self.first.begin(x0, x0).parts()), strict=True):
                part[:, :BEFORE] = anew
        cos, sin, mask = self.network.position_tables(length, targets.device)
        x0, *parts = window
        features = self.network.through_blocks(x0, cos, sin, mask, last, begun=Begun(*parts))
        return self.network.losses(features, targets[:, -last:] if last else targets, mean=False)
