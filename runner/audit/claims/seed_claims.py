"""What is said of single seeds: in objects keyed by seed, in lists of objects that name theirs, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runner.audit.claims.flat import place, plain_key, walk
from runner.audit.claims.shown import WORDS, Shown, number_in
from runner.audit.claims.submission_keys import ELSEWHERE, SEED_KEY, STEPS, TIED, TOTALS


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
                yield _seed_claim(int(match[1]), str(key), child, place((*path, str(key))))
            elif not ELSEWHERE.search(plain_key(str(key))):
                yield from seed_claims(child, (*path, plain_key(str(key))), depth + 1)
    elif isinstance(value, list):
        for child in value[:500]:
            seed = number_in(child.get("seed")) if isinstance(child, dict) else None
            if seed is not None and seed >= 0 and float(seed).is_integer():
                yield _seed_claim(int(seed), str(int(seed)), child, place((*path, str(int(seed)))))


def _seed_claim(seed: int, tag: str, value: Any, where: str) -> SeedClaim:
    if not isinstance(value, dict):
        number = number_in(value, where)
        return SeedClaim(seed, tag, where, bpbs=(number,) if number is not None and number < 20 else ())
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


def seeds_in_words(text: str) -> int | None:
    """How many seeds a text says that a result is over ("3-seed mean", "mean of three seeds")."""
    for match in SEED_WORDS.finditer(text[:200_000]):
        around = text[max(0, match.start() - 60) : match.end() + 40].lower()
        if re.search(
            r"pending|todo|need|future|plan|will\b|await|not yet|would|require|missing|only one|remaining", around
        ):
            continue
        if re.search(r"mean|avg|average|std|across|over|result|valid", around):
            return WORDS.get(match[1].lower()) or int(match[1])
    return None
