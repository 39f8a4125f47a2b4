"""How many bytes script and artifact will take, before anything has run: an interval and what it rests on.

Preflight refuses a job only when the LOW end is over the cap, so the low end must be safe to refuse by. The
sizes of raw tensors say nothing (the baseline's are 17.2 MB and its artifact fits); what counts is how many
bits zlib leaves of each quantised weight.
"""

from __future__ import annotations

from golf_model.config import GolfConfig
from golf_model.shapes import stored_elements
from runner.results import SizeForecast

LOW_BITS, HIGH_BITS = 2.0, 8.05
"""Bits per int8 weight after zlib. Untrained matrices need about 3.5 and 1.5 (embedding), public runs 6.0 (PR
#1606) to 7.4 (the official baseline); 2.0 is under any trained model seen, 8.05 is incompressible."""
CONTAINER_BYTES = 1 << 16
"""Most that torch.save's names and headers add."""


def forecast_bytes(config: GolfConfig, code_bytes: int) -> SizeForecast:
    """Total bytes (code + artifact) for int8 + zlib."""
    stored = stored_elements(config.model, config.export)
    floats = 2 * stored.float16 + 4 * stored.float32
    low = stored.int8 * LOW_BITS / 8 + floats / 4
    high = stored.int8 * HIGH_BITS / 8 + floats + CONTAINER_BYTES
    return SizeForecast(
        low=code_bytes + int(low),
        high=code_bytes + int(high),
        basis=(
            f"{LOW_BITS:g} to {HIGH_BITS:g} bits for each of {stored.int8:,} int8 weights; public int8 + zlib runs "
            "ended between 6.0 and 7.4"
        ),
    )
