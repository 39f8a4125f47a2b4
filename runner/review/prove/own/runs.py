"""One of golf's own scripts in its room: trained once, its artifact kept, and scored on any text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner.errors import UserError
from runner.review.prove.asks import Asks
from runner.review.prove.own.priced import Priced, priced
from runner.review.prove.own.size import OwnScript
from runner.review.prove.room import Order, Room, opened_room, same
from runner.review.prove.seen import Seen
from runner.review.prove.subject import Subject
from runner.review.prove.texts import Tokens
from runner.review.source.unwrap import Reviewed, read_source
from runner.review.targets import Target

TRAIN, EVAL = ("GOLF_PHASE", "train"), ("GOLF_PHASE", "eval")
ARTIFACT = "final_model.ptz"
SCRIPT = Path("train_gpt.py")


@dataclass
class OwnSubject(Subject):
    """A subject whose prices are what its tallies took in."""

    own: OwnScript | None = None
    first: Priced | None = None
    """The prices of the plain text."""

    def evaluate(self, val: Tokens | None = None, train: Tokens | None = None, *, ledger: bool = False) -> Seen:
        """Its evaluation of the kept artifact, with the price of each target."""
        del ledger
        return self.scored(self.base.val if val is None else val, train)[1]

    def train(self, val: Tokens | None = None) -> Seen:
        """Its training, with another validation text."""
        return self.room.run(_phase(self._order(self.base.val if val is None else val), TRAIN))

    def price(self, val: Tokens) -> Priced:
        """The prices of a text, by the artifact; its folder goes."""
        found, run = self.scored(val)
        self.room.forget(run)
        return found

    def scored(self, val: Tokens, train: Tokens | None = None) -> tuple[Priced, Seen]:
        """(prices, the run with them) of a text; UserError where it does not run."""
        order = _phase(self._order(val, train), EVAL)
        run = self.room.run(replace(order, files={**order.files, **(self.artifact or {})}))
        found = priced(self.room, run, val)
        return found, replace(run, prices=found.by_target(), source="its tallies")

    def _order(self, val: Tokens, train: Tokens | None = None) -> Order:
        assert self.own is not None
        return self.own.order(val, train)


def _phase(order: Order, phase: tuple[str, str]) -> Order:
    return replace(order, env={**order.env, phase[0]: phase[1]})


@contextmanager
def opened_own(own: OwnScript, seconds: float) -> Iterator[tuple[Room, Reviewed]]:
    """A room for its script as it is shipped, and what was read of that; UserError where nothing can be cut off."""
    content = own.script.source
    reviewed = read_source(SCRIPT, content)
    with opened_room(Target(SCRIPT, SCRIPT, content=content), reviewed, seconds) as room:
        yield room, reviewed


def trained(room: Room, own: OwnScript) -> OwnSubject:
    """Train it, and score its artifact in a fresh process; UserError where it does not run."""
    val = own.val()
    order = own.order(val)
    made = room.run(_phase(order, TRAIN))
    if not made.ok or ARTIFACT not in made.files:
        raise UserError(f"its training does not run here: {made.why_not or 'it left no artifact'}")
    asks = Asks(
        phases=(EVAL,), trainings=(TRAIN,), limit_name="max_wallclock_seconds", limit_s=own.limit_s, headed=True
    )
    subject = OwnSubject(room, asks, order, own.config.model.vocab_size, made, EVAL, TRAIN, own=own)
    subject.artifact, subject.made = {ARTIFACT: made.bytes_of(ARTIFACT)}, made
    subject.first, subject.evaluated = subject.scored(val)
    return subject


def own_subject(room: Room, own: OwnScript) -> OwnSubject:
    """The same, and its evaluation again, and both phases in one process; UserError where it does not run."""
    subject = trained(room, own)
    assert subject.evaluated is not None
    subject.steady = same(subject.price(subject.val).by_target(), subject.evaluated.prices)
    whole = room.run(subject.base)
    together = priced(room, whole, subject.val)
    subject.whole = replace(whole, prices=together.by_target(), source="its tallies")
    return subject
