"""The best path through a trellis (Viterbi), every survivor with its own feedback: GPTQ that rounds as trellis.py.

Rows and states are worked on at once, columns in turn. Two levels keep the feedback cheap: a few columns at a time
are brought up to date for every survivor, and after SEARCH_BLOCK columns the best path alone lives on. Columns keep
their natural order, since the reader has to walk through them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golf_model.quantization.trellis import LARGEST_INDEX, NEXT_STATES

NEAR = 16
"""Columns that every survivor keeps up to date after each one; later ones wait until these are through."""
SEARCH_BLOCK = 256
"""Columns after which the best path alone lives on: half as many cost 0.004 bits a weight."""
MOST_LINES = 4096
"""Rows of all matrices that are searched at once; bounds the memory."""


def trellis_search(
    matrices: Tensor, steps: Tensor, factors: Tensor | None, states: int, block: int = SEARCH_BLOCK
) -> tuple[Tensor, Tensor]:
    """(indices int32, metric): the paths with the least sum of squared errors that are found.

    matrices: (matrices, rows, columns) fp32 of one shape; steps: (matrices, rows), the fine step; factors: (matrices,
    columns, columns), GPTQ's Cholesky factors in natural order, None where columns are independent and alike (the
    path is then the best there is). metric: (matrices, rows), the errors whitened by the factor.
    """
    count, rows, columns = matrices.shape
    indices = torch.empty(matrices.shape, dtype=torch.int32, device=matrices.device)
    metric = torch.zeros(count, rows, device=matrices.device)
    block = columns if factors is None else block
    at_once = max(1, MOST_LINES // count)
    for lines in (slice(begin, begin + at_once) for begin in range(0, rows, at_once)):
        rest = matrices[:, lines].clone()
        state = torch.zeros(rest.size(0) * rest.size(1), dtype=torch.long, device=rest.device)
        for begin in range(0, columns, block):
            here = slice(begin, min(begin + block, columns))
            factor = None if factors is None else factors[:, here, here]
            found, errors, state, cost = _search_block(rest[:, :, here], steps[:, lines], factor, state, states)
            indices[:, lines, here] = found
            metric[:, lines] += cost
            if factors is not None and here.stop < columns:
                rest[:, :, here.stop :] -= errors @ factors[:, here, here.stop :]
    return indices, metric


def _search_block(
    block: Tensor, steps: Tensor, factor: Tensor | None, state: Tensor, states: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One block: its indices and whitened errors (matrices, rows, columns), the states after it, and what it cost.

    A way into a state is numbered parity * states + state before it.
    """
    (count, rows, width), device = block.shape, block.device
    lines = count * rows
    ways = _ways_into(states, device)
    offsets = torch.tensor([[2.0 * parity + (s & 1) for s in range(states)] for parity in (0, 1)], device=device)
    offsets = offsets[:, :, None]  # of the levels of that parity and state, which lie 4 apart
    four = torch.tensor(4.0, device=device)
    inverse, line = 1.0 / steps.reshape(lines), torch.arange(lines, device=device)
    cost = torch.full((states, lines), torch.inf, device=device).scatter_(0, state[None], 0.0)
    rest = block.reshape(1, lines, width).expand(states, lines, width)  # of every survivor, from `begin` on
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    for begin in range(0, width, NEAR):
        near = rest[:, :, :NEAR].reshape(states * lines, -1)  # errors take the place of columns that are done
        origin = torch.arange(states, device=device)[:, None].expand(states, lines)
        for at in range(near.size(1)):
            column = begin + at
            weight = steps if factor is None else steps / factor[:, column, column, None]
            away = near[:, at].view(states, lines) * inverse - offsets
            quads = (away * 0.25).round_().clamp_(-(LARGEST_INDEX // 2), LARGEST_INDEX // 2)
            error = torch.addcmul(away, quads, four, value=-1.0).mul_(weight.reshape(lines))
            total = torch.addcmul(cost, error, error).view(2 * states, lines)
            first, second = total[ways[0]], total[ways[1]]
            way = torch.where(second < first, ways[1][:, None], ways[0][:, None])
            cost, before = torch.minimum(first, second), way % states
            error = error.view(2 * states, lines).gather(0, way)
            index = quads.view(2 * states, lines).gather(0, way).mul_(2.0).add_(way >= states)
            kept.append((before.to(torch.uint8), index.to(torch.int16), error))
            near = near.index_select(0, (before * lines + line).flatten())
            if factor is not None:
                origin = origin.gather(0, before)
                near[:, at] = error.flatten()
                spread = factor[:, None, column, column + 1 : begin + near.size(1)]
                near[:, at + 1 :] -= (error.view(states, count, rows, 1) * spread).view(states * lines, -1)
        rest = rest[:, :, NEAR:]
        if factor is not None and rest.size(2):
            done = slice(begin, begin + NEAR)
            change = near.view(states, count, rows, -1) @ factor[:, done, done.stop :]
            rest = rest.reshape(states * lines, -1).index_select(0, (origin * lines + line).flatten())
            rest = (rest - change.view(states * lines, -1)).view(states, lines, -1)
    end = cost.argmin(0)
    indices, errors = _traced(kept, end)
    return indices.view(block.shape), errors.view(block.shape), end, cost.amin(0).view(count, rows)


def _traced(kept: list[tuple[Tensor, Tensor, Tensor]], end: Tensor) -> tuple[Tensor, Tensor]:
    """(lines, columns) indices int32 and errors of the paths that end in the states `end` (lines,).

    kept: of every survivor, column by column, the state before, the index and the error, each (states, lines).
    """
    path, places = end, []
    for before, _, _ in reversed(kept):
        places.append(path)
        path = before.gather(0, path[None])[0].long()
    at = torch.stack(places[::-1])[:, None]
    _, index, error = (torch.stack(some).gather(1, at)[:, 0].T for some in zip(*kept, strict=True))
    return index.to(torch.int32).contiguous(), error.contiguous()


def _ways_into(states: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The two ways into every state."""
    into: list[list[int]] = [[] for _ in range(states)]
    for parity in (0, 1):
        for state, following in enumerate(NEXT_STATES[states]):
            into[following[parity]].append(parity * states + state)
    first, second = zip(*into, strict=True)
    return torch.tensor(first, device=device), torch.tensor(second, device=device)
