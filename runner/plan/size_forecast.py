"""How many bytes script and artifact will take, before anything has run: an interval and what it rests on.

Preflight refuses a job only when the LOW end is over the cap, so the low end must be safe to refuse by. The
sizes of raw tensors say nothing (the baseline's are 17.2 MB and its artifact fits); what counts is how many
bits the compressor leaves of each quantised weight.
"""

from __future__ import annotations

from math import prod

from golf_model.config import ExportConfig, GolfConfig
from golf_model.shapes import BITS, LEVELS, Scheme, parameter_shapes, schemes, stored_bytes
from runner.results import SizeForecast

LOW_BITS: dict[Scheme, float] = {"int8": 2.0, "int6": 1.5, "int5": 1.5, "int4": 1.0}
"""Fewest bits per weight after compression. Untrained matrices need about 3.5 and 1.5 (embedding) as int8, public
int8 runs 6.0 (PR #1606) to 7.4 (the official baseline), public int6 runs about 5.3 (PR #102)."""
LOW_BITS_AMAX: dict[Scheme, float] = {"int8": 2.0, "int6": 3.5, "int5": 2.5, "int4": 1.5}
"""The same where a row's largest weight takes the largest integer, so that small weights do not become zeros."""
STEP_BITS = (0.25, 5.0, 12.0)
"""Bits per weight on a uniform grid: fewest at the coarsest step, fewest at the finest, most."""
WINDOW = 0.999
"""Share of the cap that a solved step reaches where the finest does not fit."""
ABOVE_BITS = 0.2
"""Most bits that a compressor adds to the scheme's own."""
CONTAINER_BYTES = 1 << 16
"""Most that a container's names and headers add."""


def least_bits(export: ExportConfig) -> dict[Scheme, float]:
    """Fewest bits of a quantised weight under an export rule."""
    return LOW_BITS_AMAX if export.rows.startswith("amax") else LOW_BITS


def forecast_bytes(config: GolfConfig, code_bytes: int) -> SizeForecast:
    """Total bytes (code + artifact) of a configuration."""
    shapes, least = parameter_shapes(config.model), least_bits(config.export)
    weights: dict[Scheme, int] = {}
    low, high = float(code_bytes), float(code_bytes + CONTAINER_BYTES)
    for name, scheme in schemes(config.model, config.export).items():
        numel, size = prod(shapes[name]), stored_bytes(scheme, shapes[name], config.export)
        if scheme in LEVELS:
            weights[scheme] = weights.get(scheme, 0) + numel
        if scheme in BITS and scheme in LEVELS:
            low += numel * least[scheme] / 8
            high += numel * (BITS[scheme] + ABOVE_BITS) / 8 + 4 * shapes[name][0]
        elif scheme != "step":
            low += size / 4
            high += size
    counted = ", ".join(
        f"{least[scheme]:g} to {BITS[scheme] + ABOVE_BITS:g} bits for each of {count:,} {scheme} weights"
        for scheme, count in weights.items()
        if scheme in BITS
    )
    basis = f"{counted or 'no quantised weight'}; public runs ended between 6.0 and 7.4 (int8), near 5.3 (int6)"
    if "step" in weights:
        return on_steps(config.export, weights["step"], low, high, counted)
    return SizeForecast(low=int(low), high=int(high), basis=basis)


def on_steps(export: ExportConfig, count: int, low: float, high: float, others: str) -> SizeForecast:
    """The forecast where `count` weights lie on a uniform grid; low, high: bytes of all else."""
    coarsest, finest, most = (count * bits / 8 for bits in STEP_BITS)
    basis = f"{count:,} weights with a step of {export.step.size:g}"
    if export.solves_step:
        cap = export.step.cap_bytes
        basis = f"the step of {count:,} weights is solved for, to take at most {cap:,}"
        least = max(low + coarsest, min(WINDOW * cap, low + finest))
        most = max(min(cap, high + most), least)
    else:
        least, most = low + coarsest, high + most
    return SizeForecast(low=int(least), high=int(most), basis=f"{basis}; {others}" if others else basis)
