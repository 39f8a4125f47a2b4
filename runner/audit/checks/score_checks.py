"""Findings about the claimed score: the headline, the mean, single seeds, README's numbers, the deviation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import fmean

from runner.audit.claims.shown import Shown, says, says_mean, spread
from runner.audit.claims.statement import Statement, claims_by_seed
from runner.audit.facts import Finding
from runner.audit.reading.runs import Reading
from runner.audit.severity import finding

ANY_SCORE = re.compile(r"(?<![\d.])[0-4]\.\d{2,10}(?![\d.])")
NEAR_BPB = 0.03
"""README's numbers further from the logs' than that are about something else."""
NEAR_MEAN = 0.1
"""A headline further from its seeds' mean than that was never taken for it: a slip of the pen."""
SEED_SPREAD = 0.003
"""Seeds of one model differ by less: a mean over seeds without a log may be that far from those with one."""


def _scores(readings: Sequence[Reading]) -> list[float]:
    return [one.bpb for one in readings if one.bpb is not None]


def score_findings(counted: list[Reading], shown: list[Reading], claim: Statement) -> Iterator[Finding]:
    """Where the claimed score, its mean or its deviation is not what the logs show."""
    wrong = list(_headline(counted, shown, claim))
    yield from wrong
    yield from _seed_scores(counted, claim)
    if counted and not any(one.kind == "claim_mismatch_bpb" for one in wrong):
        yield from _readme_scores(counted, claim)
        if not wrong:
            yield from listed_findings(claim, _scores(counted))
    yield from _deviation(counted, claim)


def _digits(readings: Sequence[Reading]) -> int:
    return min((one.final.line.digits for one in readings if one.final), default=0)


def _headline(counted: list[Reading], shown: list[Reading], claim: Statement) -> Iterator[Finding]:
    headline, scores, digits = claim.headline, _scores(shown), _digits(shown)
    if headline is None:
        return
    at, mean = [one.at_score for one in shown], fmean(scores)
    if counted and says_mean(headline, scores, digits):
        return
    if counted and any(says(headline, score, digits) for score in scores):
        if len(scores) > 1 and (one := _mean_finding(headline, mean, scores, claim, at)):
            yield one
        return
    if counted and (headline.stands_for(mean, loose=True) or _mean_of_listed(headline, counted, claim)):
        return
    unlogged = bool(counted) and len(counted) < max(claim.n_seeds or 1, len(claim.counted_claims))
    if unlogged and _may_be_of_all_seeds(headline, mean, counted, claim):
        return
    several = f", mean {mean:.8g}" if len(scores) > 1 else ""
    said = f"claimed {_plain(headline)}; the logs show {_range(scores)}{several}"
    yield finding("claim_mismatch_bpb", "headline", said, headline.where, *at)
    if unlogged:
        yield from listed_findings(claim, scores, unlogged=True)


def _mean_of_listed(headline: Shown, counted: Sequence[Reading], claim: Statement) -> bool:
    """Whether the headline is the mean of rounded scores, each of which is its log's."""
    told = claims_by_seed(claim.counted_claims)
    right = all(
        any(bpb.stands_for(run.bpb, loose=True) for one in group for bpb in one.bpbs)
        for seed, group in told
        for run in counted
        if run.seed == seed and run.bpb is not None
    )
    return len(told) == len(counted) > 1 and right and any(headline.stands_for(mean) for mean in _listed_means(claim))


def _may_be_of_all_seeds(headline: Shown, mean: float, counted: Sequence[Reading], claim: Statement) -> bool:
    """Whether the headline can be right although seeds without a log went into it."""
    if claim.counted_claims:
        agree = all(
            any(bpb.stands_for(run.bpb, loose=True) for one in claim.counted_claims for bpb in one.bpbs)
            for run in counted
            if run.bpb is not None
        )
        return agree and any(headline.stands_for(listed, loose=True) for listed in _listed_means(claim))
    return abs(headline - mean) < SEED_SPREAD


def listed_findings(claim: Statement, logged: Sequence[float] = (), *, unlogged: bool = False) -> Iterator[Finding]:
    """The headline against the mean of the scores that are listed for single seeds.

    `logged` are the runs' own scores; `unlogged` says that they do not show the headline, and that seeds have no log.
    """
    headline = claim.headline
    if headline is None or (logged and not claim.submission.per_seed):
        return
    means = [mean for mean in _listed_means(claim) if abs(headline - mean) < NEAR_MEAN]
    if not means or any(headline.stands_for(mean, loose=True) for mean in means):
        return
    near = min(means, key=lambda mean: abs(mean - headline))
    of_one = any(
        headline.stands_for(bpb) or bpb.stands_for(headline) for one in claim.counted_claims for bpb in one.bpbs
    )
    n = len(claim.counted_claims)
    if of_one:
        given = any(number.stands_for(near, loose=True) for number in claim.means[1:] if number.digits >= 3)
        condition = "single" if headline < near and not given else "beside"
        said = f"the headline {_plain(headline)} is one seed's score; the mean of the {n} listed ones is {near:.8g}"
    else:
        condition = "listed" if logged and not unlogged else "list"
        said = f"claimed {_plain(headline)}; the mean of the {n} seeds it lists is {near:.6g}"
    yield finding("claim_mismatch_mean", condition, said, headline.where)


