"""What a job's claim takes, for `golf plan`: seeds, hours and dollars, before any of them is spent.

How seeds scatter is taken from finished seeds of the same configuration and data where there are at least two, else
from the baseline's own; how long one takes from finished seeds on the same hardware, else it is the limits. Which of
them it was is said beside every figure.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from runner.compare.compare import POLICIES, Policy, plan_power
from runner.compare.obstacles import arm_obstacles, deviation
from runner.job.claim import ClaimSpec, SequentialSpec
from runner.job.spec import JobSpec, resolved
from runner.plan.past_results import PastSeed, past_seeds
from runner.plan.plan import Outline
from runner.plan.run_time import SETUP_GUESS_S, TryTime, price, rounds
from runner.plan.step_time import duration
from runner.results.comparisons import Power
from runner.results.datasets import DataFacts
from runner.sequential.planned import planned_rows
from runner.statistics import chance

Row = tuple[str, str]
DIGITS = 6


@dataclass(frozen=True)
class Past:
    """What finished seeds of this job's configuration and data say."""

    scores: tuple[float, ...] = ()
    """Final scores, bits per byte."""
    seconds: tuple[float, ...] = ()
    """Wall time of training and evaluation on the planned hardware."""


def past_of(output: Path, job: JobSpec, script_sha256: str, hardware: str) -> Past:
    """Look through what lies under `output`; a run that lies there twice counts once."""
    own = resolved(job)
    seen: dict[tuple[str, float], float | None] = {}
    for past in past_seeds(output, lambda other: _same_work(own, other)):
        if job.script is not None and past.result.get("script_sha256") != script_sha256:
            continue
        score = _number(past.result, "final_score", "val_bpb")
        if score is not None and score > 0:
            seen.setdefault((past.seed, score), _seconds(past, hardware))
    return Past(tuple(score for _, score in seen), tuple(seconds for seconds in seen.values() if seconds is not None))


