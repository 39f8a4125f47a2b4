"""How long each process of an attempt may take before it is killed: generous, for the judge decides about less."""

from __future__ import annotations

from runner.node.attempt_spec import AttemptSpec
from runner.node.supervise import Deadline

SETUP_S = 900.0
"""Longest time from process start to the first clock: imports, compilation, warm-up."""
EXPORT_S = 900.0
"""Longest time from the last training step to the end of the process."""


def overtime(limit: float) -> float:
    """Seconds past a limit after which a process is killed; the judge, not the killer, decides about less."""
    return limit + max(10.0, 0.1 * limit)


def train_deadlines(spec: AttemptSpec) -> list[Deadline]:
    """Bounds of the training process."""
    return [
        Deadline(SETUP_S, f"did not start to train within {SETUP_S:g} s", None, "train_start"),
        Deadline(
            overtime(spec.train_seconds),
            f"still training long after its limit of {spec.train_seconds:g} s",
            "train_start",
            "train_end",
            stops_in_pauses=True,
        ),
        Deadline(EXPORT_S, f"did not end within {EXPORT_S:g} s after training", "train_end", None),
        Deadline(SETUP_S + overtime(spec.train_seconds) + EXPORT_S, "the training process ran far too long"),
    ]


def eval_deadlines(spec: AttemptSpec) -> list[Deadline]:
    """Bounds of the evaluation process."""
    return [
        Deadline(SETUP_S, f"did not start to evaluate within {SETUP_S:g} s", None, "eval_start"),
        Deadline(
            overtime(spec.eval_seconds),
            f"still evaluating long after its limit of {spec.eval_seconds:g} s",
            "eval_start",
            "eval_end",
        ),
        Deadline(SETUP_S + overtime(spec.eval_seconds), "the evaluation process ran far too long"),
    ]


def external_deadlines(spec: AttemptSpec) -> list[Deadline]:
    """Bounds of a script that announces nothing and may do all in one process: the sum of all that it may take."""
    most = SETUP_S + overtime(spec.train_seconds) + EXPORT_S + overtime(spec.eval_seconds)
    return [Deadline(most, f"still running after {most:g} s")]
