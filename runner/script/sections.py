"""The sections of a flat source: each begins at its banner, and is a source of its own.

Scripts of different configurations have most of theirs in common, so what is made of one is kept.
"""

from __future__ import annotations

import re

BANNER = "# ---- "
_BEFORE_A_BANNER = re.compile(f"\n(?={BANNER})")
KEPT = 256
"""Sections to remember; a script of ours has at most 80."""


def sections(source: str) -> list[str]:
    """Its parts, to be joined by a line's end again; the first is what stands before all banners."""
    return _BEFORE_A_BANNER.split(source)
