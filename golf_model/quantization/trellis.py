"""Trellis-coded quantisation (Marcellin and Fischer 1990; in video coding: VVC's dependent quantisation): two uniform
grids, twice as coarse as their union, and a state that says which of them the next integer belongs to.

In an even state index k stands for the level 2k, in an odd one for 2k + 1; the state after it depends on whether k is
even. The trellises are Ungerboeck's one-dimensional codes (1982). Here is what reading needs; the search for the best
path is trellis_search.py's.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEXT_STATES: dict[int, tuple[tuple[int, int], ...]] = {
    4: ((0, 1), (2, 3), (1, 0), (3, 2)),
    8: ((0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4)),
}
"""By the number of states: the state that follows an even and an odd index in each state. Every row begins in 0."""
LARGEST_INDEX = 32767
"""Magnitude that no index has: int16."""


def trellis_levels(indices: Tensor, states: int) -> Tensor:
    """(rows, columns) int32 whole levels, in units of the fine step, of indices of that shape; all rows at once."""
    following = torch.tensor(NEXT_STATES[states], device=indices.device).flatten()
    columns = indices.T.to(torch.int32).contiguous()
    levels = 2 * columns
    parity = (columns & 1).long()
    state = torch.zeros(columns.size(1), dtype=torch.long, device=indices.device)
    for at in range(len(columns)):
        levels[at] += (state & 1).to(torch.int32)
        state = following[2 * state + parity[at]]
    return levels.T.contiguous()
