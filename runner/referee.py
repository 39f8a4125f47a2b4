"""Which referee this is: one hash over its own sources. What follows from them, and not from evidence, may differ
between two of them: forecasts, sources of techniques, prices."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGES = ("golf_model", "runner")


@cache
def referee_sha256() -> str:
    """Hex SHA-256 over names and contents of all modules that plan, run and judge."""
    root, digest = Path(__file__).resolve().parent.parent, hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()
