"""A duel in words: the outcome, the gain, the order, the correlation and what it saved; the same on every page.

Every sentence is plain text; layout is elsewhere. An interval stands with both its ends, and what is not known is
said.
"""

from __future__ import annotations

from reports.comparison_words import BPB_DIGITS, NATS_DIGITS, OUTCOMES, probability
from reports.numbers import MISSING, fixed, signed
from runner.listing import counted
from runner.results.duels import Duel, DuelPair, Saved
from runner.statistics import MOST_SEEDS, GainTest

HEADS = ("pair", "seed", "first", "node", "baseline", "candidate", "gain", "apart s", "")
ALIGN = "rrllrrrrl"
FIRST = {"baseline": "A", "candidate": "B"}


def outcome(found: Duel) -> str:
    """One sentence: the outcome, what was asked, and the p where there is one."""
    limit = f"p < {found.alpha:g}"
    asked = f"a gain of at least {found.margin_nats:g} nats/token" if found.margin_nats else "any gain"
    words = f"{OUTCOMES[found.outcome]} by the policy {found.policy} ({asked} at {limit})"
    counting = len([pair for pair in found.pairs if not pair.left_out])
    words += f", {counting} of {counted(found.asked, 'pair')}"
    if found.test is None:
        return f"{words}."
    if found.outcome == "undecided":
        return f"{words}: p would be {probability(found.test.p)}."
    return f"{words}: {p_of(found.test.p)}."


def p_of(value: float) -> str:
    """`p = 0.0012`, or `p below` what is shown no more."""
    shown = probability(value)
    return f"p {shown}" if shown.startswith("below") else f"p = {shown}"


def pair_cells(pair: DuelPair) -> list[str]:
    """One row of the table of pairs."""
    gain = None if pair.baseline_bpb is None or pair.candidate_bpb is None else pair.baseline_bpb - pair.candidate_bpb
    return [
        str(pair.number),
        str(pair.seed),
        FIRST[pair.first],
        pair.node or MISSING,
        fixed(pair.baseline_bpb, BPB_DIGITS),
        fixed(pair.candidate_bpb, BPB_DIGITS),
        signed(gain, BPB_DIGITS),
        fixed(pair.apart_seconds, 0),
        f"left out: {pair.left_out}" if pair.left_out else "",
    ]


def lines(found: Duel) -> list[str]:
    """What stands below the table, a sentence each."""
    told = [gain(found), paired(found), order(found), unpaired(found), saved(found), data_order(found), nodes(found)]
    return [line for line in told if line]


def gain(found: Duel) -> str:
    """The gain with its interval."""
    test = found.any_gain
    if test is None:
        return ""
    words = f"Gain of B over A: {_ends(test, BPB_DIGITS)} bpb"
    nats = found.test_nats
    beside = f" = {_ends(nats, NATS_DIGITS)} nats/token" if nats is not None else ""
    return f"{words}{beside} ({found.confidence_percent} % interval)."


def _ends(test: GainTest, digits: int) -> str:
    return f"{signed(test.gain, digits)} [{signed(test.low, digits)} to {signed(test.high, digits)}]"


def paired(found: Duel) -> str:
    """The test that decides."""
    if found.test is None or found.any_gain is None:
        return ""
    told = (
        "Student's test on the pairs' differences, one-sided: "
        f"t = {found.test.t:.2f} with {found.test.df:.0f} degrees of freedom"
    )
    return f"{told}; for any gain at all {p_of(found.any_gain.p)}." if found.margin_nats else f"{told}."


def order(found: Duel) -> str:
    """The model beside it."""
    model = found.order
    if model is None:
        return "What running second does to a score cannot be told: that takes three pairs, and both orders."
    later = f"{signed(model.later, BPB_DIGITS)} [{signed(model.later_low, BPB_DIGITS)} to "
    adjusted = (
        f"{signed(model.gain, BPB_DIGITS)} [{signed(model.low, BPB_DIGITS)} to {signed(model.high, BPB_DIGITS)}]"
    )
    return (
        f"Running second adds {later}{signed(model.later_high, BPB_DIGITS)}] bpb to a score (least squares of the "
        f"differences on a constant and the order); with that taken out the gain is {adjusted} bpb, "
        f"{p_of(model.p)}. This decides nothing."
    )


def unpaired(found: Duel) -> str:
    """What a test would have said that takes the same scores for no pairs."""
    if found.unpaired is None:
        return ""
    test = found.unpaired
    return (
        f"As if they were no pairs (Welch's test of the same scores): {p_of(test.p)}, "
        f"gain {_ends(test, BPB_DIGITS)} bpb."
    )


def saved(found: Duel) -> str:
    """The correlation, and the seeds that it saved."""
    one = found.saved
    if one is None:
        return "How the two jobs' scores go together is not known: that takes three pairs that scatter."
    interval = "interval unknown: it takes four pairs"
    if one.low is not None and one.high is not None:
        interval = f"{one.low:.3f} to {one.high:.3f}"
    return (
        f"Correlation of A and B over pairs {one.correlation:.3f} [{interval}]. An unpaired test of equal power "
        f"needs {_seeds(one.unpaired)} seeds of each{_range(one)}; these are "
        f"{len([pair for pair in found.pairs if not pair.left_out])}."
    )


def _seeds(number: int | None) -> str:
    return f"more than {MOST_SEEDS}" if number is None else str(number)


def _range(one: Saved) -> str:
    if one.low is None:
        return " [unknown]"
    if one.unpaired is None and one.unpaired_low is None:
        return ""  # more than 200 all along
    return f" [{_seeds(one.unpaired_low)} to {_seeds(one.unpaired_high)}]"


def data_order(found: Duel) -> str:
    """Whether both read the same batches in the same order."""
    said = {
        True: "With the same seed both read the same tokens in the same order.",
        False: "Both read their tokens in other batches or another order.",
        None: "Whether both read the same tokens in the same order is not known: a script is not golf's own.",
    }
    return said[found.same_data_order]


def nodes(found: Duel) -> str:
    """What ran where; empty where all ran on one node."""
    if len(found.nodes) < 2:
        return ""
    told = (
        f"{node.node}: {counted(node.pairs, 'pair')}, level {fixed(node.level_bpb, BPB_DIGITS)}, "
        f"gain {signed(node.gain_bpb, BPB_DIGITS)} bpb"
        for node in found.nodes
    )
    return f"By node, whose level is in no difference: {'; '.join(told)}."
