"""A script's review, and where that was asked for its import; or the message of what stood in the way."""

from __future__ import annotations

from pathlib import Path

from runner.errors import UserError
from runner.review.facts import ScriptReview
from runner.review.script_review import review_script
from runner.review.smoke.smoke import smoke_test
from runner.review.targets import Target


def review_with_smoke(target: Target, *, log: Path | None, readme: Path | None, smoke: bool) -> ScriptReview | str:
    """The review; smoke: the script is imported, too, which executes it, isolated."""
    try:
        review, reviewed, context = review_script(target, log=log, readme=readme)
        if not smoke:
            return review
        return review.model_copy(update={"imported": smoke_test(target, reviewed, context)})
    except UserError as error:
        return str(error)
