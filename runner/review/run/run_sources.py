"""Settings as people and programs write them: in commands of a README or shell script, in logs, in submission.json.

Each reader gives (name, value, line) as they stand; which of them counts is `run_context`'s question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_LINES = 200_000
FENCE = re.compile(r"^\s{0,3}(?:```|~~~)")
ASSIGNED = re.compile(
    r"(?<![\w$./-])([A-Z][A-Z0-9_]{1,79})=(\"[^\"\n]{0,400}\"|'[^'\n]{0,400}'|[^\s;|&\\`)\"']{0,400})"
)
RUNS = re.compile(r"\btorchrun\b|\btorch\.distributed\.run\b|\bpython3?\b[^\n|]{0,200}\.py\b|\baccelerate launch\b")
PROCESSES = re.compile(r"--nproc[_-]per[_-]node[= ](\d{1,4})")
DUMPED = re.compile(r"^\s{1,8}([A-Za-z_]\w{0,79}):(?: (.{0,400}))?$")
PRINTED = re.compile(r"(?<![\w./-])([A-Za-z_]\w{1,79})[=:](?! )([^\s,;|)\]]{1,200})")
SIMPLE = re.compile(r"^(?:[-+]?\d[\d_]{0,20}(?:\.\d{0,20})?(?:e[-+]?\d{1,3})?|True|False)$", re.I)
"""Values that a line of prose could not have by chance."""
TABLE = re.compile(r"^ {0,3}\| {0,8}`?([A-Z][A-Z0-9_]{1,79})`? {0,20}\| {0,8}`?([^|`]{1,200}?)`? {0,40}\|\s{0,8}$")
CODE_SIZE = re.compile(
    r"^\s{0,8}(?:\w{1,20}[ _])?code[ _](?:size|bytes)\s?(?:\([^)]{0,40}\))?\s?[:=]\s{0,3}([\d,_]{2,12})\b(?!\.\d)",
    re.I,
)


def commands_of(text: str, *, shell: bool) -> list[dict[str, tuple[str, int]]]:
    """The commands that run a script, each with what it sets: {NAME: (value, line)}.

    shell: whether the whole text is one; else its fenced blocks are. What a block exports or assigns before a
    command counts for it; of `${NAME:-value}` the value is read, other `$…` say nothing.
    """
    found: list[dict[str, tuple[str, int]]] = []
    if not shell and (listed := _tabled(text)):
        found.append(listed)
    for block in [list(enumerate(text.split("\n")[:MOST_LINES], 1))] if shell else _fenced(text):
        settings: dict[str, tuple[str, int]] = {}
        runs = False
        for line, words in _joined(block):
            here = dict(_assigned(words, line))
            if RUNS.search(words):
                if processes := PROCESSES.search(words):
                    here["WORLD_SIZE"] = (processes[1], line)
                found.append({**settings, **here})
                runs = True
                if words.lstrip().startswith("export"):
                    settings.update(here)
            elif here:
                settings.update(here)
        if settings and not runs and not shell and len(settings) >= 3:
            found.append(settings)  # a list of what was set, without the command
    return found


def _tabled(text: str) -> dict[str, tuple[str, int]]:
    """Rows `| NAME | value |` of tables with two columns."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.split("\n")[:MOST_LINES], 1):
        if match := TABLE.match(line[:400]):
            found.setdefault(match[1], (match[2].strip(), number))
    return found


def _fenced(text: str) -> list[list[tuple[int, str]]]:
    blocks: list[list[tuple[int, str]]] = []
    inside = False
    for number, line in enumerate(text.split("\n")[:MOST_LINES], 1):
        if FENCE.match(line):
            inside = not inside
            if inside:
                blocks.append([])
        elif inside:
            blocks[-1].append((number, line))
    return blocks


def _joined(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines without comments, those that a backslash continues as one."""
    held, first = "", 0
    for number, line in block:
        bare = re.sub(r"(?:^|\s)#.*$", "", line)
        first = first or number
        if bare.rstrip().endswith("\\"):
            held += bare.rstrip()[:-1] + " "
            continue
        if len(held) + len(bare) < 1 << 16:
            yield first, held + bare
        held, first = "", 0
    if held:
        yield first, held


def _assigned(words: str, line: int) -> Iterator[tuple[str, tuple[str, int]]]:
    for name, value in ASSIGNED.findall(words):
        plain = value.strip("\"'")
        if default := re.fullmatch(r"\$\{\w{1,80}:?[-=]([^{}$]{0,300})\}", plain):
            plain = default[1].strip("\"'")
        if "$" not in plain and "<" not in plain:
            yield name, (plain, line)


def dumped(lines: list[str], names: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """What a log says of settings: {NAME: (value, line)}.

    names: how a setting may be called in a log, in lower case -> NAME. Read are blocks of `  name: value` after a
    headline, commands, and `name:value` or `name=value` within a line; the first that says something of one wins,
    blocks before all others.
    """
    blocks: dict[str, tuple[str, int]] = {}
    others: dict[str, tuple[str, int]] = {}
    inside = False
    for number, line in enumerate(lines, 1):
        if line.rstrip().lower().endswith(("hyperparameters:", "config:", "configuration:", "arguments:")):
            inside = True
            continue
        match = DUMPED.match(line) if inside else None
        if match is not None:
            name = names.get(match[1].lower())
            if name is not None:
                blocks.setdefault(name, ((match[2] or "").strip(), number))
            continue
        inside = inside and not line.strip()
        if ("=" in line or ":" in line) and len(line) < 4_000:
            if RUNS.search(line):
                for one, value in _assigned(line, number):
                    others.setdefault(one, value)
            for key, value_text in PRINTED.findall(line):
                name = names.get(key.lower())
                if name is not None and SIMPLE.match(value_text):
                    others.setdefault(name, (value_text, number))
    return {**others, **blocks}


def code_sizes(lines: list[str]) -> list[int]:
    """The sizes of code that a log prints."""
    found = []
    for line in lines:
        if match := CODE_SIZE.match(line):
            found.append(int(re.sub(r"[,_]", "", match[1]) or 0))
    return found


def submitted(content: Any, names: Mapping[str, str]) -> dict[str, str]:
    """What a submission.json says of settings, wherever it stands in it: {NAME: value}."""
    found: dict[str, str] = {}
    pending: list[tuple[Any, int]] = [(content, 0)]
    while pending:
        value, depth = pending.pop(0)
        if depth > 6 or not isinstance(value, dict):
            continue
        for key, inner in value.items():
            name = names.get(str(key).lower())
            if name is not None and isinstance(inner, (str, int, float)) and " " not in str(inner)[:200]:
                found.setdefault(name, str(inner))
            elif isinstance(inner, dict):
                pending.append((inner, depth + 1))
    return found


def claimed_scores(content: Any) -> set[str]:
    """Scores per byte in a submission.json, with at least four digits after the point, cut to four."""
    found: set[str] = set()
    pending: list[tuple[str, Any]] = [("", content)]
    seen = 0
    while pending and seen < 20_000:
        key, value = pending.pop()
        seen += 1
        if isinstance(value, dict):
            pending += [(str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            pending += [(key, inner) for inner in value]
        elif isinstance(value, float) and "bpb" in key.lower() and 0.2 < value < 4:
            found.add(shortened(json.dumps(value)))
    return found - {""}


def shortened(number: str) -> str:
    """A score as printed, cut to four digits after its point; empty for one that has fewer."""
    whole, point, digits = number.partition(".")
    return f"{whole}.{digits[:4]}" if point and len(digits) >= 4 and digits[:4].isdigit() else ""
