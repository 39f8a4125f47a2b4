"""submission.json as its author wrote it: any keys, numbers as text, seeds in any shape, or not JSON at all.

What is looked for is a table of key names in the order they count. Nothing is checked against a log here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.audit.shown import WORDS, Shown, number_in
from runner.audit.text import read_text

LARGEST = 4 << 20
MOST_VALUES = 20_000

HEADLINES = (
    "val_bpb",
    "mean_val_bpb",
    "val_bpb_mean",
    "mean_bpb",
    "bpb_mean",
    "bpb",
    "final_val_bpb",
    "final_bpb",
    "avg_val_bpb",
    "val_bpb_avg",
    "average_val_bpb",
    "val_bpb_exact",
    "score",
    "val_bpb_sliding",
    "sliding_val_bpb",
    "sliding_bpb",
    "val_bpb_ttt",
    "ttt_val_bpb",
    "post_ttt_val_bpb",
    "best_val_bpb",
)
MEANS = ("mean_val_bpb", "val_bpb_mean", "mean_bpb", "bpb_mean", "avg_val_bpb", "val_bpb_avg", "average_val_bpb")
DEVIATIONS = ("val_bpb_std", "std_val_bpb", "bpb_std", "std_bpb", "val_bpb_stdev", "std", "std_dev", "stdev")
TOTALS = (
    "bytes_total",
    "total_bytes",
    "artifact_bytes",
    "artifact_size_bytes",
    "total_size_bytes",
    "submission_bytes",
    "submission_size_bytes",
    "total_submission_bytes",
    "artifact_bytes_max",
    "max_artifact_bytes",
    "artifact_bytes_mean",
    "mean_artifact_bytes",
    "total_artifact_bytes",
    "size_bytes",
    "artifact_size",
)
CODES = ("bytes_code", "code_bytes", "code_size_bytes", "code_size")
STEPS = (
    "step_stop",
    "steps",
    "training_steps",
    "train_steps",
    "num_steps",
    "steps_completed",
    "total_steps",
    "final_step",
    "train_steps_mean",
    "steps_mean",
    "mean_steps",
)
ANY_BPB = re.compile(r"bpb|bits_per_byte")
ANY_MEAN = re.compile(r"(?:bpb|bits_per_byte)\w*(?:mean|avg|average)|(?:mean|avg|average)\w*bpb")
ANY_DEVIATION = re.compile(r"bpb\w*std|std\w*bpb")
ANY_TOTAL = re.compile(r"(?:artifact|submission|total)\w*(?:bytes|size)|bytes\w*(?:artifact|submission|total)")
NO_TOTAL = re.compile(
    r"code|model|headroom|limit|cap|budget|margin|raw|uncompress|mb$|mib$|kb$|param|token|train|left|mean"
)
SEED_LISTS = ("submittable_seeds", "valid_seeds", "seeds_used", "seeds", "seed_list")
SEED_COUNTS = ("n_seeds", "num_seeds", "seed_count", "seeds_count", "number_of_seeds")
TRAILING_COMMA = re.compile(r",(\s{0,1000}[}\]])")
SEED_KEY = re.compile(r"^(?:seed)?[_ =-]?(\d{1,9})(?:[_ -].{0,40})?$", re.IGNORECASE)
ELSEWHERE = re.compile(
    r"base|compar|prior|prev|ablat|sota|delta|history|reference|variant|control|timeline|progress|supersed"
    r"|exclud|invalid|reject|legacy|verif|other|alternat|diagnos|env|hyper|config"
)
"""Objects that speak of other runs than the submitted one."""
TIED = re.compile(
    r"pre_?(?:quant|ttt|export)|baseline|delta|prior|sota|quantized_bpb|roundtrip|improve|gain|gap|std|dev|target|vs_"
    r"|live|ema|raw|unquant|best_|worst|min|max|range|tax|diff|reduction|without|before|train"
)
"""Keys of a seed whose numbers are not its score."""


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
    code: Shown | None = None
    models: tuple[Shown, ...] = ()
    steps: tuple[Shown, ...] = ()
    seeds: tuple[str, ...] = ()
    """The seeds that count, as they are written."""
    n_seeds: int | None = None
    per_seed: tuple[SeedClaim, ...] = ()
    says_none: bool = False
    """Whether it has the headline's key, and null under it."""
    val_loss: Shown | None = None
    words: str = ""
    """All its text, for what stands in no key of its own."""


@dataclass
class _Flat:
    """The JSON as (path, value) pairs."""

    pairs: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)

    def first(self, names: Sequence[str]) -> Shown | None:
        """The first number under one of `names`: top level before deeper, an earlier name before a later."""
        for depth in range(1, 5):
            for name in names:
                for path, value in self.pairs:
                    if len(path) == depth and path[-1] == name and not _about_others(path[:-1]):
                        number = number_in(value, _place(path))
                        if number is not None:
                            return number
        return None

    def like(self, pattern: re.Pattern[str], without: re.Pattern[str]) -> Shown | None:
        """The first number under a key that looks right, the outermost first."""
        for depth in range(1, 5):
            for path, value in self.pairs:
                fits = len(path) == depth and pattern.search(path[-1]) and not without.search(path[-1])
                if fits and not _about_others(path[:-1]) and not ELSEWHERE.search(path[-1]):
                    number = number_in(value, _place(path))
                    if number is not None:
                        return number
        return None

    def all(self, names: Sequence[str], like: re.Pattern[str] | None = None) -> tuple[Shown, ...]:
        """Every number that speaks of the submitted run as a whole, under one of `names` or a key `like` them."""
        found = (
            number_in(value, _place(path))
            for path, value in self.pairs
            if (path[-1] in names or (like is not None and like.search(path[-1]) and not TIED.search(path[-1])))
            and not _about_others(path[:-1])
        )
        return tuple(number for number in found if number is not None)


