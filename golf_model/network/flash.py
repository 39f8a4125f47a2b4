"""Which fused kernel attends on a GPU: each that torch has here is tried at the run's shape; the fastest is taken.

FlashAttention 3 and 4 (arXiv 2407.08608; Hopper, Blackwell) come in packages of their own that torch switches on
where they are installed; cuDNN's kernel and FlashAttention 2 come with torch. All compute attention.py's function.
FlexAttention is not tried: it pays for masks, which none of our models has, and wants compiling for each shape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.attention
from torch import Tensor

from golf_model.config.golf_config import GolfConfig
from golf_model.network.attention import fused_attention
from golf_model.process.distributed import World, accumulation_steps

ROUNDS = 5
"""Times that each is timed, after one that is not; their median counts."""
WORTH = 0.97
"""A kernel replaces torch's own choice where it takes at most this share of its time, so that both phases of a run
take the same one."""
APART = 2e-2
"""Difference from torch's own choice, of numbers about one, from which on a kernel is wrong."""

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
Switch = Callable[[], object]

MOST_ROWS = 8
"""Sequences at a time, at most."""


def torchs_own() -> None:
    """Torch's own choice again."""
    if restore := getattr(torch.nn.attention, "restore_flash_attention_impl", None):
        restore(_raise_warn=False)
    torch.backends.cuda.enable_flash_sdp(True)
    torch.backends.cuda.enable_cudnn_sdp(True)


def only(flash: bool) -> Switch:
    """Flash attention without cuDNN's, or the reverse. Kernels for masks stay as they are."""

    def switch() -> None:
        torch.backends.cuda.enable_flash_sdp(flash)
        torch.backends.cuda.enable_cudnn_sdp(not flash)

    return switch


def variant(name: str) -> Switch:
    """A kind of flash attention from a package of its own."""

    def switch() -> None:
        torch.nn.attention.activate_flash_attention_impl(name)
        only(flash=True)()

    return switch


def candidates() -> dict[str, Switch]:
    """All that this torch knows of, installed or not; torch's own choice first."""
    listed = getattr(torch.nn.attention, "list_flash_attention_impls", list[str])()
    return {
        "default": torchs_own,
        **{name: variant(name) for name in listed},
        "flash": only(flash=True),
        "cudnn": only(flash=False),
    }


def timed(attend: Attend, parts: Sequence[Tensor], world: World) -> tuple[float, list[Tensor]]:
    """(Milliseconds of attention with its gradients, what came out of it)."""
    times: list[float] = []
    for _ in range(ROUNDS + 1):
        world.synchronise()
        begun = time.perf_counter()
        y = attend(parts[0], parts[1], parts[2])
        found = [y.detach(), *torch.autograd.grad(y.float().square().mean(), parts)]
        world.synchronise()
        times.append(1000.0 * (time.perf_counter() - begun))
    return sorted(times[1:])[ROUNDS // 2], found


def differs(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
    """Whether anything is further from what it should be than rounding explains."""
    return any(
        not bool((a.float() - b.float()).abs().max() <= APART * b.float().abs().max())
        for a, b in zip(found, wanted, strict=True)
    )


def choose(attend: Attend, parts: Sequence[Tensor], world: World, switches: Mapping[str, Switch]) -> tuple[str, str]:
    """Switch to the fastest and return (its name, a line about all of them).

    parts: queries, keys and values that want gradients; switches: the first is what the others are held against. A
    process that lacks one, or that it is wrong in, excludes it; the slowest process's time counts, so that all take
    the same one.
    """
    first, wanted = next(iter(switches)), list[Tensor]()
    times, said = list[float](), list[str]()
    for switch in switches.values():
        switches[first]()
        took, why = float("inf"), ""
        try:
            switch()
            took, found = timed(attend, parts, world)
            wanted = wanted or found
            if differs(found, wanted):
                took, why = float("inf"), "wrong"
        except Exception as error:  # whatever a package that is missing or does not know this GPU raises
            why = f"not here ({' '.join(str(error).split())[:60]})"
        times.append(took)
        said.append(why)
    slowest = dict(zip(switches, world.maxima(times), strict=True))
    best = min(slowest, key=lambda name: slowest[name])
    chosen = best if slowest[best] <= WORTH * slowest[first] else first
    switches[first]()
    switches[chosen]()
    shown = (
        f"{name}:{slowest[name]:.3f}ms" if slowest[name] < float("inf") else f"{name}:{why or 'not in all processes'}"
        for name, why in zip(switches, said, strict=True)
    )
    return chosen, f"attention_kernel:{chosen} {' '.join(shown)}"


def settle_attention(config: GolfConfig, world: World) -> str:
    """Take the fastest kernel for training's shape in bfloat16 on this device; returns the line about it."""
    model, batch = config.model, config.batch
    rows = batch.train_batch_tokens // (world.size * accumulation_steps(batch, world.size) * batch.train_seq_len)
    generator = torch.Generator(world.device).manual_seed(0)  # the run's own draws stay as they are

    def draw(heads: int) -> Tensor:
        shape = (min(rows, MOST_ROWS), heads, batch.train_seq_len, model.model_dim // model.num_heads)
        drawn = torch.randn(shape, generator=generator, device=world.device)
        return drawn.to(torch.bfloat16).requires_grad_()

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return fused_attention(q * q.size(-1) ** -0.5, k, v, None)

    parts = [draw(heads) for heads in (model.num_heads, model.num_kv_heads, model.num_kv_heads)]
    chosen, line = choose(attend, parts, world, candidates())
    if hasattr(torch.compiler.config, "cache_key_tag"):  # else a kept graph brings the kernel that was chosen then
        torch.compiler.config.cache_key_tag = chosen
    return line
