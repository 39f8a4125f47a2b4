"""What `golf review` prints for people: answers with their places, what they rest on, what was not looked at.

Text from the script goes in as text, never as markup. Judges nothing.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reports.markdown import one_line
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
from runner.review.answers import Verdict
from runner.review.facts import ScriptReview

STYLES: dict[Verdict, str] = {
    "violates": "bold red",
    "violates-if": "red",
    "suspicious": "yellow",
    "unknown": "magenta",
    "dormant": "cyan",
    "nothing-found": "green",
}


def terminal_review(review: ScriptReview) -> RenderableType:
    """One review as a renderable."""
    parts: list[RenderableType] = [
        Text(one_line(review.script), "bold"),
        Text(one_line(headline(review)), STYLES[review.worst[1].answer]),
        Text(one_line(layers_line(review)), "dim"),
        Text(run_line(review), "dim"),
    ]
    for names, answer in grouped(review):
        words = one_line(verdict_words(answer))
        parts.append(Text.assemble((words, STYLES[answer.answer]), "  ", (names, "bold")))
        if answer.why:
            parts.append(_indented(answer.why))
        if answer.where:
            parts.append(_indented(places(answer), "dim"))
    quiet = [name for name, _ in review.of("nothing-found")]
    if quiet:
        parts.append(Text(f"nothing found by these rules: {', '.join(quiet)}"))
    if review.imported is not None:
        parts.append(Text(one_line(review.imported.line), "bold"))
        parts += [_indented(one) for one in (*review.imported.differs, *review.imported.events)]
    if review.proofs is not None:
        parts.append(Text(f"{runs_title(review)}:"))
        parts += [_indented(one) for one in proof_lines(review)]
    if review.facts:
        parts.append(Text("what its folder disagrees about:"))
        parts += [_indented(one) for one in review.facts]
    parts.append(Text("not looked at:"))
    parts += [_indented(one) for one in review.not_looked_at]
    return Group(*parts)


def line_of(review: ScriptReview) -> RenderableType:
    """The review in one line, for an audit: a warning at most, since a reading of code is no measurement."""
    answer = review.worst[1]
    grave = answer.answer in ("violates", "violates-if", "suspicious")
    head = ("warn  ", "yellow") if grave else ("info  ", "cyan")
    more = "; golf review says where" if answer.answer != "nothing-found" else ""
    return Text.assemble(head, ("its code", "bold"), f"  {one_line(headline(review))}{more}")


def _indented(text: str, style: str = "") -> RenderableType:
    return Padding(Text(one_line(text), style), (0, 0, 0, 4))
