"""The timeline of attempts: where, when, how long, how it ended; what was not noted is not made up."""

from __future__ import annotations

from reports.page.record.attempts import attempts_of, attempts_section, lanes
from reports.page.section import Cell, Picture, Table, Words
from runner.results.runs import Launch
from tests.fixtures.full_record import told_record
from tests.fixtures.pictured_record import pictured_record
from tests.fixtures.results import record


def test_attempts_stand_on_their_nodes_from_their_start_and_say_how_they_ended() -> None:
    picture = attempts_section(pictured_record()).parts[1]
    assert isinstance(picture, Picture)
    bars = {trace["name"]: trace for trace in picture.figure["data"]}
    assert list(bars) == ["completed", "lost", "end not noted"]
    assert (bars["lost"]["base"], bars["lost"]["x"]) == ([2.0], [30.0])
    assert bars["completed"]["text"] == ["seed 1337", "seed 42 #2"]
    assert picture.figure["layout"]["yaxis"]["ticktext"] == ["one (n1)", "", "two (n2)"]
    assert bars["end not noted"]["hovertext"][0].endswith("nobody saw its end")


def test_attempts_beside_each_other_on_a_node_have_lanes_of_their_own() -> None:
    found = attempts_of(pictured_record().launches)
    assert [(one.launch.seed, place) for one, place in zip(found, lanes(found), strict=True)] == [
        (1337, ("one (n1)", 0)),
        (42, ("two (n2)", 0)),
        (2024, ("two (n2)", 0)),
        (42, ("one (n1)", 1)),
    ]


def test_the_table_says_which_attempts_count_and_what_is_unknown() -> None:
    picture = attempts_section(pictured_record()).parts[1]
    assert isinstance(picture, Picture)
    rows = [list(row) for row in picture.table.rows]
    assert [row[6] for row in rows] == ["counts", "", "counts", "counts"]
    assert rows[1][4:6] == ["30.0", Cell("lost", kind="open")]
    assert rows[3][4:6] == ["unknown", Cell("end not noted", kind="open")]


def test_an_older_record_says_that_it_holds_neither_times_nor_places() -> None:
    words, missing, table = attempts_section(told_record()).parts
    assert words == Words("4 attempts by the ledger: 3 completed, 1 lost.")
    assert missing == Words("Not in this record: when and where its attempts started.", "muted")
    assert isinstance(table, Table)
    assert list(table.rows[0])[2:4] == ["unknown", "unknown"]
    assert attempts_section(record()).parts == (Words("Not in this record: its attempts.", "muted"),)


def test_a_time_that_is_none_is_left_out() -> None:
    assert attempts_of([Launch(seed=1, attempt=1, status=None, seconds=None, started_at="yesterday")]) == []
