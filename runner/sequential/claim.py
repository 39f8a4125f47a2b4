"""A claim that is looked at as its seeds come in: its looks so far, its outcome, and what the ledger holds of it.

Everything here is computed from the job's claim and the scores in their order, so that whoever reads a record
computes the same again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.compare.compare import POLICIES, compare
from runner.job.claim import ClaimSpec, SequentialSpec
from runner.results.comparisons import Arm, Comparison, Look, Sequential
from runner.sequential.design import Design, design
from runner.sequential.look import look, stage_wise
from runner.statistics import CONFIDENCE

DESIGN = "design"
LOOK = "look"
"""Kinds of the ledger's entries."""
ENDS = ("holds", "futile", "not shown")


def design_of(claim: ClaimSpec, asked: SequentialSpec) -> Design:
    """The design that a claim asks for."""
    rule = POLICIES[claim.policy]
    baseline = None if rule.against_number else len(claim.baseline.val_bpb)
    return design(asked.looks, asked.alpha or rule.alpha, asked.spending, baseline)


def design_entry(claim: ClaimSpec, asked: SequentialSpec, order: Sequence[int]) -> dict[str, Any]:
    """What the ledger holds before the first seed runs: the seeds' order, and what ends the matter at each look."""
    made = design_of(claim, asked)
    return {
        "seeds": list(order),
        "looks": list(made.looks),
        "levels": list(made.levels),
        "alpha": made.alpha,
        "spending": made.spending,
        "policy": claim.policy,
        "gain": claim.gain,
        "baseline_bpb": list(claim.baseline.val_bpb),
    }


def look_entry(found: Look, order: Sequence[int]) -> dict[str, Any]:
    """What the ledger holds of a look."""
    return {"seeds": list(order[: found.seeds]), "p": found.p, "level": found.level, "decision": found.decision}


def decided(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """Place of the entry that ended the matter; None while it is open."""
    ends = (place for place, entry in enumerate(entries) if entry["kind"] == LOOK and entry.get("decision") in ENDS)
    return next(ends, None)


def added_later(entries: Sequence[Mapping[str, Any]]) -> list[int]:
    """Seeds that were registered, by hand or by another job, after a look had ended the matter."""
    end = decided(entries)
    if end is None:
        return []
    return [seed for entry in entries[end:] if entry["kind"] == "registered" for seed in entry["seeds"]]


def looks_at(claim: ClaimSpec, asked: SequentialSpec, candidate: Arm) -> list[Look]:
    """Every look at these seeds, in the order of their scores, up to the one that ended the matter."""
    made, found = design_of(claim, asked), list[Look]()
    for seeds in made.looks:
        if seeds > len(candidate.val_bpb):
            break
        held = compare(claim.baseline.as_arm(), first(candidate, seeds), claim.policy, claim.gain)
        if held.obstacles or held.test is None:
            break
        excess = claim.gain / (held.nats_per_bpb or 1.0) - held.test.margin
        baseline = () if POLICIES[claim.policy].against_number else claim.baseline.val_bpb
        found.append(look(made, held.test, held.candidate.val_bpb, baseline, excess))
        if found[-1].decision in ENDS:
            break
    return found


def first(arm: Arm, seeds: int) -> Arm:
    """An arm as it was when it had so many seeds."""
    return arm.model_copy(
        update={
            "val_bpb": arm.val_bpb[:seeds],
            "seeds": arm.seeds[:seeds],
            "artifacts": arm.artifacts[:seeds],
            "verdict": None,
            "unscored": 0,
        }
    )


def voided(entries: Sequence[Mapping[str, Any]], *, sequential: bool) -> Iterator[str]:
    """Why seeds of this ledger cannot be judged by the job's design, or by one test of all."""
    design_at = next((place for place, entry in enumerate(entries) if entry["kind"] == DESIGN), None)
    if design_at is None:
        return
    if not sequential:
        yield "its seeds were looked at as they came in: a test of a fixed number of seeds does not hold for them"
    if any(entry["kind"] == "registered" for entry in entries[:design_at]):
        yield "seeds ran before its looks were registered"
    later = added_later(entries)
    if later:
        yield f"seed {', '.join(map(str, later))} was added after a look had decided"


def judge_claim(claim: ClaimSpec, candidate: Arm, entries: Sequence[Mapping[str, Any]]) -> Comparison:
    """A claim held against its baseline, by one test or look by look, as it asks. entries: the ledger's."""
    candidate = candidate.model_copy(update={"looked": ""})
    asked = claim.sequential
    alpha = None if asked is None else asked.alpha
    found = compare(claim.baseline.as_arm(), candidate, claim.policy, claim.gain, alpha)
    against = list(voided(entries, sequential=asked is not None))
    if against:
        found = found.model_copy(update={"outcome": "undecided", "obstacles": [*found.obstacles, *against]})
    if asked is None:
        return found
    order = next((entry["seeds"] for entry in entries if entry["kind"] == DESIGN), candidate.seeds)
    made, looks = design_of(claim, asked), looks_at(claim, asked, candidate)
    last = looks[-1] if looks else None
    beyond = last is not None and last.seeds < len(candidate.val_bpb)
    whole = last is not None and last.decision in ENDS and not beyond
    obstacles = list(found.obstacles)
    if beyond:
        obstacles.append("it has seeds that no look asked for: their number was chosen after scores were seen")
    elif not whole and not obstacles:
        obstacles.append("no look has decided it: seeds of its design have not run")
    baseline = () if POLICIES[claim.policy].against_number else claim.baseline.val_bpb
    wise = None
    if last is not None and found.test is not None and not beyond:
        wise = stage_wise(made, found.test, candidate.val_bpb, baseline, CONFIDENCE)
    outcome = "undecided" if obstacles or last is None else "holds" if last.decision == "holds" else "not shown"
    told = Sequential(
        order=list(order),
        alpha=made.alpha,
        tightened=made.tightened,
        spending=made.spending,
        looks=looks,
        stage_wise=wise,
    )
    return found.model_copy(update={"outcome": outcome, "obstacles": obstacles, "sequential": told})
