"""What is said of single seeds: in objects keyed by seed, in lists of objects that name theirs, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runner.audit.claims.flat import place, plain_key, walk
from runner.audit.claims.shown import WORDS, Shown, number_in
from runner.audit.claims.submission_keys import ELSEWHERE, SEED_KEY, STEPS, TIED, TOTALS

NO_SCORES = re.compile(r"loss|time|ms$|second|std|delta|param|pre_?(?:quant|ttt)|gain|gap|code|model")
"""Keys above a seed's number that is not its score."""


@dataclass(frozen=True)
class SeedClaim:
    """What is said of one seed."""

    seed: int
    tag: str
    """As it is written, e.g. `2024_5pct`."""
    where: str
    bpbs: tuple[Shown, ...] = ()
    """Every number that could be its score."""
    steps: tuple[Shown, ...] = ()
    bytes: tuple[Shown, ...] = ()


def seed_claims(value: Any, path: tuple[str, ...], depth: int) -> Iterator[SeedClaim]:
    """What is said of single seeds: objects keyed by seed, and lists of objects that name theirs."""
    if depth > 5:
        return
    if isinstance(value, dict):
        named = path and "seed" in path[-1]
        for key, child in list(value.items())[:500]:
            match = SEED_KEY.match(str(key))
            if match and (named or str(key).lower().startswith("seed")) and isinstance(child, (dict, float, str)):
                above = path[-1] if path else ""
                yield _seed_claim(int(match[1]), str(key), child, place((*path, str(key))), above)
            elif not ELSEWHERE.search(plain_key(str(key))):
                yield from seed_claims(child, (*path, plain_key(str(key))), depth + 1)
    elif isinstance(value, list):
        for child in value[:500]:
            seed = number_in(child.get("seed")) if isinstance(child, dict) else None
            if seed is not None and seed >= 0 and float(seed).is_integer():
                yield _seed_claim(int(seed), str(int(seed)), child, place((*path, str(int(seed)))))


def _seed_claim(seed: int, tag: str, value: Any, where: str, of: str = "") -> SeedClaim:
    """A claim about one seed; `of` is the key above a bare number, which says what it is."""
    if not isinstance(value, dict):
        number = number_in(value, where)
        if number is None or NO_SCORES.search(of):
            return SeedClaim(seed, tag, where)
        if number >= 10_000 and re.search("byte|size|artifact|total", of):
            return SeedClaim(seed, tag, where, bytes=(number,))
        if number >= 10 and "step" in of:
            return SeedClaim(seed, tag, where, steps=(number,))
        return SeedClaim(seed, tag, where, bpbs=(number,) if number < 20 else ())
    pairs = [(path[-1], number_in(child, f"{where}.{path[-1]}")) for path, child in walk(value, ())]
    numbers = [(key, number) for key, number in pairs if number is not None]
    return SeedClaim(
        seed,
        tag,
        where,
        bpbs=tuple(n for key, n in numbers if ("bpb" in key or key == "score") and not TIED.search(key) and n > 0),
        steps=tuple(number for key, number in numbers if key in STEPS),
        bytes=tuple(number for key, number in numbers if key in TOTALS and number >= 10_000),
    )


SEED_WORDS = re.compile(
    r"\b(\d{1,2}|two|three|four|five|six|seven|eight|ten)[- ]"
    r"(?:independent |random |training |valid |different )?seeds?\b"
    r"(?!\s?\d)",
    re.IGNORECASE,
)
NOT_YET = re.compile(
    r"pending|todo|\btbd\b|need|future|plan|will\b|await|not yet|would|require|missing|only one"
    r"|remaining|next step|if\b|budget|proper"
    r"|recommend",
    re.IGNORECASE,
)
OTHERS = re.compile(
    r"\bPRs? ?#?\d|#\d{3,4}\b|baseline|reference|sota\b|prior|previous|compar|reported|record|source"
    r"|alternative|negative|\balso\b|without"
    r"|ablation|config(?:uration)?s\b|matrix|proxy|base config|upstream|parent|leader|blackwell|h200"
    r"|matched|not seed",
    re.IGNORECASE,
)
OF_RESULTS = re.compile(r"mean|avg|average|\bstd\b|across|over|results?\b|valid", re.IGNORECASE)


def seeds_in_words(text: str, headline: Shown | None = None) -> int | None:
    """How many seeds a text says that its own result is over ("3-seed mean", "mean of three seeds").

    Only a sentence counts that speaks of a result and not of plans, of other entries or of side experiments;
    one that gives
    the `headline` counts first.
    """
    found: list[tuple[int, int]] = []
    for match in SEED_WORDS.finditer(text[:200_000]):
        start, end = max(0, match.start() - 90), match.end() + 60
        before = re.split(r"\n|(?<=[a-z)])\. |; |\|", text[start : match.start()])[-1]
        after = re.split(r"\n|(?<=[a-z)])\. |; |\|", text[match.start() : end])[0]
        around = before + after
        if NOT_YET.search(around) or OTHERS.search(around) or not OF_RESULTS.search(around):
            continue
        line_end = text.find("\n", match.end())
        line = text[text.rfind("\n", 0, match.start()) + 1 : line_end if line_end >= 0 else len(text)][:600]
        same = headline is not None and any(headline.stands_for(float(one)) for one in DECIMALS.findall(line))
        found.append((0 if same else 1, WORDS.get(match[1].lower()) or int(match[1])))
    return min(found, key=lambda one: one[0])[1] if found else None


DECIMALS = re.compile(r"\b\d\.\d{3,10}\b")
