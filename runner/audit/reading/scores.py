"""Which of a run's score lines is its score.

The last line that scores the finished model, unless the author discarded it: where the claim is, digit for digit, an
earlier line's number, that line is meant. Several lines often print the same score: the most precise one stands for
all, and loss and time come from whichever of them prints one, its plain twin first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.audit.facts import ScoreLine


@dataclass(frozen=True)
class Final:
    """A run's score."""

    line: ScoreLine
    aliases: tuple[str, ...]
    val_loss: float | None
    eval_seconds: float | None


def rounds_to(exact: float, shown: float, digits: int) -> bool:
    """Whether `shown`, printed with `digits` decimals, can stand for `exact`; truncating counts as rounding."""
    return abs(exact - shown) < 0.5000001 * 10.0**-digits or 0 <= exact - shown < 10.0**-digits


def same_score(one: ScoreLine, other: ScoreLine) -> bool:
    """Whether two lines print one number, each to its own precision."""
    fewer = min(one.digits, other.digits)
    return fewer >= 3 and abs(one.val_bpb - other.val_bpb) < 1.01 * 0.5 * 10.0**-fewer + 1e-12


def finished(scores: Sequence[ScoreLine]) -> list[ScoreLine]:
    """The lines that score the compressed model."""
    return [score for score in scores if not score.before_export]


def final_of(scores: Sequence[ScoreLine], ends_at: ScoreLine | None = None) -> Final | None:
    """The score of a run, by default its last; `ends_at` names another line that is meant."""
    lines = finished(scores)
    if not lines:
        return None
    last = ends_at or lines[-1]
    same = [score for score in lines if score is last or same_score(score, last)]
    most = max(score.digits for score in same)
    precise = [score for score in same if score.digits == most]
    timed_too = [score for score in precise if score.eval_seconds is not None]
    best = timed_too[-1] if timed_too else precise[0]
    plain = best.label.removesuffix("_exact").removesuffix("_x")
    losses = [score.val_loss for score in same if score.val_loss is not None]
    timed = [score for score in same if score.eval_seconds is not None]
    twins = [score for score in timed if score.label == plain] or timed
    return Final(
        line=best,
        aliases=tuple(dict.fromkeys(score.label for score in same if score.label != best.label)),
        val_loss=best.val_loss if best.val_loss is not None else next(reversed(losses), None),
        eval_seconds=best.eval_seconds
        if best.eval_seconds is not None
        else (twins[0].eval_seconds if twins else None),
    )
