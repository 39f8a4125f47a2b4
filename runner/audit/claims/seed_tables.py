"""Tables of a README about single seeds: one row for each seed, or one column for each.

Only tables whose first column is the seed, or whose heads say "seed 42", are understood; all others are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runner.audit.claims.seed_claims import SeedClaim
from runner.audit.claims.shown import NUMBER, Shown
from runner.audit.claims.submission_keys import SEED_KEY

DECIMAL = re.compile(r"(?<![\d.,~+\-−±])(?:[0-4]\.\d{3,10})(?![\d.]|\s?(?:s|ms|%|MB|M|GB)\b)")
RULE = re.compile(r"^\s*\|?[\s:|-]{3,}$")
SEED_HEAD = re.compile(r"^seed[_ =:-]{0,2}(\d{1,9})\b", re.IGNORECASE)
STEPS = re.compile(r"(?:stop |train\w* |total )?steps?\b(?!.*(?:avg|ms|time|/))")
SIZE = re.compile(r"\d{7,8}|\d{1,2},\d{3},\d{3}")
OTHERS = re.compile(r"\(.*#\d|baseline|prior|pr ?#?\d|gain|delta|improve")
"""Titles of what is not this record's."""


def count(text: str, where: str) -> Shown:
    """A count; one with a tilde is only known roughly, which `digits` of -1 says."""
    shown = Shown(text.strip("~").strip(",") or "0", where)
    if text.startswith("~"):
        shown.digits = -1
    return shown


def seed_claims(lines: Iterable[str], name: str) -> Iterator[SeedClaim]:
    """What the tables in `lines` of the file `name` say of single seeds."""
    for first, rows in _tables(lines):
        head = [cell.lower() for cell in rows[0]]
        seeds = {column: int(match[1]) for column, cell in enumerate(head) if (match := SEED_HEAD.match(cell))}
        if head[0] in ("seed", "seeds", "run", "seed/run"):
            for number, cells in enumerate(rows[1:], first + 1):
                match = SEED_KEY.match(cells[0])
                if match and len(cells) == len(head):
                    yield _claim(int(match[1]), zip(head[1:], cells[1:], strict=True), f"{name}:{number}")
        elif len(seeds) > 1:
            whole = [cells for cells in rows[1:] if len(cells) == len(head)]
            for column, seed in seeds.items():
                yield _claim(seed, ((cells[0].lower(), cells[column]) for cells in whole), f"{name}:{first}")


def _tables(lines: Iterable[str]) -> Iterator[tuple[int, list[list[str]]]]:
    """(line of the head, rows of cells) of each table; the rule below the head counts as an empty row."""
    rows: list[list[str]] = []
    number = 0
    for number, line in enumerate(lines, 1):
        if "|" in line:
            cells = [cell.strip().strip("*`_ ") for cell in line.strip().strip("|").split("|")]
            rows.append([""] if RULE.match(line) else cells)
        elif rows:
            yield number - len(rows), rows
            rows = []
    if rows:
        yield number + 1 - len(rows), rows


def _claim(seed: int, cells: Iterable[tuple[str, str]], where: str) -> SeedClaim:
    """One seed's claim from (title, cell) pairs."""
    bpbs: list[Shown] = []
    steps: list[Shown] = []
    sizes: list[Shown] = []
    for title, cell in cells:
        match = NUMBER.search(cell)
        if match is None or OTHERS.search(title):
            continue
        if re.search("bp[bp]", title) and (decimal := DECIMAL.search(cell)):
            bpbs.append(Shown(decimal[0], where))
        elif STEPS.match(title):
            steps.append(count(("~" if "~" in cell else "") + match[0], where))
        elif re.search(r"byte|artifact|size|total", title) and SIZE.fullmatch(match[0]):
            sizes.append(Shown(match[0], where))
    return SeedClaim(seed, str(seed), where, tuple(bpbs), tuple(steps), tuple(sizes))
