"""Curves from logs: official lines, later lives count, thinned evenly, whatever else stands there."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner.logs.loss_curves import MOST_POINTS, curve, thinned


def test_training_and_validation_losses_are_read_and_a_later_life_replaces_an_earlier_one(tmp_path: Path) -> None:
    first, second = tmp_path / "1.log", tmp_path / "2.log"
    first.write_text(
        "step:1/100 train_loss:6.9000 train_time:1ms step_avg:1.00ms\n"
        "step:50/100 train_loss:5.0000 train_time:1ms step_avg:1.00ms\n"
        "step:100/100 val_loss:nan val_bpb:nan train_time:1ms step_avg:1.00ms\n"
        "noise step:60/100 train_loss:1\n"
    )
    second.write_bytes(
        b"step:50/100 train_loss:4.5000 train_time:1ms step_avg:1.00ms\n\xff\xfe\n"
        b"step:100/100 val_loss:4.2500 val_bpb:2.5 train_time:1ms step_avg:1.00ms\n"
    )
    found = curve(7, [first, second])
    assert found is not None
    assert (found.steps, found.losses) == ([1, 50], [6.9, 4.5])
    assert (found.val_steps, found.val_losses) == ([100], [4.25])


def test_training_time_and_bits_per_byte_stand_beside_the_losses_where_lines_say_them(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_text(
        "step:1/9 train_loss:3.0 train_time:150ms step_avg:150.00ms\n"
        "step:2/9 train_loss:2.5\n"
        "step:2/9 val_loss:2.4 val_bpb:1.25 train_time:300ms step_avg:150.00ms\n"
        "step:4/9 val_loss:2.3 val_bpb:nan train_time:600ms step_avg:150.00ms\n"
    )
    found = curve(7, [path])
    assert found is not None
    assert (found.seconds, found.val_seconds, found.val_bpb) == ([0.15, None], [0.3, 0.6], [1.25, None])
    path.write_text("step:1/9 train_loss:3.0\nstep:2/9 val_loss:2.0\n")
    silent = curve(7, [path])
    assert silent is not None
    assert (silent.seconds, silent.val_seconds, silent.val_bpb) == ([], [], [])


def test_losses_on_a_progress_bar_count_and_the_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(b"x\r\nstep:1/9 train_loss:3.0\rstep:2/9 train_loss:2.5\r\nstep:3/9 val_loss:2.0")
    found = curve(7, [path])
    assert found is not None
    assert (found.steps, found.losses, found.val_steps) == ([1, 2], [3.0, 2.5], [3])


def test_losses_in_a_dialect_of_the_jobs_own_have_a_curve(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_text("[it 1,000] nll=4.5\n[it 1,000] dev 4.25\n[it 2,000] nll=nan\n[it x] nll=4\n[it 3] nll=0x1\n")
    own = re.compile(r"^\[it (?P<step>\S+)\] (?:nll=(?P<train_loss>\S+)|dev (?P<val_loss>\S+))")
    found = curve(7, [path], own)
    assert found is not None
    assert (found.steps, found.losses) == ([1000], [4.5])
    assert (found.val_steps, found.val_losses) == ([1000], [4.25])
    assert curve(7, [path], re.compile("it")) is None


def test_a_log_without_losses_has_no_curve(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_text("nothing of the kind\n")
    assert curve(7, [path]) is None
    assert curve(7, []) is None


@given(st.dictionaries(st.integers(0, 10**6), st.floats(0, 20), max_size=150))
def test_thinning_keeps_the_ends_the_order_and_at_most_so_many(points: dict[int, float]) -> None:
    kept = thinned(points)
    assert len(kept) == min(len(points), MOST_POINTS)
    assert list(kept) == sorted(kept)
    assert kept.items() <= points.items()
    if points:
        assert {min(points), max(points)} <= set(kept)
