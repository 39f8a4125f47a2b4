"""`golf calibrate`: records of the same variants at two budgets, put together by name, and what their ranks say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.compare.ranking import FEWEST, Pair, Ranking
from runner.errors import UserError
from runner.record.comparison_sources import arm_of
from runner.record.files import read_results
from runner.record.find import find_record_folders, is_ours
from runner.results.comparisons import Arm
from runner.results.variants import VariantTable

PROFILE = re.compile(r"-(?:small|steps)(?=-|$)")
"""What a profile puts behind a job's name, before that of a variant."""


def side_of(texts: Sequence[str]) -> list[Arm]:
    """The arms of one side; a record of ours is called as its job is, and a folder of records is all of them.

    The base of a job with variants comes first, wherever it was named. UserError where one cannot be read.
    """
    bases: list[Arm] = []
    others: list[Arm] = []
    for text in texts:
        path = Path(text)
        for folder in map(str, find_record_folders([path])) if path.is_dir() else [text]:
            arm, table = arm_of(folder, folder), None
            if path.is_dir() and is_ours(Path(folder)):
                data = read_results(Path(folder))
                arm, table = arm.model_copy(update={"name": data.name}), data.variant_table
            if not arm.val_bpb:
                raise UserError(f"{folder}: has no score")
            (bases if table is not None and is_base(arm.name, table) else others).append(arm)
    return [*bases, *others]


def plain(name: str) -> str:
    """A job's name without the profile's."""
    return PROFILE.sub("", name)


def is_base(name: str, table: VariantTable) -> bool:
    """Whether a record of this name is of the variant that the others of its job are held against."""
    job = plain(table.job)
    return plain(name) in (job, f"{job}-{table.base}")


def pairs_of(cheap: Sequence[Arm], expensive: Sequence[Arm]) -> list[Pair]:
    """Variants that stand on both sides, in the order of the first; matched by name, or in order where scores were
    typed. UserError where they do not match."""
    sides = [[plain(arm.name) for arm in side] for side in (cheap, expensive)]
    typed = any(arm.origin in ("as typed", "as the file says") for arm in (*cheap, *expensive))
    if typed:
        if len(cheap) != len(expensive):
            raise UserError(f"{len(cheap)} before the -- and {len(expensive)} behind it; typed scores go in pairs")
        return [
            Pair(name, one.val_bpb, two.val_bpb) for name, one, two in zip(sides[1], cheap, expensive, strict=True)
        ]
    for names, where in zip(sides, ("before", "behind"), strict=True):
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"{name}: stands twice {where} the --; give one record for each variant")
    alone = sorted(set(sides[0]) ^ set(sides[1]))
    if alone:
        told = "before it" if alone[0] in sides[0] else "behind it"
        raise UserError(
            f"{alone[0]}: stands only {told}; both sides of the -- need the same variants, by their jobs' names"
        )
    others = dict(zip(sides[1], expensive, strict=True))
    return [Pair(name, arm.val_bpb, others[name].val_bpb) for name, arm in zip(sides[0], cheap, strict=True)]


def lines(found: Ranking) -> Iterator[str]:
    """The answer for people."""
    width = max(len(one.name) for one in found.variants)
    yield f"{'':{width}}      cheap  rank       gain  expensive  rank       gain"
    for index, one in enumerate(found.variants):
        gains = ("      base",) * 2 if index == 0 else (f"{one.cheap_gain:+10.4f}", f"{one.expensive_gain:+10.4f}")
        yield (
            f"{one.name:{width}} {one.cheap:10.4f} {one.cheap_rank:5} {gains[0]} {one.expensive:10.4f} "
            f"{one.expensive_rank:5} {gains[1]}"
        )
    few = f"unknown: needs {FEWEST} variants"
    many = len(found.variants)
    alike = f"unknown: every draw of these {many} gives the same" if many >= FEWEST else few
    tau = "unknown: all alike" if found.tau is None else f"{found.tau:.2f}"
    chance = (
        ""
        if found.tau_p is None
        else f"; rankings of {many} that are unrelated agree or disagree so in {100 * found.tau_p:.1f} %"
    )
    yield f"Kendall's tau: {tau}{_between(found.tau_interval, 2, alike)}{chance}"
    ratio = "unknown: no expensive gain" if found.ratio is None else f"{found.ratio:.2f}"
    yield f"cheap gain for 1 of expensive gain: {ratio}{_between(found.ratio_interval, 2, few)}"
    if found.promote is None:
        yield f"to keep the best: {few}"
    else:
        yield f"to keep the best with 90 %: promote {found.promote} of {many} (here it is number {found.best_rank})"
    if not found.resampled_seeds:
        yield "one seed in some variant: the intervals are over variants alone, and do not hold the noise of seeds"


def _between(interval: tuple[float, float] | None, digits: int, otherwise: str) -> str:
    return (
        f" (interval {otherwise})"
        if interval is None
        else f", 95 % {interval[0]:.{digits}f} to {interval[1]:.{digits}f}"
    )
