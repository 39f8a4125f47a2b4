"""Which runs a claim is made of: the set whose mean it is, tried from the plainest set to single runs.

A set that the folder itself marks out (by the cap, by seed, by file name, by model) comes before single runs; one
label of score counts for all its runs. An earlier line than the last is taken only where the claim says so digit for
digit, or where the runs end with different kinds of score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from runner.audit.claims.shown import Shown, says, says_mean
from runner.audit.claims.statement import NEAR_BPB, Statement
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished, rounds_to
from runner.audit.track import CAP_BYTES

ABLATION = re.compile(
    r"ablat|baseline|control|without|(?:^|[_/.-])no[_-]?(?:ttt|ema|swa|qat|slot)|_only\b|smoke|sweep|dry[_-]?run|debug|probe|proxy"
    r"|negative|(?:^|[_/.-])(?:test|trial|partial|stopped|aborted|crashed|failed)(?:[_/.-]|$)",
    re.IGNORECASE,
)
SEED_IN_NAME = re.compile(r"(?:^|[_./-])(?:seed|s|sd)[_-]?\d{1,9}|\d{2,9}(?=[_.-]|$)", re.IGNORECASE)

Chooser = Callable[[list[Reading]], Iterator[list[Reading]]]


def choose_runs(pool: list[Reading], claim: Statement) -> list[Reading] | None:
    """The runs that the claim is made of; None if nothing agrees with it."""
    if len(pool) == 1 or claim.headline is None:
        _retake(pool, claim)
        return pool
    choosers = (_all, _within_cap, _counted(claim), _by_file_name, _by_model)
    groups = [group for chooser in choosers for group in chooser(pool) if len(group) > 1]
    by_seed = _by_seed_claims(pool, claim)
    for group in (*groups, by_seed):
        if _mean_is_claimed(group, (claim.headline,), loose=False):
            return group
    for group in groups:
        if any(shows(one, claim.headline) for one in group) and _mean_is_claimed(group, _means(claim), loose=False):
            return group
    for group in groups:
        if _retake(group, claim):
            return group
    loosely = [
        group
        for chooser in (_all, _within_cap, _counted(claim), _by_file_name)
        for group in chooser(pool)
        if group and _mean_is_claimed(group, (claim.headline, *_means(claim)), loose=True)
    ]
    shown = any(shows(one, claim.headline) for one in pool)
    if not shown and not loosely and _retake_best(pool, claim):
        return pool
    if by_seed:
        return by_seed
    single = [one for one in pool if shows(one, claim.headline)]
    if single:
        if not claim.is_of_several:
            return single[:1]
        told = [one for one in pool if one in single or told_of(one, claim) or _another_seed(one, single[0], pool)]
        return told if len({one.log for one in told}) > 1 else single
    if loosely:
        return loosely[0]
    named = next(iter(_counted(claim)(pool)), [])
    plain = [one for one in pool if not ABLATION.search(one.log)]
    chosen = next((group for group in (named, plain) if group and not several_experiments(group)), None)
    if chosen:
        _one_label(chosen)
    return chosen


def _all(pool: list[Reading]) -> Iterator[list[Reading]]:
    yield pool


def _within_cap(pool: list[Reading]) -> Iterator[list[Reading]]:
    fitting = [one for one in pool if one.total is None or one.total <= CAP_BYTES]
    if 0 < len(fitting) < len(pool):
        yield fitting


def _counted(claim: Statement) -> Chooser:
    """One run of each seed that the record says counts: all there are, else the last of each."""

    def choose(pool: list[Reading]) -> Iterator[list[Reading]]:
        wanted = claim.counted_seeds
        theirs = [one for one in pool if one.seed in wanted]
        if wanted and theirs:
            last = {one.seed: one for one in theirs if not ABLATION.search(one.log)}
            first = {one.seed: one for one in reversed(theirs) if not ABLATION.search(one.log)}
            yield from (theirs, list(last.values()), list(first.values()))

    return choose


def _by_file_name(pool: list[Reading]) -> Iterator[list[Reading]]:
    """Runs whose logs are called the same but for the seed."""
    yield from _grouped(pool, lambda one: SEED_IN_NAME.sub("#", one.log))
    yield from _grouped(pool, lambda one: one.log.rpartition("/")[0])
    yield from _grouped(pool, lambda one: one.log)


def _by_model(pool: list[Reading]) -> Iterator[list[Reading]]:
    yield from _grouped(pool, lambda one: (one.params, one.code))
    yield from _grouped(pool, lambda one: one.params)


def _grouped(pool: list[Reading], key: Callable[[Reading], object]) -> Iterator[list[Reading]]:
    groups: dict[object, list[Reading]] = {}
    for one in pool:
        groups.setdefault(key(one), []).append(one)
    if len(groups) > 1:
        yield from sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)


def _means(claim: Statement) -> tuple[Shown, ...]:
    """Numbers beside the headline that are said to be its mean: README's may be those of another entry, so
    only near ones."""
    first = claim.headline
    readme = [one for one in claim.readme.means if one.digits >= 4 and (first is None or abs(one - first) < NEAR_BPB)]
    return (*claim.submission.means, *readme)


def _mean_is_claimed(group: Sequence[Reading], named: Sequence[Shown], *, loose: bool) -> bool:
    scores = [one.bpb for one in group if one.bpb is not None]
    if len(scores) < 2:
        return False
    mean = sum(scores) / len(scores)
    digits = min(one.final.line.digits for one in group if one.final)
    return any(
        number.digits >= 3 and (number.stands_for(mean, loose=loose) or says_mean(number, scores, digits))
        for number in named
    )


def shows(reading: Reading, number: Shown) -> bool:
    return (
        reading.final is not None
        and number.digits >= 2
        and says(number, reading.final.line.val_bpb, reading.final.line.digits)
    )


def told_of(reading: Reading, claim: Statement) -> bool:
    """Whether the record speaks of this run's score."""
    said = (*claim.readme.bpbs, *(bpb for one in claim.submission.per_seed for bpb in one.bpbs))
    return any(number.digits >= 4 and shows(reading, number) for number in said)


