"""A comparison of seeds in words: what was asked, what came out, why it cannot be decided, what it would take.

Every sentence is plain text, the same on the terminal and in a record's README; layout is elsewhere.
"""

from __future__ import annotations

import math

from reports.numbers import MISSING, fixed, known, signed
from runner.results.comparisons import Comparison, Look, Power, Sequential
from runner.statistics import chance

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
    if found.sequential is not None and found.sequential.stage_wise is not None:
        return f"{words}, {stopped(found.sequential)}: p = {probability(found.sequential.stage_wise.p)}."
    said = "would be" if found.outcome == "undecided" else "="
    return f"{words}: p {said} {probability(found.test.p)}."


STOPS = {
    "holds": "stopped after",
    "futile": "given up after",
    "not shown": "looked at to the last,",
    "go on": "so far",
}


def stopped(found: Sequential) -> str:
    """When a claim that is looked at as its seeds come in was decided."""
    last = found.looks[-1]
    return f"{STOPS[last.decision]} {last.seeds} of at most {len(found.order)} seeds"


def look_lines(found: Sequential | None) -> list[str]:
    """One line a look: p, what it had to be below, and what came of it."""
    if found is None:
        return []
    return [
        f"{look.seeds} seeds: p {probability(look.p)}, to be below {probability(look.level)}: {came_of(look)}"
        for look in found.looks
    ]


def came_of(look: Look) -> str:
    """What a look led to."""
    chance_left = look.conditional_power
    left = "" if chance_left is None else f" (a later look shows it with a probability of {chance_left:.2f})"
    words = {"go on": "goes on", "holds": "holds", "futile": "out of reach", "not shown": "not shown"}
    return words[look.decision] + left


def gain(found: Comparison) -> str:
    """The gain in both units with its interval; empty where an arm has no score."""
    if found.gain_bpb is None:
        return ""
    over = "the number to beat" if found.target is not None else found.baseline.name
    words = f"Gain over {over}: {signed(found.gain_bpb, BPB_DIGITS)} bpb"
    if found.gain_nats is not None:
        words += f" = {signed(found.gain_nats, NATS_DIGITS)} nats/token"
    wise = None if found.sequential is None else found.sequential.stage_wise
    if wise is not None:
        scale, digits, unit = (
            (found.nats_per_bpb, NATS_DIGITS, "nats/token") if found.nats_per_bpb else (1.0, BPB_DIGITS, "bpb")
        )
        low, middle, high = (signed(scale * value, digits) for value in (wise.low, wise.middle, wise.high))
        return (
            f"{words}; by the design's looks {middle} {unit}, {found.confidence_percent} % interval {low} to {high}."
        )
    test = found.test_nats or found.any_gain
    if test is None:
        return f"{words}; no interval."
    digits, unit = (NATS_DIGITS, "nats/token") if found.test_nats else (BPB_DIGITS, "bpb")
    ends = f"{signed(test.low, digits)} to {signed(test.high, digits)} {unit}"
    return f"{words}, {found.confidence_percent} % interval {ends}."


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
    told = ((found.power, "the measured gain"), (found.power_at, "a true gain"))
    return [_power(found, power, what) for power, what in told if power is not None]


def _power(found: Comparison, power: Power, what: str) -> str:
    stds = [fixed(std, BPB_DIGITS) for std in (power.std_baseline, power.std_candidate) if std is not None]
    spread = f"{' and '.join(stds)} bpb ({power.std_from})"
    start = f"At {what} of {amount(power)} and deviations between seeds of {spread}"
    excess = (power.gain_bpb if power.gain_nats is None else power.gain_nats) - found.margin_nats
    if excess <= 0:
        margin = (
            f"more than {found.margin_nats:g} nats/token is asked for" if found.margin_nats else "that is no gain"
        )
        return f"{start} no number of seeds would do: {margin}."
    now = "" if power.now is None else f" these seeds show it {chance(power.now)};"
    return f"{start}{now} {needed(power, found.candidate.name, found.target is not None)}."


def amount(power: Power) -> str:
    """The assumed gain in nats/token, or in bpb where no constant is known."""
    if power.gain_nats is None:
        return f"{fixed(power.gain_bpb, BPB_DIGITS)} bpb"
    return f"{fixed(power.gain_nats, NATS_DIGITS)} nats/token"


def needed(power: Power, candidate: str, against_number: bool) -> str:
    """How many seeds show the gain as often as is asked for."""
    parts = []
    if power.candidate_seeds is not None:
        beside = "" if against_number else " against the baseline as it is"
        more = f" ({power.more_seeds} more)" if power.more_seeds else ""
        parts.append(f"{power.candidate_seeds} seeds of {candidate}{beside}{more}")
    if power.seeds_per_arm is not None:
        parts.append(f"{power.seeds_per_arm} seeds in each arm")
    if not parts:
        return f"up to {power.most_seeds} seeds do not reach {power.wanted:g}"
    return f"{power.wanted:g} takes {' or '.join(parts)}"
