"""A script's dynamic tests, class by class, and what they do to its static answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from runner.errors import UserError
from runner.review.answers import CLASSES, Answer
from runner.review.facts import Proof
from runner.review.prove.orders import order_and_sums
from runner.review.prove.room import opened_room
from runner.review.prove.subject import Subject, subject_of
from runner.review.prove.surroundings import surroundings
from runner.review.prove.texts_scored import texts_scored
from runner.review.prove.trainings import clock, twins
from runner.review.run.run_context import RunContext
from runner.review.source.unwrap import Reviewed
from runner.review.targets import Target

SECONDS = 600.0
"""Of runs of one script, in all."""
RANK = ("proven", "unknown", "not-seen")


def prove(target: Target, reviewed: Reviewed, context: RunContext, seconds: float = SECONDS) -> dict[str, Proof]:
    """What runs of a script on made-up data show of each class. It executes the script, cut off from this machine.

    What is known of its run is set as it was, but for sizes. A script that does not run gets `unknown` everywhere.
    UserError where this system cannot cut a process off.
    """
    found: dict[str, list[Proof]] = {name: [] for name in CLASSES}
    with opened_room(target, reviewed, seconds) as room:
        try:
            subject = subject_of(room, reviewed, target.given, context)
        except UserError as error:
            return {name: Proof(result="unknown", done="", seen=str(error)) for name in CLASSES}
        for test in _tests(subject, reviewed):
            try:
                for name, proof in test():
                    found[name].append(proof)
            except UserError as error:
                stopped = Proof(result="unknown", done="", seen=str(error))
                for name in CLASSES:
                    found[name] = found[name] or [stopped]
                break
    blank = Proof(result="unknown", done="", seen="no test of it was run")
    return {name: min(found[name], key=lambda one: RANK.index(one.result), default=blank) for name in CLASSES}


def _tests(subject: Subject, reviewed: Reviewed) -> list[Callable[[], Iterator[tuple[str, Proof]]]]:
    return [
        lambda: surroundings(subject, reviewed),
        lambda: iter([clock(subject)]),
        lambda: twins(subject),
        lambda: order_and_sums(subject),
        lambda: texts_scored(subject),
    ]


def with_proofs(answers: Mapping[str, Answer], proofs: Mapping[str, Proof]) -> dict[str, Answer]:
    """Answers as the runs leave them: a proof is `violates`; what code makes suspect and no run shows is less so."""
    found: dict[str, Answer] = {}
    for name, answer in answers.items():
        proof = proofs[name]
        if proof.result == "proven":
            found[name] = Answer("violates", where=answer.where, why=f"proven: {proof.done}; {proof.seen}")
        elif proof.result == "not-seen" and answer.answer in ("suspicious", "nothing-found"):
            why = f"not seen: {proof.done}; {proof.seen}"
            found[name] = Answer("nothing-found", why=f"{why} (its code: {answer.why})" if answer.why else why)
        elif proof.result == "not-seen" and answer.answer == "violates":
            found[name] = replace(answer, answer="suspicious", why=f"{answer.why} Not seen in runs: {proof.seen}.")
        else:
            found[name] = answer
    return found
