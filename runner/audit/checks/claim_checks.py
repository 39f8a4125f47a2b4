"""Findings about claims: scores (`score_checks.py`), bytes and steps as the record states them, against its logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from runner.audit.checks.limits import primary
from runner.audit.checks.score_checks import listed_findings, score_findings
from runner.audit.claims.seed_claims import SeedClaim
from runner.audit.claims.shown import Shown
from runner.audit.claims.statement import Statement, claims_by_seed
from runner.audit.facts import Finding
from runner.audit.reading.runs import LARGEST_PROGRAM, Reading
from runner.audit.severity import finding
from runner.audit.track import CAP_BYTES

ROUND_MB = 0.06
"""Megabytes by which a size may be rounded, up or down."""
ROUND_BYTES = 1_000
"""The coarsest step to which a size in bytes is believed to be rounded."""
SHOWN = 5
"""Sizes that a finding lists; of more it says how many."""
NEAR_STEPS = 0.01
"""Share by which a number of steps in prose may be rounded."""


def claim_findings(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """Where claims and logs disagree."""
    counted = primary(readings)
    shown = [one for one in (counted or readings) if one.complete]
    if not shown:
        yield from listed_findings(claim)
        return
    score = list(score_findings(counted, shown, claim))
    yield from score
    lost = any(one.kind == "claim_mismatch_bpb" and one.severity == "error" for one in score)
    yield from _bytes(counted or shown, claim, lost)
    yield from _steps(counted or shown, claim, lost)


def _bytes(shown: Sequence[Reading], claim: Statement, lost: bool) -> Iterator[Finding]:
    wrong: list[tuple[str, Shown]] = []
    totals = [one.total for one in shown if one.total is not None]
    models = [one.model for one in shown if one.model is not None]
    codes = [code for one in shown for code in (one.code, *one.draft.codes) if code is not None]
    submission = claim.submission
    alone: list[tuple[str, Shown]] = []
    right = False
    if submission.total is not None and totals:
        right = any(_same(submission.total, size) for size in (*totals, fmean(totals))) or any(
            0 <= submission.total - (one.draft.whole("lone_artifact") or submission.total + 1) <= LARGEST_PROGRAM
            for one in shown
        )
        if not right:
            of_model = any(_same(submission.total, size) for size in (*models, *((fmean(models),) if models else ())))
            (alone if of_model else wrong).append(("total", submission.total))
    megabytes = submission.megabytes
    if megabytes is not None and totals:
        sizes = [size / unit for size in (*totals, *models, fmean(totals)) for unit in (1e6, 2**20)]
        if not any(megabytes.stands_for(size) or abs(megabytes - size) < ROUND_MB for size in sizes):
            wrong.append(("megabytes", megabytes))
    if submission.code is not None and codes and not any(_same(submission.code, size) for size in codes):
        wrong.append(("program", submission.code))
    for model in submission.models:
        if models and not any(_same(model, size) for size in (*models, fmean(models), *totals)):
            wrong.append(("model", model))
    told = claim.readme.totals
    if (
        told
        and totals
        and not right
        and not any(
            _same(size, known)
            for size in told
            for known in (*totals, *models, *codes, fmean(totals), fmean(models or totals))
        )
    ):
        wrong.append(("total (README)", told[0]))
    wrong += _seed_bytes(shown, (*submission.per_seed, *claim.readme.per_seed))
    if not wrong and not alone:
        return
    whole = "off" if wrong else "alone"
    wrong = [*wrong, *((f"{what} (the model's without the program)", size) for what, size in alone)]
    over = [total for total in totals if total > CAP_BYTES]
    hides = bool(over) and any(
        what.startswith("total") and "README" not in what and size <= CAP_BYTES for what, size in wrong
    )
    said = "; ".join(f"claimed {what} {size:,.{2 if what == 'megabytes' else 0}f}" for what, size in wrong)
    more = f" and {len(totals) - SHOWN} more" if len(totals) > SHOWN else ""
    programs = f" (program {' / '.join(f'{code:,}' for code in dict.fromkeys(codes))})" if codes else ""
    logged = f"{' / '.join(f'{total:,}' for total in totals[:SHOWN])}{more}{programs}"
    yield finding(
        "claim_mismatch_bytes",
        "hides" if hides else "none" if lost and whole == "off" else whole,
        f"{said}; the logs say {logged}",
        *(size.where for _, size in wrong),
        *(one.at("total_bytes") for one in shown),
    )


def _seed_bytes(shown: Sequence[Reading], claims: Sequence[SeedClaim]) -> Iterator[tuple[str, Shown]]:
    for seed, group in claims_by_seed(claims):
        runs = [run for run in shown if run.seed == seed and run.total is not None]
        sizes = [size for one in group for size in one.bytes]
        if (
            len(runs) == 1
            and sizes
            and not any(_same(size, runs[0].total) or _same(size, runs[0].model) for size in sizes)
        ):
            yield f"for seed {seed}", sizes[0]


def _same(claimed: Shown, logged: float | None) -> bool:
    """Whether a claimed size is the logged one; one that ends with zeros may be rounded to them."""
    whole = int(claimed)
    zeros = len(str(whole)) - len(str(whole).rstrip("0"))
    slack = min(10**zeros, ROUND_BYTES) / 2 if zeros >= 3 else 1
    return logged is not None and abs(claimed - logged) < slack


def _steps(shown: Sequence[Reading], claim: Statement, lost: bool) -> Iterator[Finding]:
    logged = [one.steps for one in shown if one.steps]
    if not logged:
        return
    wrong: list[str] = []
    of_seeds: list[str] = []
    places: list[str] = []
    mean = fmean(logged)
    planned = {one.draft.facts.get("planned_steps") for one in shown}
    for number in claim.submission.steps:
        if float(number) in planned:
            continue  # a setting, not what was reached
        if float(number) not in logged and not number.stands_for(mean, loose=True):
            wrong.append(f"claimed {number:,.0f}")
            places.append(number.where)
    for seed, group in claims_by_seed((*claim.submission.per_seed, *claim.readme.per_seed)):
        runs = [run for run in shown if run.seed == seed and run.steps]
        numbers = [number for one in group for number in one.steps]
        if len(runs) == 1 and numbers and not any(_is_steps(number, runs[0].steps) for number in numbers):
            of_seeds.append(f"seed {seed}: claimed {numbers[0]:,.0f}, its log says {runs[0].steps:,}")
            places += [numbers[0].where, runs[0].at("steps")]
    told = claim.readme.steps
    if told and not any(_near_steps(number, steps) for number in told for steps in (*logged, mean)):
        wrong.append(f"README says {told[0]:,.0f}")
        places.append(told[0].where)
    if wrong:
        wrong.append(f"the logs say {' / '.join(f'{steps:,}' for steps in dict.fromkeys(logged))}")
        places += [one.at("steps") for one in shown]
    if wrong or of_seeds:
        said = "; ".join(dict.fromkeys((*of_seeds, *wrong)))
        yield finding("claim_mismatch_steps", "model" if lost else "off", said, *places)


def _near_steps(claimed: Shown, logged: float) -> bool:
    """Whether a round number can stand for another: to a hundredth, or to its last digit that is not zero."""
    whole = int(claimed)
    unit = 10 ** (len(str(whole)) - len(str(whole).rstrip("0")))
    return abs(claimed - logged) <= max(NEAR_STEPS * logged, unit / 2 if unit >= 100 else 0)


def _is_steps(claimed: Shown, logged: int | None) -> bool:
    """Exact, or near where the claim has a tilde or is round."""
    if logged is None:
        return False
    return float(claimed) == logged or ((claimed.digits < 0 or claimed % 100 == 0) and _near_steps(claimed, logged))
