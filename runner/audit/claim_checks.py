"""Findings about claims: score, mean, deviation, bytes and steps as the record states them, held against its logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from runner.audit.facts import Finding
from runner.audit.limits import primary
from runner.audit.reading import Reading
from runner.audit.severity import finding
from runner.audit.shown import Shown, spread
from runner.audit.statement import Statement
from runner.audit.submission import SeedClaim
from runner.audit.track import CAP_BYTES

NEAR_BPB = 0.03
"""README's numbers further from the logs' than that are about something else."""
NEAR_MEAN = 0.1
"""A headline further from its seeds' mean than that was never taken for it: a slip of the pen."""
NEAR_STEPS = 0.01
"""Share by which a number of steps in prose may be rounded."""


def claim_findings(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """Where claims and logs disagree."""
    counted = primary(readings)
    shown = [one for one in (counted or readings) if one.complete]
    if not shown:
        return
    score = list(_score(counted, shown, claim))
    yield from score
    lost = any(one.kind == "claim_mismatch_bpb" and one.severity == "error" for one in score)
    yield from _deviation(counted, claim)
    yield from _bytes(counted or shown, claim, lost)
    yield from _steps(counted or shown, claim, lost)


def _scores(readings: Sequence[Reading]) -> list[float]:
    return [one.bpb for one in readings if one.bpb is not None]


def _score(counted: list[Reading], shown: list[Reading], claim: Statement) -> Iterator[Finding]:
    headline, scores = claim.headline, _scores(shown)
    at = [one.at_score for one in shown]
    mean = fmean(scores)
    listed, lost = _listed_mean(claim), False
    if headline is not None:
        if headline.stands_for(mean) and counted:
            pass
        elif any(headline.stands_for(score) for score in scores) and counted:
            if len(scores) > 1 and (one := _mean_finding(headline, mean, scores, claim, at)):
                yield one
        elif not (headline.stands_for(mean, loose=True) and counted):
            yield finding(
                "claim_mismatch_bpb",
                "headline",
                f"claimed {_plain(headline)}; the logs show {_range(scores)}"
                + (f", mean {mean:.8g}" if len(scores) > 1 else ""),
                headline.where,
                *at,
            )
            # Where all seeds have their logs, those have told it already.
            unlogged = len(counted) < len(claim.counted_claims)
            near = unlogged and listed is not None and abs(headline - listed) < NEAR_MEAN
            if (
                near
                and listed is not None
                and not headline.stands_for(listed, loose=True)
                and not _is_listed(headline, claim)
            ):
                yield finding(
                    "claim_mismatch_mean",
                    "list",
                    f"claimed {_plain(headline)}; the mean of the seeds it lists is {listed:.6g}",
                    headline.where,
                )
            lost = True
    yield from _seed_scores(counted, claim)
    if counted and not lost:
        yield from _readme_scores(counted, claim)


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


def _listed_mean(claim: Statement) -> float | None:
    """The mean of the scores that are claimed for the seeds that count, where each has just one."""
    firsts = [one.bpbs[0] for one in claim.counted_claims if len(one.bpbs) == 1]
    return fmean(firsts) if len(firsts) > 1 and len(firsts) == len(claim.counted_claims) else None


def _is_listed(headline: Shown, claim: Statement) -> bool:
    return any(
        headline.stands_for(bpb) or bpb.stands_for(headline) for one in claim.counted_claims for bpb in one.bpbs
    )


def _seed_scores(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """Scores that submission.json gives for single seeds."""
    wrong = []
    for seed, claims in _claims_by_seed(claim.submission.per_seed):
        runs = [run for run in counted if run.seed == seed and run.complete]
        told = [bpb for one in claims for bpb in one.bpbs if bpb.digits >= 3]
        if len(runs) == 1 and told:
            known = _every(runs[0])
            if not any(bpb.stands_for(score, loose=True) for bpb in told for score in known):
                wrong.append((seed, told[0], runs[0]))
    if wrong:
        said = "; ".join(
            f"seed {seed}: claimed {_plain(bpb)}, {run.name} shows {run.bpb}" for seed, bpb, run in wrong
        )
        places = [place for _, bpb, run in wrong for place in (bpb.where, run.at_score)]
        yield finding("claim_mismatch_bpb", "seed", said, *places)


def _claims_by_seed(claims: Sequence[SeedClaim]) -> list[tuple[int, list[SeedClaim]]]:
    """Claims of each seed: one that is told of twice (rerun, other settings) is right if either is."""
    found: dict[int, list[SeedClaim]] = {}
    for one in claims:
        found.setdefault(one.seed, []).append(one)
    return list(found.items())


def _every(run: Reading) -> list[float]:
    """All scores that a run's log states, so that a claim about another of its evaluations is not held against it."""
    return [line.val_bpb for line in run.draft.scores]


def _readme_scores(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """README speaks of scores, and none is the headline's or the logs'."""
    scores = _scores(counted)
    known = [*scores, fmean(scores)]
    stated = [bpb for bpb in claim.readme.bpbs if any(abs(bpb - score) < NEAR_BPB for score in known)]
    agree = any(bpb.stands_for(score, loose=True) for bpb in stated for score in known)
    if stated and not agree:
        yield finding(
            "claim_mismatch_bpb",
            "readme",
            f"README gives {_plain(stated[-1])}; the logs show {_range(scores)}",
            stated[-1].where,
            *(one.at_score for one in counted),
        )


def _deviation(counted: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    scores = _scores(counted)
    sample, population = spread(scores, sample=True), spread(scores, sample=False)
    if sample is None or population is None or population == 0:
        return
    stated = (*claim.submission.deviations, *claim.readme.deviations)
    told = [number for number in stated if number.stands_for(population) and not number.stands_for(sample)]
    right = any(number.stands_for(sample) and not number.stands_for(population) for number in stated)
    if told and not right:
        yield finding(
            "wrong_std",
            "population",
            f"{_plain(told[0])} is the population's deviation of {len(scores)} runs; the sample's is {sample:.6f}",
            *(number.where for number in told),
        )


def _bytes(shown: Sequence[Reading], claim: Statement, lost: bool) -> Iterator[Finding]:
    wrong: list[tuple[str, Shown]] = []
    totals = [one.total for one in shown if one.total is not None]
    models = [one.model for one in shown if one.model is not None]
    codes = [code for one in shown for code in (one.code, *one.draft.codes) if code is not None]
    submission = claim.submission
    if submission.total is not None and totals:
        near = [*totals, *models, fmean(totals)]
        if not any(_same(submission.total, size) for size in near):
            wrong.append(("total", submission.total))
    if submission.code is not None and codes and not any(_same(submission.code, size) for size in codes):
        wrong.append(("program", submission.code))
    for model in submission.models:
        if models and not any(_same(model, size) for size in (*models, fmean(models), *totals)):
            wrong.append(("model", model))
    told = claim.readme.totals
    if told and totals and not any(_same(size, known) for size in told for known in (*totals, *models, *codes)):
        wrong.append(("total (README)", told[0]))
    wrong += _seed_bytes(shown, (*submission.per_seed, *claim.readme.per_seed))
    if not wrong:
        return
    over = [total for total in totals if total > CAP_BYTES]
    hides = bool(over) and any(what == "total" and size <= CAP_BYTES for what, size in wrong)
    said = "; ".join(f"claimed {what} {size:,.0f}" for what, size in wrong)
    logged = " / ".join(f"{total:,}" for total in totals[:5]) + (
        f" (program {' / '.join(f'{code:,}' for code in dict.fromkeys(codes))})" if codes else ""
    )
    yield finding(
        "claim_mismatch_bytes",
        "hides" if hides else "none" if lost else "off",
        f"{said}; the logs say {logged}",
        *(size.where for _, size in wrong),
        *(one.at("total_bytes") for one in shown),
    )


def _seed_bytes(shown: Sequence[Reading], claims: Sequence[SeedClaim]) -> Iterator[tuple[str, Shown]]:
    for seed, group in _claims_by_seed(claims):
        runs = [run for run in shown if run.seed == seed and run.total is not None]
        sizes = [size for one in group for size in one.bytes]
        if (
            len(runs) == 1
            and sizes
            and not any(_same(size, runs[0].total) or _same(size, runs[0].model) for size in sizes)
        ):
            yield f"for seed {seed}", sizes[0]


def _same(claimed: Shown, logged: float | None) -> bool:
    return logged is not None and abs(claimed - logged) < 1


def _steps(shown: Sequence[Reading], claim: Statement, lost: bool) -> Iterator[Finding]:
    logged = [one.steps for one in shown if one.steps]
    if not logged:
        return
    wrong: list[str] = []
    places: list[str] = []
    mean = fmean(logged)
    for number in claim.submission.steps:
        if float(number) not in logged and not number.stands_for(mean, loose=True):
            wrong.append(f"claimed {number:,.0f}")
            places.append(number.where)
    for seed, group in _claims_by_seed((*claim.submission.per_seed, *claim.readme.per_seed)):
        runs = [run for run in shown if run.seed == seed and run.steps]
        numbers = [number for one in group for number in one.steps]
        if len(runs) == 1 and numbers and not any(_is_steps(number, runs[0].steps) for number in numbers):
            wrong.append(f"seed {seed}: claimed {numbers[0]:,.0f}")
            places.append(numbers[0].where)
    told = claim.readme.steps
    if told and not any(abs(number / steps - 1) < NEAR_STEPS for number in told for steps in (*logged, mean)):
        wrong.append(f"README says {told[0]:,.0f}")
        places.append(told[0].where)
    if wrong:
        said = " / ".join(f"{steps:,}" for steps in dict.fromkeys(logged))
        yield finding(
            "claim_mismatch_steps",
            "model" if lost else "off",
            f"{'; '.join(dict.fromkeys(wrong))}; the logs say {said}",
            *places,
            *(one.at("steps") for one in shown),
        )


def _is_steps(claimed: Shown, logged: int | None) -> bool:
    """Exact, or near where the claim has a tilde."""
    return logged is not None and (
        float(claimed) == logged or (claimed.digits < 0 and abs(claimed / logged - 1) < NEAR_STEPS)
    )


def _plain(number: Shown) -> str:
    return f"{float(number):.{number.digits}f}"


def _range(scores: Sequence[float]) -> str:
    low, high = min(scores), max(scores)
    return f"{low:.8g}" if low == high else f"{low:.8g} to {high:.8g}"
