"""Which runs a record's headline is made of, and what the others are to it.

A careful reader's order: runs that did not end, copies, and files that lie about are set aside first. Of the rest
those are primary whose mean is what the record claims; a set that the folder itself marks out (by file name, by seed,
by the cap) is tried before single runs. Where nothing agrees with the claim, all count, unless they are visibly of
different experiments. An earlier score line than the last is taken only where the claim says so digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from runner.audit.claims.shown import Shown
from runner.audit.claims.statement import NEAR_BPB, Statement
from runner.audit.facts import Role
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished, rounds_to
from runner.audit.track import CAP_BYTES

HIDDEN = re.compile(
    r"(?:^|/)\.|-checkpoint\.|(?:^|/)(?:old|backup|bak|archive|trash|tmp|junk|stray)s?/|\.bak\b|~$", re.IGNORECASE
)
ABLATION = re.compile(
    r"ablat|baseline|control|without|(?:^|[_/.-])no[_-]?(?:ttt|ema|swa|qat|slot)|_only\b|smoke|sweep|dry[_-]?run|debug|probe|proxy"
    r"|negative|(?:^|[_/.-])(?:test|trial|partial|stopped|aborted|crashed|failed)(?:[_/.-]|$)",
    re.IGNORECASE,
)
SEED_IN_NAME = re.compile(r"(?:^|[_./-])(?:seed|s|sd)[_-]?\d{1,9}|\d{2,9}(?=[_.-]|$)", re.IGNORECASE)


def assign_roles(readings: Sequence[Reading], claim: Statement, script_bytes: int | None) -> None:
    """Give each reading its role; may also choose an earlier score line as its final one."""
    for reading in readings:
        if not reading.complete:
            _end_as_claimed(reading, claim)
    pool = list(_set_aside(readings))
    if not pool:
        return
    agreeing = _choose(pool, claim)
    chosen = agreeing if agreeing is not None else [] if _several_experiments(pool) else pool
    for reading in pool:
        if not any(reading is one for one in chosen):
            reading.set_role(*_beside(reading, chosen, claim, script_bytes))


def _end_as_claimed(reading: Reading, claim: Statement) -> None:
    """A log that ends before its final score still shows a claim that is its last validation's number."""
    draft, headline = reading.draft, claim.headline
    for score in (*reversed(draft.scores), *([draft.validation] if draft.validation else ())):
        if headline is not None and headline.digits >= 4 and headline.stands_for(score.val_bpb):
            reading.end_before_export(score)
            return


def _set_aside(readings: Sequence[Reading]) -> Iterator[Reading]:
    """Mark what cannot count; yield the rest."""
    seen: dict[tuple[object, ...], Reading] = {}
    ordered = sorted(readings, key=lambda reading: bool(HIDDEN.search(reading.log)))
    for reading in ordered:
        mark = fingerprint(reading)
        if not reading.complete:
            reading.set_role("incomplete", "ends without a score of the compressed model")
        elif HIDDEN.search(reading.log):
            reading.set_role("stray", "lies in a hidden or set-aside place")
        elif mark is not None and mark in seen:
            reading.set_role("duplicate", f"the same run as {seen[mark].name}")
        else:
            if mark is not None:
                seen[mark] = reading
            yield reading


def fingerprint(reading: Reading) -> tuple[object, ...] | None:
    """What no two different runs share; None if the log says too little to tell."""
    mark = (reading.seed, reading.steps, reading.train_seconds, reading.bpb, reading.total)
    clocked = reading.train_seconds is not None and reading.draft.facts.get("step_avg_ms", 1) != 0
    return mark if clocked and reading.bpb is not None else None


Chooser = Callable[[list[Reading]], Iterator[list[Reading]]]


def _choose(pool: list[Reading], claim: Statement) -> list[Reading] | None:
    """The runs that the claim is made of; None if nothing agrees with it."""
    if len(pool) == 1 or claim.headline is None:
        _retake(pool, claim)
        return pool
    for chooser in (_all, _within_cap, _counted(claim), _by_file_name, _by_model):
        for group in chooser(pool):
            if group and _mean_is_claimed(group, claim, loose=False):
                return group
    if _retake(pool, claim):
        return pool
    by_seed = _by_seed_claims(pool, claim)
    if by_seed:
        return by_seed
    single = [one for one in pool if claim.headline is not None and _shows(one, claim.headline)]
    if single:
        if not claim.is_of_several:
            return single[:1]
        told = [one for one in pool if one in single or _told(one, claim) or _another_seed(one, single[0], pool)]
        return told if len({one.log for one in told}) > 1 else single
    for chooser in (_all, _within_cap, _counted(claim), _by_file_name):
        for group in chooser(pool):
            if group and _mean_is_claimed(group, claim, loose=True):
                return group
    named = next(iter(_counted(claim)(pool)), [])
    plain = [one for one in pool if not ABLATION.search(one.log)]
    return next((group for group in (named, plain) if group and not _several_experiments(group)), None)


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


