"""A training log and the log of its scoring, put together: by seed, by name, or because there is one of each.

Many entries train in one process and score the artifact in another, whose log has no step. The score then counts for
the run that trained, with its seed, clock and size. Where several scorings could belong to one run, none is joined
unless the caller knows which score is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from runner.audit.reading.runs import Reading

SEED_IN_NAME = re.compile(r"(?:^|[_./-])(?:seed|sd)[_-]?(\d{1,9})(?=[_./-]|$)|_s(\d{1,9})(?=[_.-])", re.IGNORECASE)
STAGE = re.compile(
    r"train(?:ing)?|eval(?:uation)?|score|scoring|ttt|submission|final|log|ngram|slot|sliding|test|stdout|console|run|output|phased|prefix\d*|ppm"
    r"|[\W_]+",
    re.IGNORECASE,
)

SCORING = re.compile(r"(?:^|[/_.-])(?:eval\w{0,8}|scor(?:e|ing)|ttt)", re.IGNORECASE)


def name_seed(log: str) -> int | None:
    """The seed that a log's name gives."""
    found = SEED_IN_NAME.findall(log)
    return int(found[-1][0] or found[-1][1]) if found else None


def seed_of(reading: Reading) -> int | None:
    """The seed that a log prints, else that its name gives."""
    return reading.seed if reading.seed is not None else name_seed(reading.log)


def join_scorings(
    readings: Sequence[Reading], aside: Callable[[str], bool], claimed: Callable[[Reading], bool]
) -> list[Reading]:
    """Join scorings to the runs that they score; the readings that are runs of their own come back.

    `aside` tells whether a log's name says that it is no part of the entry, `claimed` whether a reading shows
    a claim.
    """
    trained = [one for one in readings if one.draft.trained and not aside(one.log)]
    scorings = [one for one in readings if not one.draft.trained and one.complete and not aside(one.log)]
    joined: set[int] = set()
    for one in trained:
        mine = [part for part in scorings if id(part) not in joined and _belongs(part, one, trained, scorings)]
        if len(mine) > 1:
            mine = [part for part in mine if claimed(part)]
        if len(mine) == 1 and not _shows_already(one, mine[0]):
            one.join(mine[0])
            joined.add(id(mine[0]))
    return [one for one in readings if id(one) not in joined]


def _belongs(part: Reading, run: Reading, runs: Sequence[Reading], parts: Sequence[Reading]) -> bool:
    """Whether `part` scores what `run` trained, and no other run could be meant."""
    if part.log == run.log or (part.params is not None and run.params is not None and part.params != run.params):
        return False
    seed = seed_of(part)
    if seed is not None:
        same = [one for one in runs if seed_of(one) == seed]
        if len(same) > 1:
            named = [one for one in same if _stem(one.log) == _stem(part.log)]
            same = named if len(named) == 1 else [one for one in same if not one.complete]
        return len(same) == 1 and same[0] is run
    if len(runs) == 1 and len(parts) == 1:
        return seed_of(run) is None or not run.complete or SCORING.search(part.log) is not None
    stem = _stem(part.log)
    return bool(stem) and [one for one in runs if _stem(one.log) == stem] == [run]


def _stem(log: str) -> str:
    """What is left of a log's name without the words for training and scoring."""
    return STAGE.sub("", log.rpartition("/")[2].rpartition(".")[0].lower())


def _shows_already(run: Reading, part: Reading) -> bool:
    """Whether the run's own log ends with the same score, so that the other is an echo of it."""
    return run.bpb is not None and part.bpb is not None and abs(run.bpb - part.bpb) < 5e-7
