"""The likeliest bytes of an artifact before anything has run: each tensor's integers at their entropy.

A row of a trained matrix is close to Gaussian, and its largest weight takes the largest integer, so the entropy of
its integers follows from its length alone: 7.4 bits as int8, 5.4 as int6, 4.3 as int5 in rows of 512. That holds
until the scale meets its floor (1 / levels: the official int8, PRs #160 and #1606); from there the weights' spread
counts, which grows with rates and steps. Public runs ended within 2 % of it, small real ones of 250 steps within
5 %; of a technique that changes what weights look like it knows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from statistics import NormalDist

from golf_model.config.golf_config import GolfConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.shapes import (
    BITS,
    LEVELS,
    Scheme,
    clip_width,
    has_row_scales,
    is_control,
    parameter_shapes,
    schemes,
    step_size,
    tensor_class,
)

TRUSTED = 0.02
"""How far 8 public runs were from what is expected here, at most."""
FLOAT_SHARE = {"float16": 0.9, "float32": 0.92}
"""What compressors leave of stored floats: their exponents are alike."""
ROUNDED_SHARE = 0.76
"""The same of float16 that was trained as bfloat16: its last three bits are zero."""
CODER = 1.008
"""What a general compressor adds to the entropy, by PRs #102, #372 and #465 and the baseline."""
PACKED = 0.36
"""Six-bit integers that are packed four in three bytes keep 6 - this * (6 - entropy)^2 bits (measured with lzma)."""
LONG_RUN = 5000
"""Steps that are taken where nobody knows how many, for what lies on one grid."""
MUON_SPREAD = 0.8
"""Spread that Muon gives a matrix over that of as many independent steps, without its momentum (measured)."""
ADAM_SPREAD = 0.7
"""The same of Adam, in rates."""
FLOORED_ROWS = ("clip_floor", "clip_search")
"""Rules whose scale is never below 1 / levels; int8 always follows the first."""
MOST_SUMMED = 20.0


@cache
def gaussian_bits(deviation: float) -> float:
    """Entropy in bits of a Gaussian of that deviation, rounded to whole numbers."""
    if deviation > MOST_SUMMED:
        return math.log2(deviation) + 0.5 * math.log2(2 * math.pi * math.e)
    normal, total, number = NormalDist(0, max(deviation, 1e-3)), 0.0, 0
    while True:
        share = normal.cdf(number + 0.5) - normal.cdf(number - 0.5)
        if share < 1e-12:
            return total
        total -= share * math.log2(share) * (2 if number else 1)
        number += 1


@cache
def usual_largest(count: int) -> float:
    """Median of the largest magnitude of `count` standard Gaussians."""
    return NormalDist().inv_cdf(0.5 + 0.5 ** (1 + 1 / max(count, 1)))


def rate_steps(schedule: ScheduleConfig, steps: float) -> float:
    """Sum of the squared learning-rate multipliers over a run of `steps`."""
    length = schedule.warmdown_frac * steps or schedule.warmdown_iters
    down = min(length, steps)
    first = down / length if length else 0.0
    floor = schedule.warmdown_lr_floor
    mean = floor**2 + floor * (1 - floor) * first + (1 - floor) ** 2 * first**2 / 3
    return steps - down + down * mean


def spread(name: str, shape: tuple[int, ...], config: GolfConfig, steps: float) -> float:
    """Standard deviation of a tensor's weights after `steps` of training."""
    optim, model = config.optim, config.model
    columns = shape[-1] if shape else 1
    if len(shape) == 2 and not is_control(name) and tensor_class(name) != "embed" and "bigram.embed" not in name:
        begin = 0.0 if ".proj." in name else 1 / math.sqrt(3 * columns)
        each, decay = _matrix_step(shape, optim), optim.matrix_lr * optim.muon_weight_decay
    else:
        rate = optim.scalar_lr
        if len(shape) == 2:
            rate = optim.tied_embed_lr if model.tie_embeddings or "lm_head" not in name else optim.head_lr
            if name == "tok_emb.weight" and not model.tie_embeddings:
                rate = optim.embed_lr
        begin = model.tok_emb_init_std if name == "tok_emb.weight" and model.tie_embeddings else 0.0
        own = optim.embed_weight_decay if tensor_class(name) == "embed" else None
        each, decay = ADAM_SPREAD * rate, rate * (optim.adam_weight_decay if own is None else own)
    made, lost = rate_steps(config.schedule, steps), 2 * decay * steps
    if lost > 0:  # what decays forgets its first steps
        made *= -math.expm1(-lost) / lost
    if "bigram.embed" in name:  # a row is trained by the tokens that are hashed to it
        made *= min(1.0, config.batch.train_batch_tokens / model.bigram.buckets)
    return math.hypot(begin, each * math.sqrt(made))


