"""A comparison of seeds in words: what was asked, what came out, why it cannot be decided, what it would take.

Every sentence is plain text, the same on the terminal and in a record's README; layout is elsewhere.
"""

from __future__ import annotations

import math

from reports.numbers import MISSING, fixed, known, signed
from runner.results import Comparison, Power
from runner.statistics import MOST_SEEDS, WANTED_POWER

OUTCOMES = {"holds": "The claim holds", "not shown": "The claim is not shown", "undecided": "Cannot be decided"}
BPB_DIGITS, NATS_DIGITS = 6, 5
MOST_DIGITS = 12


def probability(p: object) -> str:
    """A p value with four decimals, or as many more as show two digits of it."""
    number = known(p)
    if number is None:
        return MISSING
    if number < 10**-MOST_DIGITS:
        return f"below {10**-MOST_DIGITS:.{MOST_DIGITS}f}"
    digits = max(4, 1 - math.floor(math.log10(number)))
    return fixed(number, digits)


def share(value: object) -> str:
    """A probability in whole percent, never rounded to 0 % or 100 %."""
    number = known(value)
    if number is None:
        return MISSING
    percent = round(100 * number)
    return "under 1 %" if percent == 0 else "over 99 %" if percent == 100 else f"{percent} %"


def asked(found: Comparison) -> str:
    """What the policy asks for."""
    limit = f"p < {found.alpha:g}"
    if found.policy == "target":
        return f"a mean below the number to beat at {limit}"
    if found.margin_nats:
        return f"a gain of at least {found.margin_nats:g} nats/token at {limit}"
    return f"any gain at {limit}"


def outcome(found: Comparison) -> str:
    """One sentence: the outcome, what was asked, and the p where there is one."""
    words = f"{OUTCOMES[found.outcome]} by the policy {found.policy} ({asked(found)})"
    if found.test is None:
        return f"{words}."
    said = "would be" if found.outcome == "undecided" else "="
    return f"{words}: p {said} {probability(found.test.p)}."


def gain(found: Comparison) -> str:
    """The gain in both units with its interval; empty where an arm has no score."""
    one, two = found.baseline_bpb, found.candidate_bpb
    if one is None or two is None:
        return ""
    over = "the number to beat" if found.target is not None else found.baseline.name
    words = f"Gain over {over}: {signed(one.mean - two.mean, BPB_DIGITS)} bpb"
    if found.baseline_nats and found.candidate_nats:
        words += f" = {signed(found.baseline_nats.mean - found.candidate_nats.mean, NATS_DIGITS)} nats/token"
    test = found.test_nats or found.any_gain
    if test is None:
        return f"{words}; no interval."
    digits, unit = (NATS_DIGITS, "nats/token") if found.test_nats else (BPB_DIGITS, "bpb")
    return f"{words}, 95 % interval {signed(test.low, digits)} to {signed(test.high, digits)} {unit}."


def tests(found: Comparison) -> str:
    """Which test, its t, its degrees of freedom, and p for any gain; empty where none can be done."""
    if found.any_gain is None:
        return ""
    name = "Student's test against a number" if found.target is not None else "Welch's test"
    tested = found.test or found.any_gain
    words = f"{name}, one-sided, sample deviations: t = {tested.t:.2f} with {tested.df:.2f} degrees of freedom"
    if found.margin_nats:
        return f"{words}; for any gain at all p = {probability(found.any_gain.p)}."
    return f"{words}."


def power_lines(found: Comparison) -> list[str]:
    """What the seeds can show, at the measured gain and at the one asked about."""
    lines = []
    if found.power is not None:
        lines.append(_power(found, found.power, "the gain that was measured"))
    if found.power_at is not None:
        lines.append(_power(found, found.power_at, "a true gain"))
    return lines


def _power(found: Comparison, power: Power, what: str) -> str:
    amount = f"{fixed(power.gain_bpb, BPB_DIGITS)} bpb" if power.gain_nats is None else ""
    amount = amount or f"{fixed(power.gain_nats, NATS_DIGITS)} nats/token"
    stds = [fixed(std, BPB_DIGITS) for std in (power.std_baseline, power.std_candidate) if std is not None]
    start = f"At {what} of {amount} and deviations of {' and '.join(stds)} bpb ({power.std_from})"
    margin = found.margin_nats
    excess = (power.gain_nats if power.gain_nats is not None else power.gain_bpb) - margin
    if excess <= 0:
        least = f"the {margin:g} nats/token asked for" if margin else "nothing"
        return f"{start} no number of seeds would do: it is no more than {least}."
    now = "" if power.now is None else f" these seeds show it with a probability of {share(power.now)};"
    wanted = f"{WANTED_POWER:.0%}".replace("%", " %")
    if power.seeds_per_arm is None and power.candidate_seeds is None:
        return f"{start}{now} {MOST_SEEDS} seeds do not reach {wanted}."
    return f"{start}{now} {wanted} take {_seeds(found, power)}."


def _seeds(found: Comparison, power: Power) -> str:
    have = len(found.candidate.val_bpb)
    parts = []
    if power.candidate_seeds is not None:
        more = power.candidate_seeds - have
        beside = "" if found.target is not None else f" against these {len(found.baseline.val_bpb)}"
        extra = f", {more} more" if more > 0 else ""
        parts.append(f"{power.candidate_seeds} seeds of {found.candidate.name}{beside}{extra}")
    elif found.target is None:
        parts.append(f"more than {MOST_SEEDS} seeds of {found.candidate.name} against these")
    if power.seeds_per_arm is not None:
        parts.append(f"{power.seeds_per_arm} seeds in each arm")
    return ", or ".join(parts)
