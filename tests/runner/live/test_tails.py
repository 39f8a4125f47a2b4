"""A log that grows is read on, and one that was replaced is read anew."""

from __future__ import annotations

import re
from pathlib import Path

from runner.live.tails import MOST_POINTS, TAIL_BYTES, Told, told_by
from tests.fixtures.live_run import TRAINING


def test_facts_and_losses_grow_with_the_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    assert told_by(log) == Told()
    log.write_text(TRAINING)
    first = told_by(log)
    assert (first.facts["steps"], first.facts["live_val_bpb"]) == (20, 1.9)
    assert first.losses == {1: 6.0, 10: 4.0, 20: 3.0}
    with log.open("a") as more:
        more.write("forecast at:50% artifact:1000 total:1234\nstep:30/20000 train_loss:2.5 train_ti")
    assert told_by(log).facts["steps"] == 20  # the line has not ended
    with log.open("a") as more:
        more.write("me:3000ms step_avg:100.00ms\n")
    second = told_by(log)
    assert (second.facts["steps"], second.losses[30]) == (30, 2.5)
    assert (second.facts["forecast_percent"], second.facts["forecast_total"]) == (50, 1234)
    assert first.losses == {1: 6.0, 10: 4.0, 20: 3.0}  # what was given out does not change


def test_a_log_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(TRAINING)
    told_by(log)
    log.write_text(TRAINING.splitlines(keepends=True)[0])
    assert told_by(log).losses == {1: 6.0}
    log.unlink()
    assert told_by(log) == Told()


def test_of_a_long_log_the_end_is_read_and_few_losses_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    line = "step:{}/20000 train_loss:2.0 train_time:1ms step_avg:1.00ms\n"
    log.write_text("".join(line.format(step) for step in range(1, 20_001)))
    assert log.stat().st_size > TAIL_BYTES
    told = told_by(log)
    assert told.facts["steps"] == 20_000
    assert len(told.losses) <= 2 * MOST_POINTS
    assert max(told.losses) == 20_000


def test_somebody_elses_lines_are_read_by_their_jobs_pattern(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("it 5 | loss 4.25\nit 6 | loss 4.00\n")
    own = re.compile(r"^it (?P<step>\d+) \| loss (?P<train_loss>[\d.]+)")
    told = told_by(log, (own,))
    assert (told.facts["steps"], told.facts["train_loss"], told.losses) == (6, 4.0, {5: 4.25, 6: 4.0})
