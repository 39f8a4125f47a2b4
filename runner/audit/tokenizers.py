"""Tokenizers of the challenge by their constant: val_loss / val_bpb on FineWeb's validation text.

The ratio is ln 2 times the text's bytes per token, so it hangs on tokenizer and text alone, and a score whose ratio is
another was computed from another number of bytes or tokens. Nothing is said of other tokenizers or texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

RATIOS = {"sp1024": 1.6884, "sp4096": 2.3011, "sp8192": 2.5831, "CaseOps": 2.1884}
CASEOPS = re.compile(r"case[_-]?ops", re.IGNORECASE)
DATA = re.compile(
    r"fineweb\w{0,40}?_sp(\d{3,6})(\w{0,60})|fineweb_(\d{3,6})_bpe(\w{0,60})|\bsp(\d{4})\b", re.IGNORECASE
)


def marks_in(text: str) -> list[str]:
    """Names of tokenizers that stand in a line about data."""
    return [
        "CaseOps" if CASEOPS.search(text) else f"sp{match[1] or match[3] or match[5]}"
        for match in DATA.finditer(text[:2000])
    ]


def tokenizer_of(marks: Collection[str], words: str) -> str | None:
    """The one tokenizer that the log names, else the one that the record's text names; None if none, or several."""
    if not marks:
        found = set(marks_in(words[:2000])) | {
            f"sp{match[1]}" for match in re.finditer(r"\bsp(\d{4})\b", words, re.IGNORECASE)
        }
        marks = {"CaseOps"} if CASEOPS.search(words) else found
    if "CaseOps" in marks:
        return "CaseOps"
    names = set(marks)
    return next(iter(names)) if len(names) == 1 and names <= RATIOS.keys() else None
