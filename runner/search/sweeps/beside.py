"""Sweeps beside records: of an output folder, or of one of its shelves. For pages; a broken one is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from runner.errors import UserError
from runner.plan.past_results import SHELVES
from runner.search.sweeps.facts import SweepFacts
from runner.search.sweeps.folder import SweepFolder, all_sweeps
from runner.untrusted import is_regular

MOST_JOURNAL_BYTES = 64 << 20
MOST_SWEEPS = 20


def sweeps_beside(places: Iterable[Path]) -> list[SweepFacts]:
    """How the sweeps stand of the output folders that are named, or whose shelves are; none without Optuna."""
    roots = dict.fromkeys(
        place.parent if Path(os.path.realpath(place)).name in SHELVES else place for place in places
    )
    folders = [folder for root in roots for folder in all_sweeps(root)]
    if not folders or find_spec("optuna") is None:
        return []
    return list(_readable(folders[-MOST_SWEEPS:]))


def _readable(folders: Iterable[SweepFolder]) -> Iterator[SweepFacts]:
    from runner.search.sweeps.standing import facts_of
    from runner.search.sweeps.study import read_trials

    for folder in folders:
        fits = is_regular(folder.journal) and folder.journal.stat().st_size <= MOST_JOURNAL_BYTES
        with suppress(UserError, OSError):
            yield facts_of(folder, read_trials(folder.journal) if fits else [])
