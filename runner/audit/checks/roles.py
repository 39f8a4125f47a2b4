"""Which runs a record's headline is made of, and what the others are to it.

A careful reader's order: runs that did not end, copies, and files that lie about are set aside first. Of the rest
those are primary whose mean is what the record claims; a set that the folder itself marks out (by file name, by seed,
by the cap) is tried before single runs. Where nothing agrees with the claim, all count, unless they are visibly of
different experiments. An earlier score line than the last is taken only where the claim says so digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from runner.audit.checks.choosing import ABLATION, choose_runs, several_experiments, shows, told_of
from runner.audit.claims.statement import Statement
from runner.audit.facts import Role
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import same_score
from runner.audit.track import CAP_BYTES

HIDDEN = re.compile(
    r"(?:^|/)\.|-checkpoint\.|(?:^|/)(?:old|backup|bak|archive|trash|tmp|junk|stray|reference|upstream|prior|parent|base_?line)s?(?:[_-]\w{0,40})?/"
    r"|\.bak\b|~$",
    re.IGNORECASE,
)
ECHO_DIGITS = 6
"""Decimals that two runs share only if they are one, where no clock tells them apart."""
CLOCK_S = 0.051
"""Seconds by which two prints of one clock may differ."""


def assign_roles(readings: Sequence[Reading], claim: Statement, script_bytes: int | None) -> None:
    """Give each reading its role; may also choose an earlier score line as its final one."""
    for reading in readings:
        if not reading.complete:
            _end_as_claimed(reading, claim)
    pool = list(_set_aside(readings))
    if not pool:
        return
    agreeing = choose_runs(pool, claim)
    chosen = agreeing if agreeing is not None else [] if several_experiments(pool) else pool
    for reading in pool:
        if not any(reading is one for one in chosen):
            reading.set_role(*_beside(reading, chosen, claim, script_bytes))


def _end_as_claimed(reading: Reading, claim: Statement) -> None:
    """A log that ends before its final score still shows a claim that is its last validation's number."""
    draft, headline = reading.draft, claim.headline
    for score in (*reversed(reading.scores), *([draft.validation] if draft.validation else ())):
        if headline is not None and headline.digits >= 4 and headline.stands_for(score.val_bpb):
            reading.end_before_export(score)
            return


def is_aside(log: str) -> bool:
    """Whether a log's name says that it is no part of the entry."""
    return HIDDEN.search(log) is not None or ABLATION.search(log) is not None


def shows_a(claim: Statement) -> Callable[[Reading], bool]:
    """Whether a reading's score is one that the record claims, for the whole or for a seed."""
    told = [bpb for one in claim.counted_claims for bpb in one.bpbs]
    claimed = [*told, *((claim.headline,) if claim.headline is not None else ())]

    def one_of_them(reading: Reading) -> bool:
        return any(number.digits >= 3 and shows(reading, number) for number in claimed)

    return one_of_them


def _set_aside(readings: Sequence[Reading]) -> Iterator[Reading]:
    """Mark what cannot count; yield the rest."""
    seen: list[Reading] = []
    ordered = sorted(
        readings,
        key=lambda reading: (bool(HIDDEN.search(reading.log)), not reading.draft.trained, reading.seed is None),
    )
    for reading in ordered:
        if not reading.complete:
            reading.set_role("incomplete", "ends without a score of the compressed model")
        elif HIDDEN.search(reading.log):
            reading.set_role("stray", "lies in a hidden or set-aside place")
        elif (twin := next((other for other in seen if same_run(other, reading)), None)) is not None:
            reading.copy_of = twin
            reading.set_role("duplicate", f"the same run as {twin.name}")
        else:
            seen.append(reading)
    yield from (one for one in readings if any(one is other for other in seen))


def same_run(one: Reading, other: Reading) -> bool:
    """Whether two readings are of one run: what both print agrees, and a score and a clock are among it."""
    if one.final is None or other.final is None or not same_score(one.final.line, other.final.line):
        return False
    for mine, theirs in (
        (one.seed, other.seed),
        (one.steps, other.steps),
        (one.total, other.total),
        (one.params, other.params),
    ):
        if None not in (mine, theirs) and mine != theirs:
            return False
    digits = min(one.final.line.digits, other.final.line.digits)
    if not (one.draft.trained and other.draft.trained):  # an echo of the scoring alone
        return digits >= ECHO_DIGITS and (one.seed is None or other.seed is None or one.seed == other.seed)
    mine_s, theirs_s = one.train_seconds, other.train_seconds
    if mine_s is None or theirs_s is None:
        return digits >= ECHO_DIGITS and one.steps is not None and one.steps == other.steps
    unclocked = 0 in (one.draft.facts.get("step_avg_ms", 1), other.draft.facts.get("step_avg_ms", 1))
    return not unclocked and abs(mine_s - theirs_s) < CLOCK_S


def _beside(
    reading: Reading, chosen: Sequence[Reading], claim: Statement, script_bytes: int | None
) -> tuple[Role, str]:
    """The role of a run that the headline is not made of."""
    if not chosen:
        own = None in (script_bytes, reading.code) or script_bytes in (reading.code, *reading.draft.codes)
        if not own and not claim.readme_is_its_own and told_of(reading, claim):
            return (
                "copied",
                f"README tells of it, but its program has {reading.code:,} bytes, the folder's {script_bytes:,}",
            )
        return "other_experiment", "shows neither the claimed score nor the claimed size"
    if any(one.log == reading.log and one.index > reading.index for one in chosen):
        return "superseded", "an earlier run in the log whose later one is claimed"
    if ABLATION.search(reading.log):
        return "ablation", "named as one"
    if reading.total is not None and reading.total > CAP_BYTES:
        return "excluded", "over the cap, and not in the claimed mean"
    if claim.counted_seeds and reading.seed is not None and reading.seed not in claim.counted_seeds:
        return "excluded", "its seed is not among those that count"
    if any(one.params == reading.params for one in chosen):
        return "rerun", "another run of the claimed model"
    return "other_experiment", "another model than the claimed runs'"
