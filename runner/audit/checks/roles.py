"""Which runs a record's headline is made of, and what the others are to it.

A careful reader's order: runs that did not end, copies, and files that lie about are set aside first. Of the rest
those are primary whose mean is what the record claims; a set that the folder itself marks out (by file name, by seed,
by the cap) is tried before single runs. Where nothing agrees with the claim, all count, unless they are visibly of
different experiments. An earlier score line than the last is taken only where the claim says so digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from runner.audit.claims.shown import Shown, says, says_mean
from runner.audit.claims.statement import NEAR_BPB, Statement
from runner.audit.facts import Role
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished, rounds_to, same_score
from runner.audit.track import CAP_BYTES

HIDDEN = re.compile(
    r"(?:^|/)\.|-checkpoint\.|(?:^|/)(?:old|backup|bak|archive|trash|tmp|junk|stray|reference|upstream|prior|parent|base_?line)s?(?:[_-]\w{0,40})?/"
    r"|\.bak\b|~$",
    re.IGNORECASE,
)
ABLATION = re.compile(
    r"ablat|baseline|control|without|(?:^|[_/.-])no[_-]?(?:ttt|ema|swa|qat|slot)|_only\b|smoke|sweep|dry[_-]?run|debug|probe|proxy"
    r"|negative|(?:^|[_/.-])(?:test|trial|partial|stopped|aborted|crashed|failed)(?:[_/.-]|$)",
    re.IGNORECASE,
)
ECHO_DIGITS = 6
"""Decimals that two runs share only if they are one, where no clock tells them apart."""
CLOCK_S = 0.051
"""Seconds by which two prints of one clock may differ."""
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
    for score in (*reversed(reading.scores), *([draft.validation] if draft.validation else ())):
        if headline is not None and headline.digits >= 4 and headline.stands_for(score.val_bpb):
            reading.end_before_export(score)
            return


def is_aside(log: str) -> bool:
    """Whether a log's name says that it is no part of the entry."""
    return HIDDEN.search(log) is not None or ABLATION.search(log) is not None


def shows_a(claim: Statement) -> Callable[[Reading], bool]:
    """Whether a reading's score is one that the record claims, for the whole or for a seed."""
    told = [bpb for one in claim.counted_claims for bpb in one.bpbs]
    claimed = [*told, *((claim.headline,) if claim.headline is not None else ())]

    def shows(reading: Reading) -> bool:
        return any(number.digits >= 3 and _shows(reading, number) for number in claimed)

    return shows


def _set_aside(readings: Sequence[Reading]) -> Iterator[Reading]:
    """Mark what cannot count; yield the rest."""
    seen: list[Reading] = []
    ordered = sorted(
        readings, key=lambda reading: (bool(HIDDEN.search(reading.log)), not reading.draft.trained, reading.seed is None)
    )
    for reading in ordered:
        if not reading.complete:
            reading.set_role("incomplete", "ends without a score of the compressed model")
        elif HIDDEN.search(reading.log):
            reading.set_role("stray", "lies in a hidden or set-aside place")
        elif (twin := next((other for other in seen if same_run(other, reading)), None)) is not None:
            reading.copy_of = twin
            reading.set_role("duplicate", f"the same run as {twin.name}")
        else:
            seen.append(reading)
    yield from (one for one in readings if any(one is other for other in seen))


def same_run(one: Reading, other: Reading) -> bool:
    """Whether two readings are of one run: what both print agrees, and a score and a clock are among it."""
    if one.final is None or other.final is None or not same_score(one.final.line, other.final.line):
        return False
    for mine, theirs in ((one.seed, other.seed), (one.steps, other.steps), (one.total, other.total), (one.params, other.params)):
        if None not in (mine, theirs) and mine != theirs:
            return False
    digits = min(one.final.line.digits, other.final.line.digits)
    if not (one.draft.trained and other.draft.trained):  # an echo of the scoring alone
        return digits >= ECHO_DIGITS and (one.seed is None or other.seed is None or one.seed == other.seed)
    mine_s, theirs_s = one.train_seconds, other.train_seconds
    if mine_s is None or theirs_s is None:
        return digits >= ECHO_DIGITS and one.steps is not None and one.steps == other.steps
    unclocked = 0 in (one.draft.facts.get("step_avg_ms", 1), other.draft.facts.get("step_avg_ms", 1))
    return not unclocked and abs(mine_s - theirs_s) < CLOCK_S


Chooser = Callable[[list[Reading]], Iterator[list[Reading]]]


def _choose(pool: list[Reading], claim: Statement) -> list[Reading] | None:
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
        if any(_shows(one, claim.headline) for one in group) and _mean_is_claimed(group, _means(claim), loose=False):
            return group
    for group in groups:
        if _retake(group, claim):
            return group
    loosely = [
        group for chooser in (_all, _within_cap, _counted(claim), _by_file_name) for group in chooser(pool)
        if group and _mean_is_claimed(group, (claim.headline, *_means(claim)), loose=True)
    ]
    shown = any(_shows(one, claim.headline) for one in pool)
    if not shown and not loosely and _retake_best(pool, claim):
        return pool
    if by_seed:
        return by_seed
    single = [one for one in pool if _shows(one, claim.headline)]
    if single:
        if not claim.is_of_several:
            return single[:1]
        told = [one for one in pool if one in single or _told(one, claim) or _another_seed(one, single[0], pool)]
        return told if len({one.log for one in told}) > 1 else single
    if loosely:
        return loosely[0]
    named = next(iter(_counted(claim)(pool)), [])
    plain = [one for one in pool if not ABLATION.search(one.log)]
    chosen = next((group for group in (named, plain) if group and not _several_experiments(group)), None)
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
    """Numbers beside the headline that are said to be its mean: README's may be those of another entry, so only near ones."""
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
        number.digits >= 3 and (number.stands_for(mean, loose=loose) or says_mean(number, scores, digits)) for number in named
    )


def _shows(reading: Reading, number: Shown) -> bool:
    return reading.final is not None and number.digits >= 2 and says(number, reading.final.line.val_bpb, reading.final.line.digits)


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


def _retake(pool: Sequence[Reading], claim: Statement) -> bool:
    """Take earlier score lines where the claim is exactly their number or their mean and not the last lines'."""
    headline = claim.headline
    if headline is None or headline.digits < 4:
        return False
    if all(_shows(one, headline) for one in pool) or _mean_is_claimed(pool, (headline, *_means(claim)), loose=False):
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
        if headline is not None and digits >= 4 and any(headline.digits >= 4 and headline.stands_for(one) for one in values):
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
