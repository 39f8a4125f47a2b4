"""The streaming score: the text is read once, and every token attends to the last `window` tokens in every layer.

Keys and values of the past are kept, so that a text costs one pass instead of window / stride. Deeper layers reach
further back than one window, which no sliding window does: another function of the same weights, and another score.
Rotary positions are counted anew in each chunk, from its oldest key, so they never grow, and a text scores the same
wherever it begins. A text is cut into streams that run side by side; each starts early enough that its first counted
token has all the past that it can reach, so neither their number nor that of processes changes the score.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.network.attention import Past
from golf_model.network.gpt import BEFORE, GPT
from golf_model.network.linear import weights_kept
from golf_model.network.rope import rope_tables, spread_tables
from golf_model.process.distributed import World
from golf_model.scoring.evaluate import Score, Tally, split_evenly


@dataclass(frozen=True)
class Stream:
    """A run of chunks [start, stop), of which those from `counted` on count."""

    start: int
    counted: int
    stop: int


def streams_of(chunks: int, number: int, lead: int, rank: int, world_size: int) -> list[Stream]:
    """This process's share of `chunks` chunks as at most `number` streams, each with `lead` chunks of past.

    Fewer where the past would cost more than a quarter of the text itself. In the order of the text.
    """
    first, end = split_evenly(chunks, rank, world_size)
    number = max(1, min(number, (end - first) // (4 * lead)))
    shares = [split_evenly(end - first, index, number) for index in range(number)]
    return [Stream(max(0, first + a - lead), first + a, first + b) for a, b in shares if b > a]


def visible(window: int, chunk: int, filled: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(chunk, window + chunk) additive mask: each query sees the last `window` keys up to itself, of the `window` old
    ones only the last `filled`."""
    query = torch.arange(chunk, device=device)[:, None] + window
    key = torch.arange(window + chunk, device=device)
    seen = (key <= query) & (key > query - window) & (key >= window - filled)
    return torch.zeros(chunk, window + chunk, device=device, dtype=dtype).masked_fill_(~seen, float("-inf"))


def embed_chunk(network: GPT, tokens: Tensor, starts: list[int], chunk: int, device: torch.device) -> Tensor:
    """(streams, chunk, dim): tokens [start, start + chunk) of the text, embedded with what stands before them."""
    rows = [network.embedded(piece(tokens, start, chunk, device)[None])[:, -chunk:] for start in starts if start == 0]
    later = [piece(tokens, start, chunk, device) for start in starts if start]
    if later:
        rows.append(network.embedded(torch.stack(later))[:, BEFORE:])
    return torch.cat(rows)


def piece(tokens: Tensor, start: int, chunk: int, device: torch.device) -> Tensor:
    """Tokens [start - BEFORE, start + chunk), int64, from 0 where the text begins, padded with token 0 at its end."""
    first = max(0, start - BEFORE)
    found = tokens[first : start + chunk].to(device=device, dtype=torch.int64)
    return torch.nn.functional.pad(found, (0, start + chunk - first - found.numel()))


@torch.no_grad()
def evaluate_streaming(network: GPT, tokens: Tensor, sizes: Tensor, window: int, number: int, world: World) -> Score:
    """Score every target of a stream of tokens (integer tensor on the CPU); all processes get the same result.

    sizes: the bytes that each token stands for (n,) int16. window: tokens that each token attends to, itself
    included; number: streams side by side in each process, at most.
    """
    device, dtype = world.device, network.compute_dtype
    targets = tokens.numel() - 1
    chunk = max(1, window // 2)
    lead = -(-network.passes * window // chunk)
    chunks = -(-targets // chunk)
    streams = streams_of(chunks, number, lead, world.rank, world.size)
    tally = Tally(device, torch.float64)
    cos, sin = rope_tables(network.frequencies(window).to(device), window + chunk)
    rotation = spread_tables(cos, sin, network.rotated_heads, dtype)
    if streams:
        with weights_kept(network):
            _run(network, tokens, streams, window, chunk, rotation, tally, sizes)
    return tally.score(world)


def _run(
    network: GPT,
    tokens: Tensor,
    streams: list[Stream],
    window: int,
    chunk: int,
    rotation: tuple[Tensor, Tensor],
    tally: Tally,
    sizes: Tensor,
) -> None:
    """Read some streams side by side, chunk by chunk, and count their targets."""
    device, dtype = rotation[0].device, network.compute_dtype
    shape = (len(streams), window, network.kv_heads, network.head_dim)
    pasts = [
        Past(torch.zeros(shape, device=device, dtype=dtype), torch.zeros(shape, device=device, dtype=dtype))
        for _ in range(network.passes)
    ]
    at_chunk = torch.arange(chunk, device=device)
    mask, filled = torch.empty(0), -1
    for step in range(max(stream.stop - stream.start for stream in streams)):
        starts = [(stream.start + step) * chunk for stream in streams]
        x0 = embed_chunk(network, tokens, starts, chunk, device)
        if filled < window:  # from then on it stays the same
            filled = min(step * chunk, window)
            mask = visible(window, chunk, filled, device, dtype)
        features = network.through_blocks(x0, *rotation, mask, pasts=pasts)
        targets = torch.stack([piece(tokens, start + 1, chunk, device)[-chunk:] for start in starts])
        counts = torch.stack(
            [
                (at_chunk + start < tokens.numel() - 1) & (stream.counted <= start // chunk < stream.stop)
                for start, stream in zip(starts, streams, strict=True)
            ]
        )
        bytes_of = torch.stack([piece(sizes, start + 1, chunk, device)[-chunk:] for start in starts])
        tally.add(network.losses(features, targets, mean=False), bytes_of, counts)
