"""Where the seconds went: stretches by the referee's events, intervals open, unseen ones unknown."""

from __future__ import annotations

import pytest

from reports.page.record.clocks import clocks_section, evaluation_stretches, training_stretches
from reports.page.section import Picture, Words
from runner.results.record import RecordData
from tests.fixtures.pictured_record import open_clock, pictured_record, training
from tests.fixtures.results import failed_result, failed_verification, record, run_result, verification


def pictures(data: RecordData) -> list[Picture]:
    return [part for part in clocks_section(data).parts if isinstance(part, Picture)]


def test_training_is_told_from_start_up_to_the_end_of_its_process() -> None:
    data = pictured_record()
    told = {one.name: round(one.seconds, 3) for one in training_stretches(data.results[0]) if one.seconds is not None}
    assert told == {
        "start-up": 6.0,
        "warm-up": 1.0,
        "steps": 57.913,
        "after the last step (calibration)": 0.0,
        "validation": 0.5,
        "packing": 2.0,
        "load back, score": 1.5,
    }
    evaluation = {one.name: one.seconds for one in evaluation_stretches(data.results[0])}
    assert evaluation == {"start-up": 4.25, "evaluation": 6.512, "end of the process": 5.25}


def test_bars_stand_end_to_end_and_the_limited_time_begins_at_zero() -> None:
    training = pictures(pictured_record())[0]
    bars = {trace["name"]: trace for trace in training.figure["data"]}
    assert bars["start-up"]["base"][0] == -7.0
    assert bars["steps"]["base"][0] == 0.0
    assert bars["packing"]["base"][0] == bars["validation"]["base"][0] + bars["validation"]["x"][0]
    assert training.figure["layout"]["shapes"][0]["x0"] == 60.0
    assert training.figure["layout"]["annotations"][0]["text"] == "limit 60 s"


@pytest.mark.parametrize(("idle", "drawn"), [(3.0, True), (9_000.0, False)])
def test_idle_time_of_a_node_stands_before_its_seed_unless_it_dwarfs_all_else(idle: float, drawn: bool) -> None:
    data = record([run_result(1337, idle_seconds=idle, train=training(50.0))], [verification(1337)], seeds=(1337,))
    training_picture = pictures(data)[0]
    bars = {trace["name"]: trace for trace in training_picture.figure["data"]}
    assert ("node idle" in bars) is drawn
    if drawn:
        assert (bars["node idle"]["base"], bars["node idle"]["x"]) == ([-10.0], [3.0])
    assert training_picture.table.rows[0][-1] == f"{idle:,.2f}"


def test_an_interval_is_never_shown_as_its_end() -> None:
    data = record([open_clock(1337, 50.0, 62.0)], [verification(1337)], seeds=(1337,))
    training = pictures(data)[0]
    row = list(training.table.rows[0])
    heads = list(training.table.heads)
    assert row[heads.index("steps, s")] == row[heads.index("official clock, s")] == "50.00 to 62.00"
    open_bar = next(trace for trace in training.figure["data"] if trace["name"] == "not known")
    assert (open_bar["base"], open_bar["x"]) == ([50.0], [12.0])


def test_what_nobody_saw_is_unknown_and_no_process_is_a_line() -> None:
    row = list(pictures(record([open_clock(1337, 50.0, 62.0)], [verification(1337)], seeds=(1337,)))[0].table.rows[0])
    assert row[1:3] == ["unknown", "unknown"]
    assert row[-1] == "unknown"
    nothing = record([failed_result(42)], [failed_verification(42)], seeds=(42,))
    assert clocks_section(nothing).parts == (Words("No process of this record was timed.", "muted"),)
