"""Sizes in dialects that no row of the tables knows: pairs of words and a number on a line that speaks of bytes.

`int8_zlib:15000000 code:1078 total:15001078`, `Artifact size:   15,991,078 bytes`, `q:15822128B`: what a
number is of is
told by the words before it. A size that is only given in megabytes is a range, as wide as its last digit;
where MB may
mean 10^6 or 2^20 bytes, the range covers both readings.
"""

from __future__ import annotations

import re

COUNT = r"\d{1,3}(?:,\d{3}){1,3}|\d{3,12}"
PAIR = re.compile(
    rf"(?P<key>[A-Za-z][A-Za-z0-9_+./~() -]{{0,60}}?)\s{{0,8}}[:=]\s{{0,24}}(?P<number>{COUNT})"
    r"(?:\s{0,4}(?P<unit>bytes|b)\b|(?![\w.,:(]))(?!\s{1,3}(?:total|code|model)\b(?!\s{0,2}[:=]))",
    re.IGNORECASE,
)
MEGABYTES = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9_+./() -]{0,60}?)\s{0,8}[:=]\s{0,24}~?(?P<number>\d{1,3}\.\d{1,6}"
    r"|\d{1,3})\s{0,4}(?P<unit>mi?b)\b",
    re.IGNORECASE,
)
SAYS_A_NUMBER = re.compile(r"[:=]\s{0,24}~?\d")
"""What stands in every match of `PAIR` and of `MEGABYTES`: a cheap first look."""
SAYS_MEGABYTES = re.compile(r"\d\s{0,4}mi?b\b", re.IGNORECASE)
WORD = re.compile(r"[a-z]+\d*")
NO_SIZE = {
    *("raw", "payload", "baseline", "limit", "cap", "budget", "headroom", "remaining", "left", "margin", "target"),
    *(
        "max",
        "param",
        "params",
        "parameters",
        "token",
        "tokens",
        "memory",
        "mem",
        "peak",
        "val",
        "train",
        "data",
        "stored",
    ),
    *("shard", "shards", "tensor", "tensors", "counts", "uncompressed", "batch", "est"),
    *(
        "estimated",
        "vocab",
        "loss",
        "time",
        "over",
        "under",
        "before",
        "reserved",
        "allocated",
        "checkpoint",
        "saved",
    ),
    *("buffer", "overhead", "fixed", "avg", "mean", "unpruned", "need", "allowed", "available", "sidecar", "scored"),
}
"""Words of numbers that are no size of the entry."""
NO_SIZE_ALONE = {"fp16", "fp32", "bf16", "table", "cache"}
"""The same, unless a word beside them says that it is compressed."""
CODE_WORDS = {"code", "script", "source", "py"}
TOTAL_WORDS = {"total", "submission", "artifact", "actual"}
PACKED_WORDS = {
    *(
        "quant",
        "quantized",
        "compressed",
        "q",
        "qsize",
        "blob",
        "zlib",
        "zstd",
        "zst",
        "lzma",
        "brotli",
        "xz",
        "packed",
    ),
    *("int4", "int5", "int6", "int8", "ternary", "binary", "gptq", "lz4", "ptz", "mixed"),
}
PLAIN_WORDS = {"model", "weights", "serialized", "checkpoint"}
MODEL_WORDS = {"model", "weights", "size", "bytes", "artifact"}
UNITS = {"mb": (1e6, float(1 << 20)), "mib": (float(1 << 20), float(1 << 20))}
LEAST, MOST = 500, 10**10
"""Bytes of the smallest program that is believed, and of the largest model."""


def speaks_of_sizes(low: str) -> bool:
    """Whether a line in lower case may state a size."""
    return (
        "byte" in low
        or "total:" in low
        or "mib" in low
        or "mb" in low
        or "artifact" in low
        or BARE.match(low) is not None
    )


BARE = re.compile(r"(?:q|total|code|model|quant\w{0,12}):\s?\d{3,12}\s?b\b")


def sizes_in(text: str) -> dict[str, float]:
    """Fact -> bytes, as the pairs on a line state them; empty where nothing is recognised.

    `bare_total_bytes` is a total that does not say whether it is compressed, `lone_artifact` the same where it
    may be the
    model's file without the program, `total_low` and `total_high` bound one that
    is given in megabytes, and `total_near` is its upper end in the smaller reading.
    """
    if not SAYS_A_NUMBER.search(text):
        return {}
    pairs = [(_words(match["key"]), match) for match in PAIR.finditer(text)]
    has_unit = "byte" in text.lower() or any(match["unit"] for _, match in pairs)
    kinds = {
        kind: number
        for words, match in reversed(pairs)
        if (kind := _kind(words, match)) and (number := _count(match))
    }
    if not has_unit and len(kinds.keys() & {"code", "total", "packed", "plain", "model"}) < 2:
        kinds = {}
    found = _as_facts(kinds)
    return found or _megabytes(text)


def _as_facts(kinds: dict[str, int]) -> dict[str, float]:
    total, code, packed, plain = (kinds.get(name) for name in ("total", "code", "packed", "plain"))
    artifact, model, alone = kinds.get("artifact"), kinds.get("model"), None
    if artifact is not None:
        if total is None and code is None:
            total = alone = artifact
        elif packed is None:
            packed = artifact
    if model is not None:  # of a model alone the sum tells whether it is the counted one
        if packed is None and None not in (total, code) and model + (code or 0) == total:
            packed = model
        else:
            plain = model
    found = {
        "code_bytes": code,
        "model_bytes": packed,
        "plain_model_bytes": plain,
        "total_bytes": kinds.get("packed_total"),
    }
    found["lone_artifact"] = alone
    if total is not None and found["total_bytes"] is None and (plain is None or packed is not None):
        found["total_bytes" if packed is not None else "bare_total_bytes"] = total
    return {name: float(size) for name, size in found.items() if size is not None}


def _kind(words: set[str], match: re.Match[str]) -> str | None:
    """What the size is of: total, artifact, code, packed or plain model; None if it is no size of the entry."""
    if not words or words & NO_SIZE or (words & NO_SIZE_ALONE and not words & PACKED_WORDS):
        return None
    if words & CODE_WORDS:
        return "code"
    if words & PACKED_WORDS and not words & {"total", "submission"}:
        return "packed"
    if words & {"artifact"} and not words & {"total", "submission"}:
        return "artifact"
    if words & TOTAL_WORDS:
        return "packed_total" if words & PACKED_WORDS else "total"
    if words & PLAIN_WORDS:
        return "model" if words <= MODEL_WORDS else "plain"
    return None


def _count(match: re.Match[str]) -> int | None:
    number = int(match["number"].replace(",", ""))
    return number if LEAST <= number <= MOST else None


def _words(key: str) -> set[str]:
    return set(WORD.findall(key.lower().replace("_", " ")))


def _megabytes(text: str) -> dict[str, float]:
    """A total in megabytes, as the range of bytes that it may stand for."""
    for match in MEGABYTES.finditer(text) if SAYS_MEGABYTES.search(text) else ():
        words = _words(match["key"])
        if words & NO_SIZE or words & CODE_WORDS or not words & TOTAL_WORDS:
            continue
        half = 0.5 * 10.0 ** -len(match["number"].partition(".")[2])
        low, high = UNITS[match["unit"].lower()]
        value = float(match["number"])
        return {
            "total_low": (value - half) * low,
            "total_high": (value + half) * high,
            "total_near": (value + half) * low,
        }
    return {}
