"""A script that runs in its room: on which texts, with which settings, in which phases; or why it does not.

It is found out by running it: shards lie where it looks for them, tokens are those that its embedding has rows for,
an evaluation alone is one that prices the text without having trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runner.errors import UserError
from runner.review.prove.answering import (
    LENGTH,
    SMALL_VOCAB,
    TRAIN_LENGTH,
    clock_of,
    first_order,
    known_settings,
    learnt,
)
from runner.review.prove.asks import Asks, asks_of
from runner.review.prove.room import Order, Room, same
from runner.review.prove.seen import Seen
from runner.review.prove.texts import Tokens, text
from runner.review.run.run_context import RunContext
from runner.review.source.unwrap import Reviewed

TRIES = 8


@dataclass
class Subject:
    """A script and how it is run.

    base: the order of a plain run; vocab: its alphabet; whole: what a plain run showed; phase: the setting of an
    evaluation alone, None where there is none; artifact: what its evaluation gets from its training; made: the run
    that made that; evaluated: the evaluation of it; steady: whether the same evaluation twice is the same to the
    bit; vocab_known: whether the alphabet was seen; run_s: seconds that an evaluation takes.
    """

    room: Room
    asks: Asks
    base: Order
    vocab: int
    whole: Seen
    phase: tuple[str, str] | None = None
    training: tuple[str, str] | None = None
    artifact: Mapping[str, bytes] | None = None
    made: Seen | None = None
    evaluated: Seen | None = None
    steady: bool = False
    why_not: str = ""
    vocab_known: bool = True
    run_s: float = 1.0

    @property
    def val(self) -> Tokens:
        """The validation text of plain runs."""
        return self.base.val

    def evaluate(self, val: Tokens | None = None, train: Tokens | None = None, *, ledger: bool = False) -> Seen:
        """The script's evaluation of a text: of the kept artifact where it has a phase for that, else all of it."""
        order = replace(
            self.base,
            val=self.base.val if val is None else val,
            train=self.base.train if train is None else train,
            ledger=ledger or self._needs_ledger(),
        )
        if self.phase is not None and self.artifact is not None:
            order = replace(
                order, env={**order.env, self.phase[0]: self.phase[1]}, files={**self.base.files, **self.artifact}
            )
        return self.room.run(order)

    def train(self, val: Tokens | None = None) -> Seen:
        """The script's training, with another validation text."""
        order = replace(self.base, val=self.base.val if val is None else val)
        if self.training is not None:
            order = replace(order, env={**order.env, self.training[0]: self.training[1]})
        return self.room.run(order)

    def command(self) -> str:
        """How an evaluation is started, for a sentence."""
        return f"{self.phase[0]}={self.phase[1]} python SCRIPT" if self.phase else "python SCRIPT"

    def _needs_ledger(self) -> bool:
        return bool(self.whole.source) and not self.whole.source.endswith(".npy")


def subject_of(room: Room, reviewed: Reviewed, given: Mapping[str, str], context: RunContext) -> Subject:
    """Find out how the script runs; UserError with the reason where it does not."""
    asks = asks_of([one.tree for one in reviewed.texts if one.tree is not None], [one.text for one in reviewed.texts])
    known = known_settings(asks, context)
    asks, order, run = _running(room, asks, first_order(asks, known, given))
    if not run.ok and known:  # a log may name a setting otherwise than the environment has it
        asks, order, run = _running(room, asks, first_order(asks, {}, given))
    if not run.ok:
        raise UserError(f"it does not run here: {run.why_not}")
    asks, order = learnt(asks, order, run)
    vocab = _vocab(run)
    order = replace(order, val=text(2, vocab, LENGTH), train=text(1, vocab, TRAIN_LENGTH), clock=clock_of(asks))
    room.forget(run)
    whole = room.run(order)
    if not whole.ok:
        raise UserError(f"it does not run here on {vocab} different tokens: {whole.why_not}")
    subject = Subject(room, asks, order, vocab, whole, vocab_known=bool(run.told.get("alphabets")))
    _phases(subject)
    if subject.evaluated is None:
        subject.evaluated = whole
    room.source = subject.evaluated.source
    again = subject.evaluate(ledger=True)
    subject.run_s = room.last_s
    subject.steady = same(again.prices, subject.evaluated.prices)
    return subject


def _running(room: Room, asks: Asks, order: Order) -> tuple[Asks, Order, Seen]:
    """Run until it comes to its end, or nothing is left that the last run asked for."""
    run = room.run(order)
    for _ in range(TRIES):
        if run.ok:
            break
        asks, changed = learnt(asks, order, run)
        if changed == order:
            break
        order = changed
        room.forget(run)
        run = room.run(order)
    return asks, order, run


def _vocab(run: Seen) -> int:
    """Rows of the embedding that the text's tokens went through, else the columns of its scores."""
    found = run.told.get("alphabets")
    sizes = found if isinstance(found, dict) else {}
    for name in ("val", "train", "logits", ""):
        size = sizes.get(name)
        if isinstance(size, int) and 4 <= size <= 1 << 16:
            return size
    return SMALL_VOCAB


def _phases(subject: Subject) -> None:
    """Find a training alone and an evaluation of what it left, in a fresh process and folder."""
    room, base = subject.room, subject.base
    for training in (*subject.asks.trainings, None):
        env = {**base.env, **({training[0]: training[1]} if training else {})}
        made = room.run(replace(base, env=env, ledger=True)) if training else subject.whole
        if not made.ok or not made.files:
            continue
        kept = {name: made.bytes_of(name) for name in made.files}
        for phase in subject.asks.phases:
            order = replace(base, env={**base.env, phase[0]: phase[1]}, files={**base.files, **kept}, ledger=True)
            run = room.run(order)
            wrote = {str(one["path"]) for one in run.events("write")}
            read = {str(one["path"]) for one in run.events("read") if inside(run, one)} - wrote
            used = {one.removeprefix(f"{run.folder}/") for one in read} & set(kept)
            if run.ok and run.prices is not None and used:
                subject.phase, subject.training = phase, training
                subject.artifact = {name: kept[name] for name in sorted(used)}
                subject.made, subject.evaluated = made, run
                return
    subject.why_not = (
        "it has no setting for an evaluation alone"
        if not subject.asks.phases
        else "its evaluation alone does not run"
    )


def inside(run: Seen, event: Mapping[str, object]) -> bool:
    """Whether a file of an event lies in the run's folder."""
    return event.get("role") == "own" and str(event.get("path", "")).startswith(f"{run.folder}/")
