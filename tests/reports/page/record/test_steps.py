"""Step times: every step counts with the mean between two lines of its log, by node."""

from __future__ import annotations

import pytest

from reports.page.record.steps import Pace, paces_by_node, paces_of, quantile, steps_section
from reports.page.section import Picture, Words
from runner.results.runs import Curve
from tests.fixtures.full_record import told_record
from tests.fixtures.pictured_record import pictured_record


def curve(steps: list[int], seconds: list[float | None]) -> Curve:
    return Curve(seed=1, steps=steps, losses=[3.0] * len(steps), val_steps=[], val_losses=[], seconds=seconds)


def test_steps_between_two_lines_share_their_mean() -> None:
    assert paces_of(curve([1, 11, 31], [0.5, 1.5, 5.5])) == [Pace(100.0, 10), Pace(200.0, 20)]


@pytest.mark.parametrize("seconds", [[], [None, None, None], [3.0, 2.0, 1.0], [1.0, 1.0, 1.0], [float("nan")] * 3])
def test_times_that_are_missing_or_run_backwards_tell_nothing(seconds: list[float | None]) -> None:
    assert paces_of(curve([1, 11, 31], seconds)) == []


def test_every_step_of_every_node_is_counted_once() -> None:
    nodes = paces_by_node(pictured_record())
    assert {node: sum(pace.steps for pace in paces) for node, paces in nodes.items()} == {"node-a": 3 * 409}
    picture = steps_section(pictured_record()).parts[0]
    assert isinstance(picture, Picture)
    assert sum(sum(trace["y"]) for trace in picture.figure["data"]) == 3 * 409
    assert picture.table.rows[0][:2] == ["node-a", "1,227"]


def test_a_quantile_weighs_by_steps() -> None:
    paces = [Pace(1.0, 90), Pace(5.0, 9), Pace(50.0, 1)]
    assert [quantile(paces, share) for share in (0.5, 0.95, 1.0)] == [1.0, 5.0, 50.0]


def test_the_slowest_steps_are_told_in_words() -> None:
    slow = curve([1, 1001, 1002], [0.0, 100.0, 109.0])
    parts = steps_section(told_record(curves=[slow])).parts
    assert parts[1] == Words("Slower, and not drawn: 1 steps, up to 9,000.0 ms each.", "muted")


def test_logs_without_times_are_a_line() -> None:
    expected = (Words("Not in this record: training time beside the steps.", "muted"),)
    assert steps_section(told_record()).parts == expected
