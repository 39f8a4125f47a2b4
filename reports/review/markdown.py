"""A review as a comment for a pull request, in GitHub markdown. Text from the script is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from reports.markdown import code, escaped
from reports.review.words import (
    grouped,
    headline,
    layers_line,
    places,
    proof_lines,
    run_line,
    runs_title,
    verdict_words,
)
from runner.review.facts import ScriptReview


def markdown_review(review: ScriptReview) -> str:
    """The whole comment, with a newline at its end."""
    parts = [f"### Review of {code(review.script)}", f"**{escaped(headline(review))}**"]
    parts.append(escaped(f"{layers_line(review)}. {_capital(run_line(review))}."))
    lines = []
    for names, answer in grouped(review):
        where = f" ({code(places(answer))})" if answer.where else ""
        why = f": {escaped(answer.why)}" if answer.why else ""
        lines.append(f"- **{escaped(verdict_words(answer))}** {code(names)}{why}{where}")
    if lines:
        parts.append("\n".join(lines))
    quiet = [name for name, _ in review.of("nothing-found")]
    if quiet:
        parts.append(f"Nothing found by these rules: {', '.join(map(code, quiet))}.")
    if review.imported is not None:
        told = (*review.imported.differs, *review.imported.events)
        parts.append("\n".join([f"- {escaped(one)}" for one in (review.imported.line, *told)]))
    if review.proofs is not None:
        parts.append(_listed(_capital(runs_title(review)), proof_lines(review)))
    if review.facts:
        parts.append(_listed("What its folder disagrees about", review.facts))
    parts.append(_listed("Not looked at", review.not_looked_at))
    return "\n\n".join(parts) + "\n"


def _listed(title: str, sentences: Sequence[str]) -> str:
    return "\n".join([f"{title}:", "", *(f"- {escaped(one)}" for one in sentences)])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
