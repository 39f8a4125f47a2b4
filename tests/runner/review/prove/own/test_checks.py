"""What checks make of prices, counts and clocks that were seen: passes with numbers, failures, unknown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from golf_model.config.golf_config import GolfConfig
from runner.errors import UserError
from runner.job.load import load_job
from runner.review.prove.inside.own_watch import LISTED
from runner.review.prove.own.clocks import clocks
from runner.review.prove.own.counts import recounted, scored_once
from runner.review.prove.own.documents import documents
from runner.review.prove.own.moves import flipped, flips, moved_by, suffixes
from runner.review.prove.own.priced import Priced, priced
from runner.review.prove.own.recount import bytes_of
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.own.size import LENGTH, SPECIAL, VOCAB, OwnScript, proof_config
from runner.review.prove.own.sums import sums
from runner.review.prove.room import Order, Room
from runner.review.prove.seen import Prices, Seen
from runner.review.prove.texts import Tokens
from tests.fixtures.places import JOBS

BEGINS = "train_start", "train_end", "eval_start", "eval_end"


def of_windows(val: Tokens) -> Prices:
    """A predictor of our own by the plain rule: each token's price depends on those before it in its sequence."""
    share = np.log1p(np.arange(VOCAB)) + 1
    before = np.append(val[:-1], np.zeros(-(len(val) - 1) % LENGTH)).reshape(-1, LENGTH)
    seen = before.cumsum(axis=1).reshape(-1)[: len(val) - 1].astype(int)
    return cast(Prices, -np.log(share[(val[1:] - seen) % VOCAB] / share.sum()))


@dataclass
class Made:
    """A subject whose prices are a function's."""

    price_of: Any = of_windows
    twice: int = 0
    """Last targets that are counted again."""
    wrong_bytes: int = 0
    own: OwnScript = field(default_factory=lambda: OwnScript(quickstart()))
    vocab: int = VOCAB

    @property
    def val(self) -> Tokens:
        return self.own.val()

    def price(self, val: Tokens) -> Priced:
        nats = self.price_of(val)
        places = np.flatnonzero(~np.isnan(nats))
        places = np.concatenate((places, places[len(places) - self.twice :]))
        sizes = bytes_of(val, self.own.pieces, SPECIAL)[places + 1]
        sizes[0] += self.wrong_bytes
        total = int(sizes.sum())
        loss = float(nats[places].mean())
        bpb = loss / np.log(2) * len(places) / total
        run = Seen(True, "", Path(), "", {})
        return Priced(run, places, nats[places], sizes, len(nats), "plain", len(places), total, loss, float(bpb))


def quickstart() -> GolfConfig:
    return proof_config(load_job(JOBS / "quickstart.yaml"))


def subject(**how: Any) -> OwnSubject:
    return cast(OwnSubject, Made(**how))


def ahead(val: Tokens) -> Prices:
    """Prices that know of the token after their target."""
    later = np.append(val[2:], 0) % 7 * 0.01
    return of_windows(val) + later


def unsure(val: Tokens) -> Prices:
    """Prices that are too low for even tokens."""
    return of_windows(val) - np.where(val[1:] % 2 == 0, 0.05, 0.0)


def whole(val: Tokens) -> Prices:
    """Prices that know of all tokens before them, whatever the window."""
    return of_windows(val) + np.cumsum(val[:-1].astype(float)) % 7 * 0.01


def test_a_predictor_that_keeps_the_rules_passes_with_its_numbers() -> None:
    one = subject()
    first = one.price(one.val)
    prices = first.by_target()
    changed = flipped(one, prices)
    found = [flips(one, changed), suffixes(one, prices), sums(one), scored_once(one, first), recounted(one, first)]
    assert [check.result for check in found] == ["pass"] * 5
    assert "1.0000000, 1.0000000, 1.0000000" in found[2].seen
    assert "960 targets: 960 once, 0 more often, 0 never" in found[3].seen
    said = documents(one, changed)
    assert said.result == "pass"
    assert "does not keep documents apart" in said.seen


@pytest.mark.parametrize("price_of", [ahead, whole])
def test_a_price_that_knows_what_it_must_not_fails_where_a_target_is_flipped(price_of: Any) -> None:
    one = subject(price_of=price_of)
    prices = one.price(one.val).by_target()
    assert flips(one, flipped(one, prices)).result == "fail"
    assert suffixes(one, prices).result == ("fail" if price_of is ahead else "pass")


def test_prices_that_are_no_distribution_fail_their_sum_and_blocks_that_see_another_leave_it_unknown() -> None:
    assert sums(subject(price_of=unsure)).result == "fail"
    assert sums(subject(price_of=whole)).result == "unknown"


