"""submission.json as its author wrote it: any keys, numbers as text, seeds in any shape, or not JSON at all.

What is looked for is a table of key names in the order they count. Nothing is checked against a log here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.audit.claims.flat import Flat, about_others, place, plain_key, walk
from runner.audit.claims.seed_claims import SeedClaim, seed_claims, seeds_in_words
from runner.audit.claims.shown import Shown, number_in
from runner.audit.claims.submission_keys import (
    ANY_BPB,
    ANY_DEVIATION,
    ANY_MEAN,
    ANY_TOTAL,
    CODES,
    DEVIATIONS,
    HEADLINES,
    MEANS,
    MEGABYTES,
    NO_DEVIATION,
    NO_TOTAL,
    NO_TOTAL_MB,
    SEED_COUNTS,
    SEED_KEY,
    SEED_LISTS,
    STEPS,
    TIED,
    TOTALS,
)
from runner.audit.reading.text import read_text

LARGEST = 4 << 20
PARTS = ("mean", "avg", "average", "value", "final", "result", "score", "exact")
"""Keys of the whole in an object that stands where the score is wanted."""
TRAILING_COMMA = re.compile(r",(\s{0,1000}[}\]])")


class NotNumber(str):
    """NaN or infinity in the JSON, by its name."""


@dataclass(frozen=True)
class Submission:
    """What submission.json says; all empty where there is none."""

    file: str | None = None
    problem: str | None = None
    """Why it cannot be read."""
    track: str | None = None
    headline: Shown | None = None
    means: tuple[Shown, ...] = ()
    deviations: tuple[Shown, ...] = ()
    total: Shown | None = None
    megabytes: Shown | None = None
    """The size of the whole, where it is given in megabytes."""
    code: Shown | None = None
    models: tuple[Shown, ...] = ()
    steps: tuple[Shown, ...] = ()
    seeds: tuple[str, ...] = ()
    """The seeds that count, as they are written."""
    n_seeds: int | None = None
    per_seed: tuple[SeedClaim, ...] = ()
    says_none: bool = False
    not_a_number: str | None = None
    """The place of a score that is written as NaN or infinity."""
    """Whether it has the headline's key, and null under it."""
    val_loss: Shown | None = None
    words: str = ""
    """All its text, for what stands in no key of its own."""


def read_submission(path: Path, name: str) -> Submission:
    """Read the file at `path`; a broken one comes back with its `problem`."""
    if path.stat().st_size > LARGEST:
        return Submission(file=name, problem=f"larger than {LARGEST:,} bytes")
    text, problem = read_text(path, LARGEST), None
    try:
        data = _loads(text)
    except (ValueError, RecursionError) as error:
        problem = str(error)[:200] or type(error).__name__
        try:  # a reader's eye forgives a comma: what is claimed can still be held against the logs
            data = _first_value(TRAILING_COMMA.sub(r"\1", text))
        except (ValueError, RecursionError):
            return Submission(file=name, problem=problem)
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return Submission(file=name, problem=problem or f"holds {type(data).__name__}, not an object")
    return replace(_understand(data, name), problem=problem)


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=Shown, parse_constant=_no_number)


def _first_value(text: str) -> Any:
    """The JSON value that a text begins with, whatever follows; a fence may stand before it."""
    start = text.find("{")
    decoder = json.JSONDecoder(parse_float=Shown, parse_constant=_no_number, strict=False)
    return decoder.raw_decode(text, start if start >= 0 else 0)[0]


def _no_number(name: str) -> NotNumber:
    return NotNumber(name)


def _understand(data: dict[str, Any], name: str) -> Submission:
    flat, words = Flat(), []
    for path, value in walk(data, ()):
        flat.pairs.append((path, value))
        if isinstance(value, str):
            words.append(value[:2000])
    text = "\n".join(words)
    per_seed = tuple(seed_claims(data, (), 0))
    seeds, count = _seeds(data, flat, per_seed)
    total = flat.first(TOTALS)
    if total is None or total < 10_000:
        total = flat.like(ANY_TOTAL, NO_TOTAL)
    headline = flat.of_object(HEADLINES[:3], PARTS) or flat.first(HEADLINES)
    if headline is None:
        headline = flat.like(ANY_MEAN, TIED) or flat.like(ANY_BPB, TIED)
    return Submission(
        file=name,
        track=_text(data, "track"),
        headline=_between(headline, 0, 100),
        means=tuple(number for number in flat.all(MEANS, ANY_MEAN) if 0 < number < 100),
        deviations=tuple(number for number in flat.all(DEVIATIONS, ANY_DEVIATION, NO_DEVIATION) if 0 <= number < 1),
        total=total if total is not None and total >= 10_000 else None,
        megabytes=_between(flat.like(MEGABYTES, NO_TOTAL_MB), 1, 100),
        code=flat.first(CODES),
        models=tuple(
            number
            for path, value in flat.pairs
            if len(path) == 1
            and path[0].startswith(("bytes_model", "model_bytes"))
            and (number := number_in(value, place(path)))
        ),
        steps=tuple(number for number in flat.all(STEPS) if number >= 10),
        seeds=seeds,
        n_seeds=count if count is not None else seeds_in_words(text),
        per_seed=per_seed,
        not_a_number=next(
            (
                place(path)
                for path, value in flat.pairs
                if _is_nan(value) and ANY_BPB.search(path[-1]) and not about_others(path)
            ),
            None,
        ),
        says_none=headline is None
        and any(name in data and (data[name] is None or _is_nan(data[name])) for name in HEADLINES),
        val_loss=flat.first(("val_loss",)),
        words=text,
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, NotNumber) or (
        isinstance(value, str) and value.strip().lower() in ("nan", "inf", "infinity")
    )


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value.strip()[:200] if isinstance(value, str) and value.strip() else None


def _between(number: Shown | None, low: float, high: float) -> Shown | None:
    return number if number is not None and low < number < high else None


def _seeds(data: dict[str, Any], flat: Flat, per_seed: tuple[SeedClaim, ...]) -> tuple[tuple[str, ...], int | None]:
    """Which seeds count, and how many are claimed."""
    keys = {plain_key(str(key)): value for key, value in data.items()}
    for name in SEED_LISTS:
        value = keys.get(name)
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}(?:\s*[,;/ ]\s*\d{1,9})+\s*", value[:400]):
            value = re.findall(r"\d+", value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 20 and name == "seeds":
            return tuple(dict.fromkeys(claim.tag for claim in per_seed)), value
        if isinstance(value, (list, dict)) and value:
            written = [
                str(item["seed"]) if isinstance(item, dict) and "seed" in item else str(item) for item in value
            ]
            known = tuple(tag[:40] for tag in written[:500] if SEED_KEY.match(tag))
            if known:
                return known, len(known)
    counted = flat.first(SEED_COUNTS)
    tags = tuple(dict.fromkeys(claim.tag for claim in per_seed))
    if counted is not None and 0 < counted < 1000:
        return tags, int(counted)
    scores = next((v for k, v in keys.items() if "seed" in k and isinstance(v, list) and len(v) > 1), None)
    if tags:
        return tags, len(tags)
    return (), len(scores) if scores else None
