"""A job of golf's own model, proven: every check with its numbers, and what the checks say of the 15 classes."""

from __future__ import annotations

from collections.abc import Iterator

from golf_model.config.golf_config import GolfConfig
from runner.errors import UserError
from runner.job.spec import JobSpec
from runner.review.answers import CLASSES
from runner.review.facts import Check, Proof, Result
from runner.review.prove.own.clocks import clocks
from runner.review.prove.own.counts import recounted, scored_once
from runner.review.prove.own.documents import documents
from runner.review.prove.own.mixers import mixers
from runner.review.prove.own.moves import flipped, flips, suffixes
from runner.review.prove.own.runs import OwnSubject, opened_own, own_subject
from runner.review.prove.own.size import OwnScript, proof_config
from runner.review.prove.own.sums import sums
from runner.review.prove.surroundings import surroundings
from runner.review.prove.trainings import twins
from runner.review.source.unwrap import Reviewed

SECONDS = 3600.0
"""Of runs of one script, in all: some thirty, each of a second or two of a core."""
RESULTS: dict[str, Result] = {"pass": "not-seen", "fail": "proven", "unknown": "unknown"}
CHECKS = {
    "flip one target": ("val_train", "ttt_order", "slot", "two_pass"),
    "replace the suffix": ("val_train", "ttt_order", "slot", "two_pass"),
    "sum of p over the vocabulary": ("mixture", "ngram"),
    "every token once": ("valset",),
    "byte recount": ("bytecount",),
    "documents": ("bos",),
    "outer clock": ("clock",),
}
"""Check -> the classes whose test it is."""
OF_ANY_SCRIPT = {
    "val_train": "artifact from noise",
    "train_at_eval": "no training text at evaluation",
    "network": "no network",
    "outside": "the artifact alone",
    "wrapper": "its code",
}
"""Class whose test is that of any script -> what its check is called."""
WORST = ("proven", "unknown", "not-seen")


def prove_own(job: JobSpec) -> tuple[tuple[Check, ...], dict[str, Proof]]:
    """(checks, class -> proof) of a job's script at the size of a proof, run cut off from this machine.

    UserError where this system cannot cut a process off.
    """
    return proven(OwnScript(proof_config(job)))


def proven(own: OwnScript) -> tuple[tuple[Check, ...], dict[str, Proof]]:
    """(checks, class -> proof) of a script at the size of a proof; UserError as `prove_own`."""
    found: list[tuple[Check, tuple[str, ...]]] = []
    with opened_own(own, SECONDS) as (room, reviewed):
        try:
            for one in _checks(own_subject(room, own), reviewed):
                found.append(one)
        except UserError as error:
            found.append((Check(name="it runs", result="unknown", done="", seen=str(error)), CLASSES))
    proofs = {name: _proof(name, found) for name in CLASSES}
    if not own.config.batch.documents and proofs["bos"].result == "not-seen":
        proofs["bos"] = _mixers(own.config)
    return tuple(check for check, _ in found), proofs


def _mixers(config: GolfConfig) -> Proof:
    try:
        return mixers(config, SECONDS)
    except UserError as error:
        return Proof(result="unknown", done="", seen=f"with documents kept apart {error}")


def _checks(subject: OwnSubject, reviewed: Reviewed) -> Iterator[tuple[Check, tuple[str, ...]]]:
    """(check, classes whose test it is), in the order in which they are shown."""
    first = subject.first
    assert first is not None
    prices = first.by_target()
    changed = flipped(subject, prices)
    for check in (
        flips(subject, changed),
        suffixes(subject, prices),
        sums(subject),
        scored_once(subject, first),
        recounted(subject, first),
        documents(subject, changed),
        clocks(subject),
    ):
        yield check, CHECKS[check.name]
    for name, proof in (*surroundings(subject, reviewed), *twins(subject)):
        if name in OF_ANY_SCRIPT:
            also = ("val_train", "answers") if name == "val_train" else (name,)
            yield _as_check(OF_ANY_SCRIPT[name], proof), also


def _as_check(name: str, proof: Proof) -> Check:
    result = next(word for word, one in RESULTS.items() if one == proof.result)
    return Check.model_validate({**proof.model_dump(), "name": name, "result": result})


def _proof(name: str, found: list[tuple[Check, tuple[str, ...]]]) -> Proof:
    """What the checks of a class come to: the worst of them, or all in one."""
    own = [
        Proof(result=RESULTS[check.result], done=check.done, seen=check.seen, repeat=check.repeat)
        for check, classes in found
        if name in classes
    ]
    if not own:
        return Proof(result="unknown", done="", seen="no test of it was run")
    worst = min(own, key=lambda one: WORST.index(one.result))
    if worst.result != "not-seen" or len(own) == 1:
        return worst
    return Proof(result="not-seen", done="; ".join(one.done for one in own), seen="; ".join(one.seen for one in own))
