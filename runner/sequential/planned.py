"""What a claim with looks is expected to take, for `golf plan`: how many seeds, and where it may stop."""

from __future__ import annotations

from collections.abc import Sequence

from runner.compare.compare import POLICIES
from runner.compare.obstacles import deviation
from runner.job.claim import ClaimSpec, SequentialSpec
from runner.sequential.claim import design_of
from runner.sequential.expected import Expected, expected

Row = tuple[str, str]


def planned_rows(
    claim: ClaimSpec, asked: SequentialSpec, constant: float, own: float, named: int
) -> tuple[list[Row], float]:
    """Lines of the plan, and the expected seeds at the claimed gain.

    constant: nats/token per bit per byte; own: assumed deviation between seeds, bpb; named: seeds that the job lists.
    """
    rule = POLICIES[claim.policy]
    theirs = 0.0 if rule.against_number else deviation(claim.baseline) or own
    design = design_of(claim, asked)
    excess = (claim.gain - rule.margin_nats) / constant
    found = expected(design, excess, excess, (theirs, own))
    none = expected(design, -rule.margin_nats / constant, excess, (theirs, own))
    half, twice = (expected(design, excess, excess, (theirs, own * factor)).seeds for factor in (0.5, 2.0))
    at = f"{found.seeds:.1f} expected at the claimed gain, {none.seeds:.1f} at none"
    other = f"{half:.1f} and {twice:.1f} were the deviation half or twice as large"
    few = "" if found.power >= asked.power else f", less than the {asked.power:g} asked for: raise most"
    rows = [
        ("seeds", f"{asked.least} to {asked.most}: {at} ({other})"),
        ("shown", f"with a probability of {found.power:.2f}{few}"),
        *(("", line) for line in _looks(design.looks, found)),
    ]
    if named != asked.most:
        rows.append(("", f"the job lists {named} seeds: list all {asked.most}, in the order in which to run them"))
    return rows, found.seeds


def _looks(looks: Sequence[int], found: Expected) -> list[str]:
    """Where it may stop."""
    return [
        f"after {seeds} seeds: holds {up:.2f}" + (f", out of reach {down:.2f}" if down >= 0.005 else "")
        for seeds, up, down in zip(looks, found.holds, found.given_up, strict=True)
    ]