def _same_work(own: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two resolved jobs are of one configuration and, by name, of one data set."""
    return own.get("config") == other.get("config") and _data_names(own) == _data_names(other)


def _data_names(job: dict[str, Any]) -> list[str]:
    data = job.get("data")
    if not isinstance(data, dict):
        return []
    return [PurePath(str(data.get(name) or "")).name for name in ("corpus", "path", "tokenizer")]


def _seconds(past: PastSeed, hardware: str) -> float | None:
    host = past.result.get("host")
    if not isinstance(host, dict) or host.get("hardware") != hardware:
        return None
    parts = [_number(past.result, phase, "wall_seconds") for phase in ("train", "eval")]
    return None if None in parts else sum(part for part in parts if part is not None)


def _number(result: dict[str, Any], *path: str) -> float | None:
    value: Any = result
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def claim_rows(plan: Outline, facts: DataFacts | None, one: TryTime, claim: ClaimSpec, past: Past) -> list[Row]:
    """Lines for `golf plan`. facts: of the data, None where it is not here; one: a try at its limits."""
    asked = claim.sequential
    rule = POLICIES[claim.policy].at(None if asked is None else asked.alpha)
    arm = claim.baseline.as_arm()
    obstacles = list(arm_obstacles(arm, number=rule.against_number))
    rows = [("claim", _claim(claim, rule)), *(("", f"cannot be decided: {reason}") for reason in obstacles)]
    own, source = planned_deviation(claim, past)
    if own is None:
        return [*rows, ("seeds needed", f"not known: {source}")]
    rows.append(("deviation", f"{own:.{DIGITS}f} bpb between seeds, {source}"))
    if facts is None:
        return [*rows, ("seeds needed", "not known without the data: what a nat per token is in bits per byte")]
    power = planned_power(plan, facts, claim, own)
    if power is None:
        return [*rows, ("seeds needed", "not known: the baseline has no deviation of its own")]
    if claim.sequential is not None:
        constant = math.log(2) * facts.val_bytes / facts.val_tokens
        looks, seeds = planned_rows(claim, claim.sequential, constant, own, len(plan.job.seeds))
        return [*rows, *looks, *_until_decided(plan, _each(one, past), seeds, claim.sequential)]
    return [*rows, ("seeds needed", _needed(power, rule, len(plan.job.seeds))), *_spending(plan, one, power, past)]


def planned_deviation(claim: ClaimSpec, past: Past) -> tuple[float | None, str]:
    """The deviation between seeds to plan with (bpb), and where it comes from, or why there is none."""
    if len(set(past.scores)) > 1:
        return statistics.stdev(past.scores), f"of {len(past.scores)} finished seeds of this configuration"
    theirs = deviation(claim.baseline)
    if theirs is not None:
        return theirs, "taken from the baseline: fewer than two finished seeds of this configuration are here"
    return None, "fewer than two finished seeds of this configuration are here, and the baseline has no deviation"


def planned_power(plan: Outline, facts: DataFacts, claim: ClaimSpec, own: float) -> Power | None:
    """Power at the claimed gain, converted by the job's own validation text."""
    rule = POLICIES[claim.policy]
    constant = math.log(2) * facts.val_bytes / facts.val_tokens
    return plan_power(
        claim.gain / constant,
        rule.margin_nats / constant,
        rule,
        constant,
        stds=(deviation(claim.baseline), own),
        sizes=(len(claim.baseline.val_bpb), len(plan.job.seeds)),
        std_from="planned",
    )


def _claim(claim: ClaimSpec, rule: Policy) -> str:
    scores = claim.baseline.val_bpb
    spread = deviation(claim.baseline)
    scatter = "" if spread is None else f" ± {spread:.{DIGITS}f}"
    seeds = "1 seed" if len(scores) == 1 else f"{len(scores)} seeds"
    over = (
        f"{claim.baseline.name} ({statistics.fmean(scores):.{DIGITS}f}{scatter} bpb, {seeds})"
        if scores
        else "nothing"
    )
    return f"a true gain of {claim.gain:g} nats/token over {over}; policy {claim.policy}: {rule.rule}"


def _needed(power: Power, rule: Policy, seeds: int) -> str:
    now = "" if power.now is None else f"; the job's {seeds} show it {chance(power.now)}"
    parts = []
    if power.candidate_seeds is not None:
        parts.append(f"{power.candidate_seeds}{'' if rule.against_number else ' against the baseline as it is'}")
    if power.seeds_per_arm is not None:
        parts.append(f"{power.seeds_per_arm} in each arm")
    told = (
        f"{' or '.join(parts)} (for a probability of {power.wanted:g})" if parts else f"more than {power.most_seeds}"
    )
    return f"{told}{now}"


def _each(one: TryTime, past: Past) -> tuple[float, str]:
    """Seconds of a seed, and where they come from."""
    if not past.seconds:
        return one.total, "at most, by the limits: no finished seed of it on this hardware is here"
    mean = statistics.fmean(past.seconds)
    return mean + SETUP_GUESS_S, f"a seed took {mean:.0f} s here, mean of {len(past.seconds)}"


def _until_decided(plan: Outline, each: tuple[float, str], seeds: float, asked: SequentialSpec) -> list[Row]:
    """Hours and dollars of the seeds to expect and of all, wave after wave, each seed in its first try."""

    def told(count: float, words: str) -> str:
        more = math.ceil(max(0.0, count - asked.least) / asked.step)
        seconds = (rounds(asked.least, plan) + more * rounds(asked.step, plan)) * each[0]
        cost = price(plan, [seconds], asked.least)
        return f"{duration(seconds)} {words}{cost and ', '}{cost}"

    return [
        ("for those", f"{told(seeds, 'expected')}; {each[1]}"),
        ("", f"{told(asked.most, 'if all seeds run')}; every seed in its first try"),
    ]


def _spending(plan: Outline, one: TryTime, power: Power, past: Past) -> list[Row]:
    """Hours and dollars of the seeds that are needed, where there are so many, each in one try."""
    seeds = power.candidate_seeds
    if seeds is None:
        return []
    each, source = _each(one, past)
    seconds = rounds(seeds, plan) * each
    cost = price(plan, [seconds], seeds)
    told = f"{duration(seconds)} ({seconds / 3600:.2f} h){cost and ', '}{cost}; {source}"
    return [("for those", f"{told}; every seed in its first try")]
