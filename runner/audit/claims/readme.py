"""What a README states of its own results: headline, means, deviations, seed tables, where training stopped.

Only statements that can be recognised for what they are; prose is not understood. Nothing is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from runner.audit.claims.headline import headline_of
from runner.audit.claims.seed_claims import SeedClaim, seeds_in_words
from runner.audit.claims.seed_tables import DECIMAL, count, seed_claims
from runner.audit.claims.shown import Shown
from runner.audit.reading.text import read_text

LARGEST = 1 << 20
BPB = re.compile(r"\bval\\?_bpb|\bbp[bp]\b|bits[ -]per[ -]byte", re.IGNORECASE)
MEAN = re.compile(r"\bmean\b|\bavg\b|\baverage", re.IGNORECASE)
DEVIATION = re.compile(
    r"(?:\bstd\b|\bstdev\b|\bstandard deviation|σ)[^\d\n|]{0,20}(0\.\d{2,12})|±\s?(0\.\d{2,12})", re.IGNORECASE
)
UNIT = r"(?:s|sec\w*|ms|min\w*|h|hours?|[MG]i?B|bytes|k|M|B)\b"
STOPPED = re.compile(
    r"\b(?:stop\w*|ended|finished|reached|completed)\b[^\n\d]{0,40}?(?:step|at)\s?[`*:]{0,3}([\d,]{3,9})(?![\d,.]*\d)(?!\s?"
    + UNIT
    + r")"
    r"|\bsteps?\s?:?[*`\s]{0,4}([\d,]{3,9})[*`]{0,3}\s?/\s?[\d,]{4,9}\b|([\d,]{3,9})[*`]{0,3}\s?/\s?[\d,]{4,9}[*`]{0,3}\s+steps\b"
    r"|\b(?:stop\w*|ended)\b[^\n\d]{0,20}?[`*]{1,3}([\d,]{3,9})\s?/\s?[\d,]{4,9}[`*]{1,3}"
    r"|(~?\d{1,3},\d{3}|~?\d{4,6})[*`]{0,3}\s+(?:training |total |optimizer )?steps\b[*`]{0,3}\s?(?:\("
    r"|at |@|in |× |x )",
    re.IGNORECASE,
)
NOT_ITS_STEPS = re.compile(
    r"\bvs\b|baseline|\bPRs? ?#?\d|#\d{3,4}\b|faster|slower|fewer|instead|compared|ablat|would|could"
    r"|planned|target|warm-?(?:up|down)"
    r"|\bevery\b|\bper\b|\bif\b|previous|prior|without|config|experiment|\bextra\b|\bmore\b|\bless\b|only\b|yield|swa\b|qat\b|ema\b|start|first"
    r"|\blast\b|after|before|until|from|smoke|local|proxy|probe|\bM[1-4]\b|MLX|4090|3090|A100|1x ?H100|1×H100",
    re.IGNORECASE,
)
"""What stands around a number of steps that is another run's, a plan's, or a point on the way."""
TOTAL = re.compile(r"\btotal\b|\bartifact|\bsubmission size", re.IGNORECASE)
SIZE = re.compile(r"(?<![\d.,])(?:\d{1,2},\d{3},\d{3}|\d{7,8})(?![\d,]|\s?(?:param|token|step))")
NO_SIZES = {16_000_000, 16_777_216}
"""The cap, in both readings."""
LINK = re.compile(r"\]\([^)\s]{1,400}\)|https?://\S{1,400}")


@dataclass(frozen=True)
class Readme:
    """What README says; all empty where there is none."""

    file: str | None = None
    bpbs: tuple[Shown, ...] = ()
    """Every number on a line about bits per byte, or in a column about them."""
    means: tuple[Shown, ...] = ()
    deviations: tuple[Shown, ...] = ()
    steps: tuple[Shown, ...] = ()
    """Where it says that training stopped."""
    totals: tuple[Shown, ...] = ()
    """Exact sizes on lines about the whole entry."""
    per_seed: tuple[SeedClaim, ...] = ()
    n_seeds: int | None = None
    headline: Shown | None = None
    """The score at a place that says it is this entry's."""
    words: str = ""


def read_readme(path: Path, name: str) -> Readme:
    """Read the README at `path`."""
    return understand(read_text(path, LARGEST), name)


def understand(text: str, name: str) -> Readme:
    """What the text of a README states."""
    lines = [
        LINK.sub("] ", line[:2000]).replace("\\_", "_").replace("\\~", "~") for line in text.splitlines()[:20_000]
    ]
    bpbs: list[Shown] = []
    means: list[Shown] = []
    deviations: list[Shown] = []
    steps: list[Shown] = []
    totals: list[Shown] = []
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        decimals = [Shown(match[0], where) for match in DECIMAL.finditer(line)]
        if BPB.search(line):
            bpbs += decimals
        if MEAN.search(line):
            means += decimals
        deviations += [Shown(match[1] or match[2], where) for match in DEVIATION.finditer(line)]
        if re.match(r"^\W{0,6}std", line, re.IGNORECASE):
            deviations += [Shown(match[0], where) for match in re.finditer(r"0\.\d{2,12}", line)]
        if TOTAL.search(line) and re.search("bytes", line, re.IGNORECASE):
            found = (Shown(match[0], where) for match in SIZE.finditer(line))
            totals += [size for size in found if int(size) not in NO_SIZES]
        for match in STOPPED.finditer(line):
            if NOT_ITS_STEPS.search(line[max(0, match.start() - 80) : match.end() + 40].replace(match[0][:8], "", 1)):
                continue
            shown = next(group for group in match.groups() if group)
            steps.append(count(shown, where))
    per_seed = tuple(seed_claims(lines, name))
    bpbs += [bpb for claim in per_seed for bpb in claim.bpbs]
    headline = headline_of(lines, name)
    return Readme(
        file=name,
        headline=headline,
        bpbs=tuple(bpbs),
        means=tuple(means),
        deviations=tuple(deviations),
        steps=tuple(step for step in steps if step >= 10),
        totals=tuple(totals),
        per_seed=per_seed,
        n_seeds=seeds_in_words(text, headline),
        words=text[:LARGEST],
    )
