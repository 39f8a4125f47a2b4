"""What a review says of one class, and where: values only.

Never "clean" and never "legal": `nothing-found` means by these rules; `unknown`, that something was not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCORE_CLASSES = ("val_train", "ttt_order", "slot", "ngram", "two_pass", "mixture")
"""Classes that decide whether the number itself is one."""
CLASSES = (
    *SCORE_CLASSES,
    *("train_at_eval", "network", "outside", "bytecount", "valset", "bos", "clock", "wrapper", "answers"),
)
"""All 15, in the order in which they are shown."""

Verdict = Literal["violates", "violates-if", "suspicious", "nothing-found", "dormant", "unknown"]
WORST: tuple[Verdict, ...] = ("violates", "violates-if", "suspicious", "unknown", "dormant", "nothing-found")
"""Verdicts, the worst first."""


@dataclass(frozen=True, order=True)
class Place:
    """One line of the decoded source."""

    file: str
    """Name of the file, or FILE#LAYER for what was unwrapped."""
    line: int
    """From 1."""


@dataclass(frozen=True)
class Answer:
    """What one class got."""

    answer: Verdict
    where: tuple[Place, ...] = ()
    """The chain, source first, sink last."""
    why: str = ""
    """One sentence."""
    condition: str = ""
    """NAME=VALUE [and …] under which it holds; '' where it always does."""


def worst(answers: list[Answer]) -> Answer:
    """The worst of them; of equals the first. `nothing-found` where there are none."""
    return min(answers, key=lambda one: WORST.index(one.answer), default=Answer("nothing-found"))
