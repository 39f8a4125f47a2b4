"""What a script printed, made fit to be shown: no escape reaches a terminal, no control character a report."""

from __future__ import annotations

SHOWN = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)], "\N{REPLACEMENT CHARACTER}")
"""C0 and C1 controls but for tab and line's end."""


def printable(text: str) -> str:
    """The text with every control character replaced; a carriage return at its end belongs to the line's end."""
    return text if text.isprintable() else text.rstrip("\r").translate(SHOWN)


def printable_bytes(line: bytes) -> bytes:
    """The same for a line of a log, with its end."""
    return printable(line.decode("utf-8", "replace").replace("\r\n", "\n")).encode()


def cut(text: str, most: int = 120) -> str:
    """Text from outside for a message: printable, on one line, not longer than `most` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."
