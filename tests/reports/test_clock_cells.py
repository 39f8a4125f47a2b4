"""Clocks in tables: an interval is shown as one, its end alone never."""

from __future__ import annotations

import pytest

from reports.clock_cells import mean_cell, seed_cell, std_cell
from reports.record.readme import render_readme
from reports.tables import seed_table, summary_table
from runner.results.frozen import Interval
from runner.results.record import RecordData
from runner.results.runs import RunResult
from tests.fixtures.results import phase, record, run_result, verification


def seed(number: int, low: float, high: float) -> RunResult:
    clock = Interval(low=low, high=high)
    return run_result(number, train=phase("train", 1.0, clock=clock, strict_clock=clock))


def of(*results: RunResult) -> RecordData:
    seeds = tuple(result.seed for result in results)
    return record(list(results), [verification(number) for number in seeds], seeds=seeds)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (57.0, 57.0, "57.00"),
        (57.001, 57.004, "57.00"),
        (8.95, 22.39, "8.95 to 22.39"),
        (59.9, 60.001, "59.90 to 60.001"),
        (60.0, 60.0001, "60.00 to 60.0001"),
    ],
)
def test_a_seeds_clock_is_shown_with_both_ends_each_on_its_side_of_the_limit(
    low: float, high: float, shown: str
) -> None:
    (row,) = seed_table(of(seed(1337, low, high))).to_dict("records")
    assert seed_cell(row, "train_seconds", 2, 60.0) == shown
    assert seed_cell(row, "eval_seconds", 2, 60.0) == "6.51"
    assert seed_cell(row, "steps", 0) == "410"


def test_mean_and_deviation_of_intervals() -> None:
    exact = summary_table(seed_table(of(seed(1337, 50.0, 50.0), seed(42, 52.0, 52.0))))
    assert (mean_cell(exact, "train_seconds", 2), std_cell(exact, "train_seconds", 2)) == ("51.00", "1.41")
    wide = summary_table(seed_table(of(seed(1337, 50.0, 50.0), seed(42, 52.0, 54.0))))
    assert (mean_cell(wide, "train_seconds", 2), std_cell(wide, "train_seconds", 2)) == ("51.00 to 52.00", "n/a")
    unseen = summary_table(seed_table(of(run_result(1337, train=None))))
    assert (mean_cell(unseen, "train_seconds", 2), std_cell(unseen, "train_seconds", 2)) == ("–", "–")
    assert std_cell(exact, "steps", 0) == "0"


def test_the_readme_never_shows_an_end_alone() -> None:
    text = render_readme(of(seed(1337, 8.95, 22.39), seed(42, 10.0, 20.0)))
    assert "8.95 to 22.39" in text
    assert "Training took 8.95 to 22.39 / 10.00 to 20.00 s" in text
    assert text.count("22.39") == text.count("8.95 to 22.39")


def test_a_clock_that_the_script_narrowed_says_so_beside_what_arrived() -> None:
    clock, arrived = Interval(low=57.5, high=57.625), Interval(low=40.25, high=63.5)
    train = phase("train", 1.0, clock=clock, arrival_clock=arrived, narrowed_by="its own training time")
    text = render_readme(of(run_result(1337, train=train), run_result(42)))
    told = "seed 1337's training from 40.25 to 63.50 s by its own training time."
    assert f"Narrowed by what the script says itself, within what the referee saw arrive: {told}" in text
    assert "Narrowed" not in render_readme(of(run_result(42)))
