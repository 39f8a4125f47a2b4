"""Which number of a README is its claim: one at a place that says it is this entry's score; else none is.

A place is a title, a line that gives bits per byte a value (`val_bpb: 1.1234`, `Score **1.21** bits per
byte`), or a mean of
scores. What is said of others, of plans and of differences is passed over, and so is everything that only
looks like a
score: a momentum, a weight decay, a temperature.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runner.audit.claims.shown import Shown

BPB = r"(?:val[_ ]?bp[bp]|bp[bp]|bits[ -]per[ -]byte)"
VALUE = re.compile(
    rf"\b{BPB}\b[^\n|]{{0,40}}?(?:[:=≈]|\bof\b|\bis\b|\bat\b|^)[\s*`~≈_]{{0,6}}(?P<after>[0-9]\.\d{{2,10}})(?![\d.])"
    rf"|\b{BPB}\b[\s*`_]{{1,6}}(?P<bare>[0-9]\.\d{{3,10}})(?![\d.])"
    rf"|(?P<before>(?<![\d.+−±-])[0-9]\.\d{{3,10}})(?![\d.])[\s*`_]{{0,6}}(?:mean )?\(?(?:mean )?{BPB}\b",
    re.IGNORECASE,
)
ROW = re.compile(
    rf"^\|[\s*_`]{{0,6}}(?:(?:final |mean |our |submission |submitted |post[-_ ]?(?:quant|ttt) |3-seed "
    rf"mean ){{0,2}}{BPB}[^|]{{0,40}}"
    r"|(?:\d-seed )?mean|average|avg)[\s*_`]{0,6}\|(?P<cells>.*)$",
    re.IGNORECASE,
)
SCORE = re.compile(r"(?<![\d.+−±-])[0-9]\.\d{3,10}(?![\d.])")
OTHERS = re.compile(
    r"\b(?:target|goal|expect\w*|project(?:ed|ion)|predict\w*|estimat\w*|plan\w*|would|should|could|hop(?:e|ing)|aim\w*|baseline"
    r"|sota|prior|previous\w*|merged|leader\w*|record|parent|upstream|lineage|reference|improv\w*|gain\w*|gap|delta|diff\w*|worse|better"
    r"|vs|versus|compared|than|from|reduc\w*|threshold|momentum|decay|lr|temperature|beta\d?|pre[-_ "
    r"]?quant\w*|before|without|if"
    r"|tax|cost|saves?|ablat\w*|naive|control|penalt\w*)\b|Δ|\b(?:PR ?)?#\d{2,4}\b|−0\.|\+0\.|\bstd\b(?=[^(]{0,10}$)",
    re.IGNORECASE,
)
LEAST, MOST = 0.01, 8.0
"""Bits per byte of a text; what lies outside is another number."""
BELOW_TITLE = 60
"""Lines of a README that can announce its score; what follows tells of details."""


def headline_of(lines: Sequence[str], name: str) -> Shown | None:
    """The score that a README says is its entry's, or None."""
    found: list[tuple[int, Shown]] = []
    fenced = False
    for number, line in enumerate(lines[:400], 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if len(line) > 600 or fenced:
            continue
        where = f"{name}:{number}"
        row = ROW.match(line)
        if row:
            scores = [Shown(match[0], where) for match in SCORE.finditer(row["cells"])]
            if len(scores) == 1 and _plausible(scores[0]):
                found.append((2, scores[0]))
            continue
        for match in VALUE.finditer(line):
            value = match["after"] or match["bare"] or match["before"]
            if match["before"] and re.search(r"loss\W{0,4}$", line[: match.start("before")], re.IGNORECASE):
                continue
            around = f"{line[max(0, match.start() - 60) : match.end()]}{line[match.end() : match.end() + 12]}"
            if OTHERS.search(_sentence(around)):
                continue
            shown = Shown(value, where)
            if _plausible(shown):
                found.append((_rank(line, number), shown))
    plain = [one for one in found if one[0] < IN_PROSE]
    return min(plain, key=lambda one: one[0])[1] if plain else None


IN_PROSE = 3
"""The rank of a number in running text: it may be anything's."""


def _rank(line: str, number: int) -> int:
    """How plainly a line announces the score of the whole entry; smaller is plainer."""
    mean = re.search(r"\bmean\b|\bavg\b|\baverage", line, re.IGNORECASE) is not None
    title = line.startswith("#") or line.lstrip("> ").startswith("**") or number <= 12
    return (
        (0 if mean else 1) if title and number <= BELOW_TITLE else 2 if mean and number <= BELOW_TITLE else IN_PROSE
    )


def _sentence(text: str) -> str:
    """The last sentence or clause of `text`."""
    return re.split(r"(?<=[a-z)])[.;] |\|", text)[-1]


def _plausible(number: Shown) -> bool:
    return LEAST < number < MOST
