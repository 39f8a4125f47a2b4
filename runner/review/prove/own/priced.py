"""The prices of one run of golf's own script, each with its place, held against the text and the printed score."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.errors import UserError
from runner.review.prove.inside.own_watch import LISTED
from runner.review.prove.room import Room
from runner.review.prove.seen import Prices, Seen
from runner.review.prove.texts import Tokens
from runner.untrusted import is_regular

SCORE = re.compile(
    r"^final_score rule:(\S{1,40}) tokens:(\d{1,12}) bytes:(\d{1,12}) val_loss:(\S{1,40}) val_bpb:(\S{1,40})$", re.M
)
CLOSE = 1e-6
"""Share by which the mean of the list may differ from the printed loss: a rule may sum in float32."""
MOST_LIST = 256 << 20


@dataclass(frozen=True)
class Priced:
    """One evaluation's last pass, in the order in which it was counted.

    run: what else it showed; places: of the targets, target t being token t + 1; nats, sizes: of each; count: targets
    of the text; rule, said_tokens, said_bytes, said_loss, said_bpb: of its line `final_score`.
    """

    run: Seen
    places: NDArray[np.int64]
    nats: NDArray[np.float64]
    sizes: NDArray[np.int64]
    count: int
    rule: str
    said_tokens: int
    said_bytes: int
    said_loss: float
    said_bpb: float

    @property
    def times(self) -> NDArray[np.int64]:
        """(count,) how often each target was scored."""
        return np.bincount(self.places, minlength=self.count)

    def by_target(self) -> Prices:
        """(count,) nats of each target, NaN where it was not scored; of one that was scored again the last ones."""
        found = np.full(self.count, np.nan)
        found[self.places] = self.nats
        return found


def priced(room: Room, run: Seen, val: Tokens) -> Priced:
    """What a run's list holds; UserError where it has none, or one that is not of this text and this score."""
    path = room.beside_report(run, LISTED)
    if not run.ok:
        raise UserError(f"its evaluation does not run: {run.why_not}")
    said = SCORE.findall(run.printed)
    if not said or not is_regular(path):
        raise UserError("its evaluation printed no line final_score, or nothing was seen to be counted")
    rows = _rows(path)
    rows = rows[:, rows[0] == rows[0].max()]
    rule, tokens, size, loss, bpb = said[-1]
    places, targets = rows[1].astype(np.int64), rows[4].astype(np.int64)
    found = Priced(
        run,
        places,
        rows[2],
        rows[3].astype(np.int64),
        len(val) - 1,
        rule,
        int(tokens),
        int(size),
        float(loss),
        float(bpb),
    )
    if places.min() < 0 or places.max() >= found.count or not np.array_equal(targets, val[places + 1]):
        raise UserError("the places of its prices are not those of its targets in the text")
    mean = float(found.nats.mean())
    if len(places) != found.said_tokens or abs(mean - found.said_loss) > CLOSE * abs(found.said_loss):
        counted = f"{len(places)} prices of {mean!r} nats in the mean"
        raise UserError(f"{counted} were seen, and it printed {tokens} of {loss}")
    return found


def _rows(path: Path) -> NDArray[np.float64]:
    if path.stat().st_size > MOST_LIST:
        raise UserError("the list of its prices is too long")
    try:
        rows = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise UserError("the list of its prices cannot be read") from None
    if rows.ndim != 2 or rows.shape[0] != 5 or not rows.shape[1] or not np.isfinite(rows).all():
        raise UserError("the list of its prices is none")
    return np.asarray(rows, np.float64)
