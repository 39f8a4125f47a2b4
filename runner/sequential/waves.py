"""Seeds in waves: all at once, or, where the claim is sequential, as many as the next look needs.

The order of all seeds, and what ends the matter at each look, stand in the ledger before the first seed starts; each
look is an entry. A run that goes on finds the same looks again, since they follow from the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.job.claim import ClaimSpec, SequentialSpec
from runner.job.spec import JobSpec
from runner.results.comparisons import Arm, Look
from runner.results.runs import RunResult
from runner.sequential.claim import DESIGN, ENDS, LOOK, design_entry, look_entry, looks_at

Counted = Callable[[int], RunResult | None]
"""A seed's result that counts, once it has one."""
Say = Callable[[str], None]


def waves(job: JobSpec, ledger: Ledger, counted: Counted, say: Say) -> Iterator[tuple[int, ...]]:
    """Seeds to be run together, one wave after the other; UserError where the ledger holds another design.

    A wave is asked for when all seeds of the one before have ended.
    """
    claim = job.claim
    if claim is None or claim.sequential is None:
        yield job.seeds
        return
    asked = claim.sequential
    _register(claim, asked, job.seeds, ledger)
    before = 0
    for seeds in asked.looks:
        yield job.seeds[before:seeds]
        found = _look(job.name, claim, asked, [counted(seed) for seed in job.seeds[:seeds]])
        if found is None:
            say(f"after {seeds} seeds: not every seed has a score, so nothing can be decided and no more are run")
            return
        _note(ledger, found, job.seeds)
        say(told(found, asked.most))
        if found.decision in ENDS:
            return
        before = seeds


def told(found: Look, most: int) -> str:
    """A look in one line."""
    seen = f"after {found.seeds} of at most {most} seeds: p = {found.p:.2g}, to be below {found.level:.2g}"
    chance = "" if found.conditional_power is None else f" (a later look shows it with {found.conditional_power:.0%})"
    ends = {
        "holds": "the claim holds, no more seeds are run",
        "futile": f"out of reach{chance}, no more seeds are run",
        "not shown": "not shown",
        "go on": f"more seeds are run{chance}",
    }
    return f"{seen}: {ends[found.decision]}"


def _register(claim: ClaimSpec, asked: SequentialSpec, seeds: Sequence[int], ledger: Ledger) -> None:
    if len(seeds) != asked.most:
        raise UserError(
            f"seeds: the claim looks at up to {asked.most} seeds, and the job lists {len(seeds)}; list them all"
        )
    entry = design_entry(claim, asked, seeds)
    known = next((old for old in ledger.entries if old["kind"] == DESIGN), None)
    if known is None:
        ledger.append(DESIGN, **entry)
        return
    other = [name for name, value in entry.items() if known.get(name) != value]
    if other:
        raise UserError(
            f"{ledger.path}: its looks were registered with other {', '.join(other)}; a design cannot change once "
            "seeds run. Bring back the claim as it was, or give the job another name"
        )


def _look(name: str, claim: ClaimSpec, asked: SequentialSpec, results: Sequence[RunResult | None]) -> Look | None:
    """The look at these seeds; None where one has no score."""
    scores = [result.final_score for result in results if result is not None and result.status == "completed"]
    known = [score for score in scores if score is not None]
    if len(known) < len(results):
        return None
    ratios = [score.val_loss / score.val_bpb for score in known]
    arm = Arm(name=name, val_bpb=tuple(score.val_bpb for score in known), nats_per_bpb=sum(ratios) / len(ratios))
    found = looks_at(claim, asked, arm)
    return found[-1] if found and found[-1].seeds == len(known) else None


def _note(ledger: Ledger, found: Look, seeds: Sequence[int]) -> None:
    """Put a look into the ledger, unless it stands there."""
    entry = look_entry(found, seeds)
    if not any(
        all(old.get(name) == value for name, value in entry.items()) for old in ledger.entries if old["kind"] == LOOK
    ):
        ledger.append(LOOK, **entry)