def _place(path: tuple[str, ...]) -> str:
    """Where a value stands, for people."""
    return f"submission.json:{'.'.join(path)}"


def _about_others(path: tuple[str, ...]) -> bool:
    return any(ELSEWHERE.search(part) or part.isdigit() or (SEED_KEY.match(part) and part != "seed") for part in path)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:80]


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
            data = _loads(TRAILING_COMMA.sub(r"\1", text), strict=False)
        except (ValueError, RecursionError):
            return Submission(file=name, problem=problem)
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return Submission(file=name, problem=problem or f"holds {type(data).__name__}, not an object")
    return replace(_understand(data, name), problem=problem)


def _loads(text: str, *, strict: bool = True) -> Any:
    return json.loads(text, parse_float=Shown, parse_constant=lambda _: None, strict=strict)


def _understand(data: dict[str, Any], name: str) -> Submission:
    flat, words = _Flat(), []
    for path, value in _walk(data, ()):
        flat.pairs.append((path, value))
        if isinstance(value, str):
            words.append(value[:2000])
    text = "\n".join(words)
    per_seed = tuple(_seed_claims(data, (), 0))
    seeds, count = _seeds(data, flat, per_seed)
    total = flat.first(TOTALS)
    if total is None or total < 10_000:
        total = flat.like(ANY_TOTAL, NO_TOTAL)
    headline = flat.first(HEADLINES)
    if headline is None:
        headline = flat.like(ANY_MEAN, TIED) or flat.like(ANY_BPB, TIED)
    return Submission(
        file=name,
        track=_text(data, "track"),
        headline=_plausible(headline),
        means=tuple(number for number in flat.all(MEANS, ANY_MEAN) if 0 < number < 100),
        deviations=tuple(number for number in flat.all(DEVIATIONS) if 0 <= number < 1),
        total=total if total is not None and total >= 10_000 else None,
        code=flat.first(CODES),
        models=tuple(
            number
            for path, value in flat.pairs
            if len(path) == 1
            and path[0].startswith(("bytes_model", "model_bytes"))
            and (number := number_in(value, _place(path)))
        ),
        steps=tuple(number for number in flat.all(STEPS) if number >= 10),
        seeds=seeds,
        n_seeds=count if count is not None else seeds_in_words(text),
        per_seed=per_seed,
        says_none=headline is None and any(name in data and data[name] is None for name in HEADLINES),
        val_loss=flat.first(("val_loss",)),
        words=text,
    )


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Scalars with their paths, at most some thousands; keys in plain lower case."""
    stack: list[tuple[tuple[str, ...], Any]] = [(path, value)]
    seen = 0
    while stack and seen < MOST_VALUES:
        where, now = stack.pop()
        seen += 1
        if isinstance(now, dict):
            children = [((*where, _key(str(key))), child) for key, child in now.items()]
        elif isinstance(now, list):
            children = [((*where, str(index)), child) for index, child in enumerate(now)]
        else:
            if where:
                yield where, now
            continue
        stack.extend(reversed(children if len(where) < 8 else []))


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value.strip()[:200] if isinstance(value, str) and value.strip() else None


def _plausible(number: Shown | None) -> Shown | None:
    return number if number is not None and 0 < number < 100 else None


def _seed_claims(value: Any, path: tuple[str, ...], depth: int) -> Iterator[SeedClaim]:
    """What is said of single seeds: objects keyed by seed, and lists of objects that name theirs."""
    if depth > 5:
        return
    if isinstance(value, dict):
        named = path and "seed" in path[-1]
        for key, child in list(value.items())[:500]:
            match = SEED_KEY.match(str(key))
            if match and (named or str(key).lower().startswith("seed")) and isinstance(child, (dict, float, str)):
                yield _seed_claim(int(match[1]), str(key), child, _place((*path, str(key))))
            elif not ELSEWHERE.search(_key(str(key))):
                yield from _seed_claims(child, (*path, _key(str(key))), depth + 1)
    elif isinstance(value, list):
        for child in value[:500]:
            seed = number_in(child.get("seed")) if isinstance(child, dict) else None
            if seed is not None and seed >= 0 and float(seed).is_integer():
                yield _seed_claim(int(seed), str(int(seed)), child, _place((*path, str(int(seed)))))


def _seed_claim(seed: int, tag: str, value: Any, where: str) -> SeedClaim:
    if not isinstance(value, dict):
        number = _plausible(number_in(value, where))
        return SeedClaim(seed, tag, where, bpbs=(number,) if number is not None and number < 20 else ())
    pairs = [(path[-1], number_in(child, f"{where}.{path[-1]}")) for path, child in _walk(value, ())]
    numbers = [(key, number) for key, number in pairs if number is not None]
    return SeedClaim(
        seed,
        tag,
        where,
        bpbs=tuple(n for key, n in numbers if ("bpb" in key or key == "score") and not TIED.search(key) and n > 0),
        steps=tuple(number for key, number in numbers if key in STEPS),
        bytes=tuple(number for key, number in numbers if key in TOTALS and number >= 10_000),
    )


def _seeds(data: dict[str, Any], flat: _Flat, per_seed: tuple[SeedClaim, ...]) -> tuple[tuple[str, ...], int | None]:
    """Which seeds count, and how many are claimed."""
    keys = {_key(str(key)): value for key, value in data.items()}
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
