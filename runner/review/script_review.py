"""One script from its text to its review: unwrapped, its run asked after, its classes answered; not run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from runner.review.answers import CLASSES, Answer
from runner.review.facts import ScriptReview, Text
from runner.review.review import review
from runner.review.run.run_context import RunContext, run_context
from runner.review.source.unwrap import Reviewed, read_source
from runner.review.targets import Target

Rules = Callable[[Reviewed, RunContext], Mapping[str, Answer]]
ALWAYS = (
    "what the tokenizer and the shards hold, and whether this is the program that wrote the logs",
    "what a rule does not ask for: nothing found means by these rules, no more",
)
MOST_FACTS = 12
IN_OTHER_CODE = frozenset(("ngram", "mixture", "two_pass"))
"""Classes that C beside or in a script may decide: what is priced there, and by what."""


def review_script(
    target: Target, *, log: Path | None = None, readme: Path | None = None, rules: Rules = review
) -> tuple[ScriptReview, Reviewed, RunContext]:
    """A script's review, and what it was made from.

    UserError where the file cannot be read. A script that our rules stumble over gets `unknown` in every class, with
    the reason: a review of many goes on.
    """
    reviewed = read_source(target.script, target.content)
    context = run_context(reviewed, folder=target.folder, given=target.given, log=log, readme=readme)
    if target.run_known:
        context = replace(context, known=True)
    try:
        answers = dict(rules(reviewed, context))
    except Exception as error:  # whoever wrote the script must not be able to end a review of many, or hide in one
        answers = {}
        why = f"golf's rules stumbled over it ({type(error).__name__}); please report this script"
    else:
        why = "no rule was asked"
    unread, native = _unread(reviewed), _native(reviewed)
    classes = {name: _shown(name, answers.get(name, Answer("unknown", why=why)), unread, native) for name in CLASSES}
    facts = [one.sentence for one in context.conflicts]
    more = len(facts) - MOST_FACTS
    return (
        ScriptReview(
            path=str(target.path),
            script=str(target.script),
            texts=tuple(
                Text(
                    name=one.name,
                    size=one.size,
                    lines=one.text.count("\n") + 1,
                    kind=one.kind,
                    how=", ".join(one.steps),
                    unread=one.reason,
                )
                for one in reviewed.texts
            ),
            classes=classes,
            run_known=context.known,
            facts=(*facts[:MOST_FACTS], *([f"and {more} more of the kind"] if more > 0 else [])),
            not_looked_at=(*_blind(reviewed), *ALWAYS),
        ),
        reviewed,
        context,
    )


def _unread(reviewed: Reviewed) -> str:
    """Why nothing may be said to be absent; empty where all was read."""
    for text in reviewed.texts:
        if text.tree is None:
            return f"{text.name} {text.reason}"
    for one in reviewed.unread:
        return f"{reviewed.place(one.layer, one.line)}: {one.why}"
    return ""


def _native(reviewed: Reviewed) -> str:
    """Code of other languages that could compute scores; kernels of GPUs are the model's."""
    for one in reviewed.native:
        if " of CUDA" not in one.why and ".cu," not in one.why:
            return f"{reviewed.place(one.layer, one.line)}: {one.why}"
    return ""


def _shown(name: str, answer: Answer, unread: str, native: str) -> Answer:
    """An answer that calls something absent is unknown where code was not read."""
    unread = unread or (native if name in IN_OTHER_CODE else "")
    if unread and answer.answer in ("nothing-found", "dormant"):
        return Answer("unknown", where=answer.where, why=f"not all of its code was read: {unread}")
    return answer


def _blind(reviewed: Reviewed) -> list[str]:
    """What of this script nobody looked at."""
    found = [f"{text.name}: {text.reason}" for text in reviewed.texts if text.tree is None]
    found += [f"{reviewed.place(one.layer, one.line)}: {one.why}" for one in reviewed.unread]
    found += [f"{reviewed.place(one.layer, one.line)}: {one.why}" for one in reviewed.native]
    return found
