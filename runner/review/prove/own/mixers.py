"""Whether a mixer of one token reaches from a document into the next: seen where attention is kept inside documents.

A job whose attention crosses documents, as the official one's does, shows nothing of its mixers; so the same
configuration is run with documents kept apart in attention, which leaves its mixers alone to reach over.
"""

from __future__ import annotations

from dataclasses import replace

from golf_model.config.golf_config import GolfConfig
from runner.review.facts import Proof
from runner.review.prove.own.documents import documents
from runner.review.prove.own.moves import flipped
from runner.review.prove.own.runs import opened_own, trained
from runner.review.prove.own.size import OwnScript


def apart(config: GolfConfig) -> GolfConfig:
    """The configuration with attention kept inside documents; the streaming rule, which cannot, slides instead."""
    rule = replace(config.eval, rule="sliding") if config.eval.rule == "streaming" else config.eval
    return replace(config, batch=replace(config.batch, documents=True), eval=rule)


def mixers(config: GolfConfig, seconds: float) -> Proof:
    """What a document's last token does to the next document's prices where attention cannot carry it."""
    own = OwnScript(apart(config))
    with opened_own(own, seconds) as (room, _):
        subject = trained(room, own)
        assert subject.first is not None
        found = documents(subject, flipped(subject, subject.first.by_target()))
    done = f"kept attention inside documents (batch.documents), and {found.done}"
    if found.result == "pass":
        seen = f"no mixer reaches over: {found.seen.partition(':')[0]}"
        return Proof(result="not-seen", done=done, seen=seen, repeat=found.repeat)
    model = config.model
    names = [name for name, on in (("bigram", model.bigram.buckets), ("smear", model.smear != "off")) if on]
    why = (
        f"{found.seen.partition(':')[0]}: {' and '.join(names) or 'a mixer'} of this job reaches over a document's "
        "beginning. So does its attention; entries before PR #1797 were accepted with it"
    )
    return Proof(result="unknown", done=done, seen=why, repeat=found.repeat)
