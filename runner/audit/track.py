"""Which track a record is for, and whether the ten-minute clocks bind a run of it.

submission.json or the folder's path says so. Where both are silent the timed track is assumed: that is where records
go. A record that calls itself non-record, or names other hardware, is held to the clock only where a run of eight
GPUs stops within a tenth of it: such a run was made for it.
"""

from __future__ import annotations

import re

from runner.audit.facts import LIMIT_S
from runner.job.tracks import TRACKS

CAP_BYTES = TRACKS["10min_16mb"].cap_bytes
NEAR = 1.1
GPUS = 8
"""The timed track's node."""
TIMED = re.compile(r"10[ _-]?min", re.IGNORECASE)
NON_RECORD = re.compile(r"non[ _-]?record|unlimited|not an? record|local", re.IGNORECASE)
OTHER_HARDWARE = re.compile(
    r"\b1\s?[x×]\s?(?:H100|A100|H200)|\bRTX\b|\b[345]090\b|\bMLX\b|\bDGX Spark\b|\bGB10\b|\bApple\b|\bCPU-only\b",
    re.IGNORECASE,
)


def track_of(said: str | None, folder: str) -> str | None:
    """The track as submission.json names it, else as the path does; None where neither says."""
    if said:
        return said
    match = re.search(r"track_(\w{3,40}?)(?:/|$)", folder)
    return match[1] if match else None


def timed(track: str | None, words: str, seconds: float, gpus: int | None) -> bool:
    """Whether a clock of 600 s binds a run that trained for `seconds` on `gpus`."""
    if track is not None:
        if NON_RECORD.search(track):
            return False
        if TIMED.search(track):
            return True
    if NON_RECORD.search(words) or OTHER_HARDWARE.search(words):
        return seconds <= LIMIT_S * NEAR and (gpus is None or gpus == GPUS)
    return True


def floors(track: str | None) -> tuple[float, float]:
    """Bits per byte under which a score is not believed, and under which it is doubted.

    The best accepted record of the timed track has 1.061; models that trained for hours reach 1.03 with the
    same 16 MB. 15 %
    less than the record is 0.90. A record without a clock may be a twentieth better.
    """
    if track is not None and NON_RECORD.search(track):
        return 0.85, 0.90
    return 0.90, 0.95
