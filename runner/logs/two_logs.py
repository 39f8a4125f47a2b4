"""A training's log and its evaluation's, read together: which facts and scores of them count. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from runner.results.phases import LogFacts, Score


def facts_of_both(train: LogFacts, fresh: LogFacts, *, elsewhere: bool = False) -> LogFacts:
    """What both logs say: of training that of training, of evaluation and of what is scored that of evaluation.

    elsewhere: another attempt trained, perhaps on another node, so that the two may name different devices.
    """
    devices = list(dict.fromkeys([*train.devices, *fresh.devices]))
    if elsewhere:
        devices = max(fresh.devices, train.devices, key=len)  # of the log that contradicts itself, if one does
    return train.model_copy(
        update={
            "eval_seconds": train.eval_seconds if fresh.eval_seconds is None else fresh.eval_seconds,
            "lengths": list(dict.fromkeys([*fresh.lengths, *train.lengths])),
            "strides": list(dict.fromkeys([*fresh.strides, *train.strides])),
            "val_tokens": train.val_tokens if fresh.val_tokens is None else fresh.val_tokens,
            "devices": devices,
            "saw_nan": train.saw_nan or fresh.saw_nan,
        }
    )


def last_score(scores: list[Score]) -> Score | None:
    """The last one logged, or None."""
    return scores[-1] if scores else None


def counterpart(by_rule: Mapping[str, Score], last: Score | None, published: Score | None) -> Score | None:
    """Of the training process's scores the one to hold against the published one: of the same rule, else its last."""
    same = by_rule.get(published.rule) if published is not None else None
    return same or last
