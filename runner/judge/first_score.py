"""The fingerprint of the challenge's sp8192 text: what a model that has learned nothing scores on it.

Such a model gives each of 8,192 tokens about the same chance, so its bits per byte are those of 8,192 choices spread
over the bytes that a token of this text has: 3.486 to 3.488 in the logs of PR #1394. Shards that another model had
cut under the same tokenizer file gave 3.684 (PR #1718). What tells them apart is loss in nats over bits per byte,
whatever the model and its first weights. Pure, no I/O.
"""

from __future__ import annotations

import math

from runner.data.known_texts import known_text
from runner.judge.evidence import NOT_MEASURED, Answer
from runner.results.datasets import DataFacts
from runner.results.runs import Curve

VOCABULARY, VARIANT = 8192, "sp8192"
FIRST_BPB = (3.486, 3.488)
"""By the logs of five seeds."""
FOREIGN_BPB = 3.684
NATS_PER_BPB = math.log(2) * 151_078_222 / 40_540_160
"""Of the 40,540,160 targets that merged records score (runner.data.known_texts)."""
NEAR = 2e-4
"""Relatively: what the printed digits leave, and an end that fills no sequence."""
NAME, TITLE = "first_score", "Untrained, the challenge's first score?"
LIMIT = f"{FIRST_BPB[0]} to {FIRST_BPB[1]} bpb, {NATS_PER_BPB:.4f} nats per bpb"


def is_asked(facts: DataFacts) -> bool:
    """Whether the data are to be sp8192's: that tokenizer, or an unknown one of as many pieces."""
    known = known_text(facts.files.get(facts.tokenizer, ""))
    return facts.vocab_size == VOCABULARY and (known is None or known.variant == VARIANT)


def expected_answer(facts: DataFacts) -> Answer:
    """What the shards alone say: the first score of a model to which all tokens are alike, before anything ran."""
    if facts.val_tokens <= 0 or facts.val_bytes <= 0:
        return Answer("unknown", NOT_MEASURED, LIMIT, "no validation text was counted")
    ratio = math.log(2) * facts.val_bytes / facts.val_tokens
    measured = f"about {math.log(VOCABULARY) / ratio:.3f} bpb, {ratio:.4f} nats per bpb"
    return _answer(ratio, measured, "")


def first_answer(curve: Curve | None, facts: DataFacts) -> Answer:
    """What a log says of the validation before the first step."""
    known = {step: (loss, bpb) for step, loss, bpb in _validations(curve)}
    if 0 not in known:
        return Answer("unknown", NOT_MEASURED, LIMIT, "no validation before the first step is in the log")
    loss, bpb = known[0]
    if bpb is None or not bpb > 0 or not math.isfinite(loss):
        return Answer("unknown", f"loss {loss:g}", LIMIT, "its log says no bpb of that validation")
    low, high = FIRST_BPB
    inside = low - 5e-4 <= bpb <= high + 5e-4
    started = "" if inside else f"its loss of {loss:.4f} is not that of PR 1394's first weights"
    return _answer(loss / bpb, f"{bpb:.4f} bpb, {loss / bpb:.4f} nats per bpb", started)


def _answer(ratio: float, measured: str, detail: str) -> Answer:
    if math.isclose(ratio, NATS_PER_BPB, rel_tol=NEAR):
        return Answer("pass", measured, LIMIT, detail)
    foreign = math.isclose(ratio, NATS_PER_BPB * FIRST_BPB[0] / FOREIGN_BPB, rel_tol=5e-3)
    seen = f"; shards cut by another model of {VOCABULARY:,} pieces gave {FOREIGN_BPB}" if foreign else ""
    return Answer("fail", measured, LIMIT, f"other text or tokenizer{seen}")


def _validations(curve: Curve | None) -> list[tuple[int, float, float | None]]:
    if curve is None:
        return []
    bpb = curve.val_bpb or [None] * len(curve.val_steps)
    return list(zip(curve.val_steps, curve.val_losses, bpb, strict=True))
