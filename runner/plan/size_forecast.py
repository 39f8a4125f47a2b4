"""How many bytes script and artifact will take, before anything has run: an interval, the likeliest figure in it
(expected_size.py), and what they rest on.

Preflight refuses a job only when the LOW end is over the cap, so the low end must be safe to refuse by. The
sizes of raw tensors say nothing (the baseline's are 17.2 MB and its artifact fits); what counts is how many
bits the compressor leaves of each quantised weight.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import BITS, LEVELS, Scheme, parameter_shapes, schemes, stored_bytes
from runner.job.hardware import Hardware
from runner.job.spec import JobSpec
from runner.listing import counted
from runner.plan.expected_size import TRUSTED, expected_artifact
from runner.plan.step_time import usual_steps
from runner.results.verdicts import SizeForecast

LOW_BITS: dict[Scheme, float] = {"int8": 2.0, "int7": 1.5, "int6": 1.5, "int5": 1.5, "int4": 1.0}
"""Fewest bits per weight after compression. Untrained matrices need about 3.5 and 1.5 (embedding) as int8, public
int8 runs 6.0 (PR #1606) to 7.4 (the official baseline), public int6 runs about 5.3 (PR #102)."""
LOW_BITS_AMAX: dict[Scheme, float] = {"int8": 2.0, "int7": 2.0, "int6": 3.5, "int5": 2.5, "int4": 1.5}
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


def forecast_bytes(config: GolfConfig, code_bytes: int, steps: float | None = None) -> SizeForecast:
    """Total bytes (code + artifact) of a configuration; steps: how many its run makes, None where nobody knows."""
    shapes, least = parameter_shapes(config.model), least_bits(config.export)
    weights: dict[Scheme, int] = {}
    low, high = float(code_bytes), float(code_bytes + CONTAINER_BYTES)
    for name, scheme in schemes(config.model, config.export).items():
        numel, size = prod(shapes[name]), stored_bytes(scheme, shapes[name], config.export)
        if scheme in LEVELS:
            weights[scheme] = weights.get(scheme, 0) + numel
        if scheme in BITS and scheme in LEVELS:
            low += numel * least[scheme] / 8
            high += numel * (BITS[scheme] + ABOVE_BITS) / 8 + 4 * (shapes[name] or (1,))[0]
        elif scheme != "step":
            low += size / 4
            high += size
    if config.export.solves_step:
        finest = replace(config.export.step, size=config.export.step.finest)
        likely = expected_artifact(replace(config, export=replace(config.export, step=finest)), steps)
    else:
        likely = expected_artifact(config, steps)
    parts = ", ".join(
        f"{likely.bits[scheme]:.3g} ({least[scheme]:g} to {BITS[scheme] + ABOVE_BITS:g}) bits for each of "
        f"{count:,} {scheme} weights"
        for scheme, count in weights.items()
        if scheme in BITS
    )
    expected = code_bytes + likely.bytes
    if config.export.solves_factor:
        cap = config.export.step.cap_bytes
        basis = f"one factor on all row scales is solved for, to take at most {cap:,} bytes"
        lowest = max(low, min(WINDOW * cap, high))
        return between(lowest, max(min(cap, high), lowest), min((1 + WINDOW) / 2 * cap, high), basis)
    if "step" in weights:
        return on_steps(config.export, weights["step"], low, high, parts, expected)
    return between(low, high, expected, f"{parts}, {told(steps)}" if parts else "no quantised weight")


def told(steps: float | None) -> str:
    """What the likeliest bits are, and how far they are to be trusted."""
    made = "" if steps is None else f" after about {counted(rough(steps), 'step')}"
    trusted = f"8 public runs ended within {100 * TRUSTED:g} % of it, short ones further off"
    return f"the entropy of Gaussian rows{made}; {trusted}"


def rough(steps: float) -> int:
    """Two digits of a number that is not known better."""
    return max(1, int(float(f"{steps:.2g}")))


def forecast_job(job: JobSpec, code_bytes: int, hardware: Hardware, nproc: int) -> SizeForecast:
    """Total bytes of a job of ours on a kind of node, after as many steps as it is likely to make there."""
    return forecast_bytes(job.config, code_bytes, usual_steps(job, hardware, nproc))


def told_bytes(forecast: SizeForecast) -> str:
    """`about 15.9 MB: 15,876,401 bytes (4,313,922 to 17,606,110 bytes)`."""
    interval = f"{forecast.low:,} to {forecast.high:,} bytes"
    if forecast.expected is None:
        return interval
    return f"about {forecast.expected / 1e6:.3g} MB: {forecast.expected:,} bytes ({interval})"


def against_cap(forecast: SizeForecast, cap: int) -> str:
    """What the likeliest size says of the cap; '' where it is well below."""
    likely = forecast.expected
    if likely is None or forecast.high <= cap or likely < (1 - TRUSTED) * cap:
        return ""
    return "likely over it" if likely > (1 + TRUSTED) * cap else "too near to tell on which side"


def between(low: float, high: float, expected: float, basis: str) -> SizeForecast:
    """An interval and what is likeliest in it."""
    return SizeForecast(
        low=int(low), high=int(high), basis=basis, expected=int(min(max(expected, int(low)), int(high)))
    )


def on_steps(export: ExportConfig, count: int, low: float, high: float, others: str, expected: float) -> SizeForecast:
    """The forecast where `count` weights lie on a uniform grid; low, high: bytes of all else.

    expected: all bytes at the configured step, or at the finest where it is solved for.
    """
    coarsest, finest, most = (count * bits / 8 for bits in STEP_BITS)
    basis = f"{count:,} weights with a step of {export.step.size:g}"
    if export.solves_step:
        cap = export.step.cap_bytes
        basis = f"the step of {count:,} weights is solved for, to take at most {cap:,} bytes"
        least = max(low + coarsest, min(WINDOW * cap, low + finest))
        most = max(min(cap, high + most), least)
        expected = min(expected, (1 + WINDOW) / 2 * cap)
    else:
        least, most = low + coarsest, high + most
    return between(least, most, expected, f"{basis}; {others}" if others else basis)