@pytest.mark.parametrize("lost", [slice(100, 120), slice(0, 200)])
def test_targets_without_a_price_or_with_two_fail_the_count(lost: slice) -> None:
    def some(val: Tokens) -> Prices:
        found = of_windows(val)
        found[lost] = np.nan
        return found

    one = subject(price_of=some)
    assert scored_once(one, one.price(one.val)).result == "fail"
    again = subject(twice=48)
    check = scored_once(again, again.price(again.val))
    assert check.result == "fail"
    assert "960 targets: 912 once, 48 more often, 0 never" in check.seen


def test_a_byte_too_many_fails_the_recount() -> None:
    one = subject(wrong_bytes=1)
    check = recounted(one, one.price(one.val))
    assert check.result == "fail"
    assert "1 targets differ" in check.seen


def test_a_price_that_only_one_run_has_has_moved() -> None:
    both = moved_by(np.array([1.0, np.nan, 2.0, np.nan]), np.array([1.5, np.nan, np.nan, 3.0]))
    assert both.tolist() == [0.5, 0.0, np.inf, np.inf]


def timed(took: float, said_ms: int, said_eval_ms: int = 1000) -> OwnSubject:
    """A run whose training took so long by the room's clock, in steps of 3.5 s."""
    names = [
        {"kind": "phase", "name": name, "at": at}
        for name, at in zip(BEGINS, (5.0, 5.0 + took, 0.0, 1.0), strict=True)
    ]
    used = [{"kind": "update", "role": "train", "at": at} for at in (2.0, 6.0, 4.0 + took)]
    lines = f"step:9/20000 train_loss:4.0 train_time:{said_ms}ms step_avg:3500.00ms\n"
    run = Seen(
        True, "", Path(), lines + f"x eval_time:{said_eval_ms}ms\n", {"events": [*names[:2], *used, *names[2:]]}
    )
    nothing = np.zeros(1, np.uint16)
    base = Order(nothing, nothing, {}, clock={"step": 1.0})
    own = OwnScript(quickstart())
    made = cast(Any, OwnSubject)(cast(Any, None), cast(Any, None), base, VOCAB, run, own=own)
    made.made = made.evaluated = run
    return cast(OwnSubject, made)


@pytest.mark.parametrize(
    ("took", "said_ms", "said_eval_ms", "result"),
    [
        (31.5, 31500, 1000, "pass"),
        (31.5, 30000, 1000, "fail"),
        (31.5, 31500, 200, "fail"),
        (38.0, 38000, 1000, "fail"),
    ],
)
def test_a_clock_passes_where_the_limit_is_kept_and_the_log_is_true(
    took: float, said_ms: int, said_eval_ms: int, result: str
) -> None:
    assert clocks(timed(took, said_ms, said_eval_ms)).result == result


def test_a_run_whose_phases_are_not_seen_has_no_clock() -> None:
    one = timed(31.5, 31500)
    one.made = replace(cast(Seen, one.made), told={"events": []})
    assert clocks(one).result == "unknown"


def listed(folder: Path, rows: np.ndarray, line: str) -> tuple[Room, Seen]:
    """A room in which a run left this list and printed this line."""
    room = Room.__new__(Room)
    room.work = folder
    np.save(folder / f"report1.json{LISTED}", rows)
    return room, Seen(True, "", folder / "run1", line, {})


LINE = "final_score rule:plain tokens:3 bytes:6 val_loss:2.0 val_bpb:1.5"
VAL = np.array([1, 5, 6, 7], np.uint16)
ROWS = np.array([[1, 1, 1, 0], [0, 1, 2, 0], [1.0, 2.0, 3.0, 9.0], [2, 2, 2, 2], [5, 6, 7, 5]])


def test_a_list_is_its_last_pass(tmp_path: Path) -> None:
    found = priced(*listed(tmp_path, ROWS, LINE), VAL)
    assert found.by_target().tolist() == [1.0, 2.0, 3.0]
    assert (found.said_bytes, found.said_bpb, found.rule) == (6, 1.5, "plain")
    assert found.times.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        (ROWS, LINE.replace("2.0", "2.1"), "3 prices of 2.0 nats in the mean were seen, and it printed 3 of 2.1"),
        (ROWS, LINE.replace("tokens:3", "tokens:4"), "it printed 4 of 2.0"),
        (ROWS, "nothing", "printed no line final_score"),
        (ROWS[:, [1, 0, 3]] * [[1], [1], [1], [1], [2]], LINE, "are not those of its targets"),
        (ROWS[:4], LINE, "is none"),
        (np.full((5, 2), np.nan), LINE, "is none"),
    ],
)
def test_a_list_that_is_not_of_this_score_is_refused(tmp_path: Path, rows: np.ndarray, line: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        priced(*listed(tmp_path, rows, line), VAL)
