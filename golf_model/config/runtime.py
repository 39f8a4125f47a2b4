"""The section `runtime`: how the computation is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded

LONG_SEQUENCE = 512
"""Tokens from which on attention goes by blocks on a CPU: all scores of a shorter sequence fit its caches."""


@dataclass(frozen=True)
class RuntimeConfig:
    """How the computation is carried out; none of it changes what is computed beyond rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes CUDA where there is one, else Apple's MPS, else the CPU."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Autocast precision; auto takes bfloat16 where the device has instructions for it."""
    compile: Literal["auto", "on", "off"] = "auto"
    """torch.compile; auto takes it on CUDA, and on a CPU where a forecast says that a seed is long enough for it:
    the log has both. Without a compiler it is off, and the log says so."""
    attention: Literal["auto", "sdpa", "explicit", "blocks"] = "auto"
    """Attention kernel; auto takes blocks on CPU, sdpa elsewhere. explicit: a masked softmax over all scores,
    fastest on CPU for short sequences; blocks: the same below 512 tokens, and queries by blocks from there on."""
    head: Literal["auto", "plain", "chunked"] = "auto"
    """Way to the loss; auto takes the cache-sized walk on CPU, the plain one elsewhere."""
    cpu_threads: int = 0
    """Threads of each process on CPU; 0 leaves it to OMP_NUM_THREADS and torch."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.cpu_threads >= 0, "cpu_threads", "0 (torch's choice) or more")
