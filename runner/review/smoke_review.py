"""A script's review, its import and its runs where these were asked for; or what stood in the way."""

from __future__ import annotations

from pathlib import Path

from runner.errors import UserError
from runner.review.facts import Check, ScriptReview
from runner.review.prove.own.prove_own import prove_own
from runner.review.prove.prove import prove, with_proofs
from runner.review.script_review import review_script
from runner.review.smoke.smoke import smoke_test
from runner.review.targets import Target


def review_with_smoke(
    target: Target, *, log: Path | None, readme: Path | None, smoke: bool, proving: bool = False
) -> ScriptReview | str:
    """The review; smoke: the script is imported, proving: it is run, too; both execute it, isolated."""
    try:
        review, reviewed, context = review_script(target, log=log, readme=readme)
        if smoke:
            review = review.model_copy(update={"imported": smoke_test(target, reviewed, context)})
        if proving:
            checks: tuple[Check, ...] = ()
            if target.job is not None:
                checks, proofs = prove_own(target.job)
            else:
                proofs = prove(target, reviewed, context)
            classes = with_proofs(review.classes, proofs)
            review = review.model_copy(update={"proofs": proofs, "classes": classes, "checks": checks})
        return review
    except UserError as error:
        return str(error)