def _matrix_step(shape: tuple[int, ...], optim: OptimConfig) -> float:
    """Root mean square of what one step adds to a matrix, as if steps were independent."""
    if optim.matrix_optimizer != "muon":
        return ADAM_SPREAD * optim.matrix_lr
    rows, columns = shape
    orthogonal = math.sqrt(max(1.0, rows / columns) / max(rows, columns))
    return MUON_SPREAD * optim.matrix_lr * orthogonal / math.sqrt(max(1 - optim.muon_momentum, 1e-3))


def bits_per_weight(
    name: str, shape: tuple[int, ...], scheme: Scheme, config: GolfConfig, steps: float | None
) -> float:
    """Of a quantised tensor; steps: None for a run so long that no floor is met."""
    export = config.export
    if scheme == "step":
        wide = spread(name, shape, config, LONG_RUN if steps is None else steps)
        return gaussian_bits(round(wide / step_size(name, export), 2))
    levels, columns = LEVELS[scheme], shape[-1] if len(shape) == 2 else prod(shape)
    if export.rows == "sdclip" and len(shape) == 2:
        return gaussian_bits(round(levels / clip_width(name, export), 2))
    deviation = levels / usual_largest(columns)
    if steps is not None and len(shape) == 2 and (scheme == "int8" or export.rows in FLOORED_ROWS):
        deviation = min(deviation, levels * spread(name, shape, config, steps))
    bits = gaussian_bits(round(deviation, 2))
    packed = scheme == "int6" and export.container == "qgv3"
    return max(bits, 6 - PACKED * (6 - bits) ** 2) if packed else bits


def float_share(name: str, scheme: Scheme, config: GolfConfig) -> float:
    """What a compressor leaves of a tensor that is stored as floats."""
    model, average = config.model, config.average
    kept = {"tok_emb.weight": model.tok_emb_dtype, "bigram.embed.weight": model.bigram.embed_dtype}
    averaged = average.kind == "ema" or (average.kind == "swa" and average.swa_sum == "float32")
    rounded = scheme == "float16" and kept.get(name) == "bfloat16" and not averaged
    return ROUNDED_SHARE if rounded else FLOAT_SHARE[scheme]


@dataclass(frozen=True)
class Expected:
    """What is expected of an artifact."""

    bytes: int
    bits: Mapping[Scheme, float]
    """Scheme -> mean bits of a weight that is quantised so."""


def expected_artifact(config: GolfConfig, steps: float | None) -> Expected:
    """The likeliest artifact; steps: how many a run makes, None where nobody knows.

    Where tensors are stored as `step`, the step must be given.
    """
    shapes, coder = parameter_shapes(config.model), 1.0 if config.export.container == "golf" else CODER
    total, bits, weights = 0.0, dict[Scheme, float](), dict[Scheme, int]()
    for name, scheme in schemes(config.model, config.export).items():
        shape, numel = shapes[name], prod(shapes[name])
        if scheme in LEVELS:
            each = bits_per_weight(name, shape, scheme, config, steps) * coder
            bits[scheme] = bits.get(scheme, 0.0) + numel * each
            weights[scheme] = weights.get(scheme, 0) + numel
            total += numel * each / 8 + (2 * shape[0] if has_row_scales(scheme, shape) else 4)
        else:
            total += numel * BITS[scheme] / 8 * float_share(name, scheme, config)
    return Expected(round(total), {scheme: bits[scheme] / weights[scheme] for scheme in bits})