def _another_seed(reading: Reading, single: Reading, pool: Sequence[Reading]) -> bool:
    """Whether this is the claimed run's model under a seed that no other run of it has: then it counts as well."""
    same = [one for one in pool if one.params == single.params and not ABLATION.search(one.log)]
    seeds = [one.seed for one in same]
    return reading in same and reading.seed is not None and seeds.count(reading.seed) == 1


def _by_seed_claims(pool: list[Reading], claim: Statement) -> list[Reading]:
    """For each seed that counts the run that shows what is said of it, else the last one; none if no run does."""
    found: list[Reading] = []
    agrees = False
    for one in claim.counted_claims:
        showing = [run for run in pool if run.seed in (one.seed, None) and any(shows(run, bpb) for bpb in one.bpbs)]
        others = [run for run in pool if run.seed == one.seed and not ABLATION.search(run.log)]
        agrees = agrees or bool(showing)
        found += [run for run in (showing[:1] or others[-1:]) if run not in found]
    return found if agrees else []


def _retake(pool: Sequence[Reading], claim: Statement) -> bool:
    """Take earlier score lines where the claim is exactly their number or their mean and not the last lines'."""
    headline = claim.headline
    if headline is None or headline.digits < 4:
        return False
    if all(shows(one, headline) for one in pool) or _mean_is_claimed(pool, (headline, *_means(claim)), loose=False):
        return False
    for label, values, digits in _by_label(pool):
        mean = sum(values) / len(values)
        if digits >= 4 and rounds_to(mean, headline, headline.digits) and headline.stands_for(mean):
            for one in pool:
                one.end_at(label, f"the claim is the number of `{label}`, not of the last line")
            return True
    return False


def _retake_best(pool: Sequence[Reading], claim: Statement) -> bool:
    """Take an earlier line of every run where the claim is, digit for digit, one run's number in it."""
    headline = claim.headline
    for label, values, digits in _by_label(pool):
        if (
            headline is not None
            and digits >= 4
            and any(headline.digits >= 4 and headline.stands_for(one) for one in values)
        ):
            for one in pool:
                one.end_at(label, f"the claim is one run's number of `{label}`")
            return True
    return False


def _one_label(chosen: Sequence[Reading]) -> None:
    """Score all runs of an entry by the same kind of line: the last one that every log has."""
    kinds = [{_plain(one.final.line.label), *map(_plain, one.final.aliases)} for one in chosen if one.final]
    if len(kinds) < 2 or set.intersection(*kinds):
        return
    for label, _, digits in _by_label(chosen):
        if digits >= 4:
            for one in chosen:
                one.end_at(label, f"`{label}` is the last score that every log of the entry has")
            return


def _by_label(pool: Sequence[Reading]) -> Iterator[tuple[str, list[float], int]]:
    """(label, last score of each run under it, decimals) of every label that all runs have, the last first."""
    labels = [line.label for line in finished(pool[0].scores)]
    for label in dict.fromkeys(reversed(labels)):
        lines = [[line for line in finished(one.scores) if line.label == label] for one in pool]
        if all(lines):
            yield label, [found[-1].val_bpb for found in lines], min(found[-1].digits for found in lines)


def _plain(label: str) -> str:
    return label.lower().removesuffix("_exact")


def several_experiments(pool: Sequence[Reading]) -> bool:
    """Whether the runs are of different models, so that they cannot all be one entry."""
    return len({one.params for one in pool if one.params is not None}) > 1
