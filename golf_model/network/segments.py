"""Documents kept apart: a token attends to its own segment of the row alone (PR #1530).

A segment begins where a row begins, at every token that begins a document, and after every `length` tokens of one.
Positions run on over the whole row: rotary attention sees differences of positions alone. Off unless
`BatchConfig.documents` is set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Documents:
    """What cuts a row into segments."""

    bos: int
    """Token that begins a document."""
    length: int
    """Most tokens of a segment; 0 for no limit."""


def segment_starts(ids: Tensor, documents: Documents) -> Tensor:
    """(batch, time) int64: where the segment of each position of ids (batch, time) begins."""
    places = torch.arange(ids.size(1), device=ids.device).expand_as(ids)
    begun = torch.cummax(torch.where(ids == documents.bos, places, 0), dim=1).values
    if not documents.length:
        return begun
    return begun + (places - begun) // documents.length * documents.length


def document_mask(ids: Tensor, documents: Documents, causal: Tensor) -> Tensor:
    """(batch, time, time) additive mask: `causal` (time, time), and -inf before a query's segment."""
    keys = torch.arange(ids.size(1), device=ids.device)
    before = keys < segment_starts(ids, documents)[..., None]
    return causal.masked_fill(before, float("-inf"))
