"""Attention and MLP side by side: on one stream (PR #1412), or on two lanes that mix what both found (PR #1529).

Off unless `ModelConfig.parallel` is set. On lanes, attention reads the first one, with the embedding mixed in, and
the MLP the second one as it is; skips go into the first alone. Which blocks do so is gpt.py's question.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Lanes = tuple[Tensor, Tensor]
"""Attention's and the MLP's, each (batch, time, dim)."""


def next_lanes(
    lanes: Lanes,
    attention: Callable[[Tensor], Tensor],
    mlp: Callable[[Tensor], Tensor],
    kept: Tensor,
    posted: Tensor,
    last: int,
) -> Lanes:
    """Both lanes after one block.

    attention, mlp: a lane -> what it adds, gains included; attention gives `last` last positions alone where that is
    not 0, and so do the lanes then. kept: (2,) shares of the lanes that stay; posted: (2, 2), of what attention
    (first row) and MLP found, the share that each lane (column) takes.
    """
    first, second = lanes
    found = attention(first)
    if last:
        first, second = first[:, -last:], second[:, -last:]
    made = mlp(second)
    kept, posted = kept.to(first.dtype), posted.to(first.dtype)
    return (
        kept[0] * first + posted[0, 0] * found + posted[1, 0] * made,
        kept[1] * second + posted[0, 1] * found + posted[1, 1] * made,
    )


def leave(lanes: Lanes, final: str) -> Tensor:
    """What goes on after the last block: the mean of both lanes, or one of them."""
    if final == "mean":
        return 0.5 * (lanes[0] + lanes[1])
    return lanes[1 if final == "mlp" else 0]