def _mean_is_claimed(group: Sequence[Reading], claim: Statement, *, loose: bool) -> bool:
    scores = [one.bpb for one in group if one.bpb is not None]
    if len(scores) < 2:
        return False
    mean = sum(scores) / len(scores)
    first = claim.headline
    # README's other means may be those of another entry: only precise ones near the headline count.
    readme = [one for one in claim.readme.means if one.digits >= 4 and (first is None or abs(one - first) < NEAR_BPB)]
    named = (*(() if first is None else (first,)), *claim.submission.means, *readme)
    return any(number.digits >= 3 and number.stands_for(mean, loose=loose) for number in named)


def _shows(reading: Reading, number: Shown) -> bool:
    return reading.bpb is not None and number.digits >= 2 and number.stands_for(reading.bpb)


def _told(reading: Reading, claim: Statement) -> bool:
    """Whether the record speaks of this run's score."""
    said = (*claim.readme.bpbs, *(bpb for one in claim.submission.per_seed for bpb in one.bpbs))
    return any(number.digits >= 4 and _shows(reading, number) for number in said)


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
        showing = [run for run in pool if run.seed in (one.seed, None) and any(_shows(run, bpb) for bpb in one.bpbs)]
        others = [run for run in pool if run.seed == one.seed and not ABLATION.search(run.log)]
        agrees = agrees or bool(showing)
        found += [run for run in (showing[:1] or others[-1:]) if run not in found]
    return found if agrees else []


def _retake(pool: list[Reading], claim: Statement) -> bool:
    """Take earlier score lines where the claim is exactly their number or their mean and not the last lines'."""
    headline = claim.headline
    if headline is None or headline.digits < 4:
        return False
    if all(_shows(one, headline) for one in pool) or _mean_is_claimed(pool, claim, loose=False):
        return False
    labels = [line.label for line in finished(pool[0].draft.scores)]
    for label in dict.fromkeys(reversed(labels)):
        lines = [[line for line in finished(one.draft.scores) if line.label == label] for one in pool]
        if all(lines):
            values = [found[-1].val_bpb for found in lines]
            digits = min(found[-1].digits for found in lines)
            mean = sum(values) / len(values)
            if digits >= 4 and rounds_to(mean, headline, headline.digits) and headline.stands_for(mean):
                for one in pool:
                    one.end_at(label)
                return True
    return False


def _several_experiments(pool: Sequence[Reading]) -> bool:
    """Whether the runs are of different models, so that they cannot all be one entry."""
    return len({one.params for one in pool if one.params is not None}) > 1


def _beside(
    reading: Reading, chosen: Sequence[Reading], claim: Statement, script_bytes: int | None
) -> tuple[Role, str]:
    """The role of a run that the headline is not made of."""
    if not chosen:
        own = None in (script_bytes, reading.code) or script_bytes in (reading.code, *reading.draft.codes)
        if not own and not claim.readme_is_its_own and _told(reading, claim):
            return (
                "copied",
                f"README tells of it, but its program has {reading.code:,} bytes, the folder's {script_bytes:,}",
            )
        return "other_experiment", "shows neither the claimed score nor the claimed size"
    if any(one.log == reading.log and one.index > reading.index for one in chosen):
        return "superseded", "an earlier run in the log whose later one is claimed"
    if ABLATION.search(reading.log):
        return "ablation", "named as one"
    if reading.total is not None and reading.total > CAP_BYTES:
        return "excluded", "over the cap, and not in the claimed mean"
    if claim.counted_seeds and reading.seed is not None and reading.seed not in claim.counted_seeds:
        return "excluded", "its seed is not among those that count"
    if any(one.params == reading.params for one in chosen):
        return "rerun", "another run of the claimed model"
    return "other_experiment", "another model than the claimed runs'"
