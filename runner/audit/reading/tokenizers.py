"""Tokenizers of the challenge by their constants: val_loss / val_bpb on FineWeb's validation text.

The ratio is ln 2 times the text's bytes per token, so it hangs on tokenizer and text alone, and a score with another
ratio was computed from another number of bytes or tokens. CaseOps is the lossless recoding with 8,192 pieces.
Nothing is said of other tokenizers or texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

RATIOS = {"sp1024": 1.6884, "sp4096": 2.3011, "sp8192": 2.5831, "CaseOps": 2.1884}
TOKENS = {"sp1024": 62_021_845, "sp4096": 45_514_752, "sp8192": 40_548_352, "CaseOps": 47_853_343}
"""Tokens of FineWeb's validation text under each; scorers leave the last, incomplete sequence out."""
CASEOPS = re.compile(r"case[_-]?ops", re.IGNORECASE)
VOCABULARY = re.compile(r"sp(\d{3,6})")
DATA = re.compile(r"fineweb\w{0,40}?_sp(\d{3,6})|fineweb_(\d{3,6})_bpe|fineweb\w{0,60}?case[_-]?ops", re.IGNORECASE)


def marks_in(text: str) -> set[str]:
    """Tokenizers by which FineWeb is said to be cut, as names of data sets and models tell it."""
    found = set()
    for match in DATA.finditer(text[:200_000]):
        rest = text[match.start() : match.end() + 80].split()[0]
        vocabulary = VOCABULARY.search(rest)
        size = match[1] or match[2] or (vocabulary[1] if vocabulary else None)
        found.add(f"CaseOps{'' if size in (None, '8192') else size}" if CASEOPS.search(rest) else f"sp{size}")
    return found


def tokenizer_of(marks: Collection[str], words: str) -> str | None:
    """The one tokenizer that the log names, else that the record's text names; None if none is, or several are."""
    names = set(marks) or marks_in(words)
    caseops = {name for name in names if name.startswith("CaseOps")}
    if caseops:  # the plain data set beside it is where the text was taken from
        return "CaseOps" if caseops == {"CaseOps"} and names <= {"CaseOps", "sp8192"} else None
    return next(iter(names)) if len(names) == 1 and names <= RATIOS.keys() else None