def _mean_finding(
    headline: Shown, mean: float, scores: Sequence[float], claim: Statement, at: Sequence[str]
) -> Finding | None:
    """The headline is one run's score where there are several."""
    if headline.stands_for(mean, loose=True) and headline.digits < 4:
        return None
    given = any(number.stands_for(mean, loose=True) for number in claim.means[1:] if number.digits >= 3)
    better = headline < mean and not headline.stands_for(mean, loose=True)
    return finding(
        "claim_mismatch_mean",
        "single" if better and not given else "beside",
        f"the headline {_plain(headline)} is one run's score; the mean of the {len(scores)} runs is {mean:.8g}",
        headline.where,
        *at,
    )


def _listed_means(claim: Statement) -> list[float]:
    """Means of the scores claimed for the seeds that count: one for each column that all seeds have."""
    columns = {len(one.bpbs) for one in claim.counted_claims}
    if len(claim.counted_claims) < 2 or len(columns) != 1:
        return []
    return [fmean(column) for column in zip(*(one.bpbs for one in claim.counted_claims), strict=True)]


def _seed_scores(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """Scores that submission.json gives for single seeds; a claim about another of a run's evaluations is no lie."""
    wrong = []
    for seed, claims in claims_by_seed(claim.submission.per_seed):
        runs = [run for run in counted if run.seed == seed and run.complete]
        told = [bpb for one in claims for bpb in one.bpbs if bpb.digits >= 3]
        if len(runs) != 1 or not told:
            continue
        if not any(says(bpb, line.val_bpb, line.digits, loose=True) for bpb in told for line in runs[0].scores):
            wrong.append((seed, told[0], runs[0]))
    if wrong:
        said = "; ".join(
            f"seed {seed}: claimed {_plain(bpb)}, {run.name} shows {run.bpb}" for seed, bpb, run in wrong
        )
        places = [place for _, bpb, run in wrong for place in (bpb.where, run.at_score)]
        yield finding("claim_mismatch_bpb", "seed", said, *places)


def _readme_scores(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """README speaks of scores, and none is the headline's or the logs'."""
    scores = _scores(counted)
    known = [*scores, fmean(scores)]
    stated = [bpb for bpb in claim.readme.bpbs if any(abs(bpb - score) < NEAR_BPB for score in known)]
    # Anywhere, rounded or with a tilde: only a README that nowhere says the right number misleads.
    anywhere = (*stated, *(Shown(match[0]) for match in ANY_SCORE.finditer(claim.readme.words)))
    agree = any(bpb.stands_for(score, loose=True) for bpb in anywhere for score in known)
    if stated and not agree:
        yield finding(
            "claim_mismatch_bpb",
            "readme",
            f"README gives {_plain(stated[-1])}; the logs show {_range(scores)}",
            stated[-1].where,
            *(one.at_score for one in counted),
        )


def _deviation(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """The population's deviation where the sample's is meant; each place that states one is judged by itself."""
    scores = _scores(counted)
    if len(scores) < 2 or spread(scores, sample=True) in (None, 0):
        return
    for stated in (claim.submission.deviations, claim.readme.deviations):
        told = [
            number
            for number in stated
            if number.where and _is(number, scores, sample=False) and not _is(number, scores, sample=True)
        ]
        right = any(_is(number, scores, sample=True) and not _is(number, scores, sample=False) for number in stated)
        if told and not right:
            sample = spread(scores, sample=True) or 0.0
            yield finding(
                "wrong_std",
                "population",
                f"{_plain(told[0])} is the population's deviation of {len(scores)} runs; the sample's "
                f"is {sample:.6f}",
                *(number.where for number in told),
            )
            return


def _is(number: Shown, scores: Sequence[float], *, sample: bool) -> bool:
    """Whether a number is the deviation of the scores, or of the scores rounded first."""
    for places in (None, 4, 5):
        values = scores if places is None else [round(score, places) for score in scores]
        exact = spread(values, sample=sample)
        if exact and number.stands_for(exact) and (places is None or number.digits > places):
            return True
    return False


def _plain(number: Shown) -> str:
    return f"{float(number):.{number.digits}f}"


def _range(scores: Sequence[float]) -> str:
    low, high = min(scores), max(scores)
    return f"{low:.8g}" if low == high else f"{low:.8g} to {high:.8g}"
