"""What a script hands to Python beside its own text, and what of it could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """Code that was worked out: its text, where and how it is handed over, how it was decoded."""

    content: bytes | str
    layer: int
    """The number of the layer that hands it over."""
    line: int
    how: str
    steps: tuple[str, ...]
    namespace: dict[str, Any]
    name: str
    """Of the module or file that it is to be; empty where nobody says."""
    module: str = ""
    """Of the module whose names it fills."""


@dataclass(frozen=True)
class Unread:
    """A place where code or bytes come in that are not read."""

    layer: int
    line: int
    why: str
