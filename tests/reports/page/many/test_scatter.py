"""Scores against bytes and time: every record where it is, the limit as a line, intervals as bars."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from reports.page.many.entries import Entry, entry_of_record
from reports.page.many.scatter import BYTES, TIME, not_drawn, picture, score_section
from reports.page.section import Cell, Picture
from runner.results.frozen import Interval
from tests.fixtures.results import LOSSES, phase, record, run_result, score, verification


def entry(**changes: Any) -> Entry:
    return dataclasses.replace(entry_of_record(Path("records/one"), record()), **changes)


def drawn(entries: list[Entry], against: Any = BYTES) -> dict[str, Any]:
    made = picture(entries, against)
    assert made is not None
    return made.figure


def test_a_mark_is_the_mean_and_dots_are_the_seeds() -> None:
    seeds, means = drawn([entry()])["data"]
    bpb = [score(loss).val_bpb for loss in LOSSES.values()]
    assert seeds["y"] == [round(one, 6) for one in bpb]
    assert seeds["x"] == [1_552_702, 1_551_407, 1_553_389]
    assert means["y"] == [1.744486]
    assert means["x"] == [1_552_499.333333]
    assert means["error_y"]["array"][0] is not None
    assert means["text"] == ["quickstart\n● passed\n1.7445 ± 0.0045 bpb, 3 seeds\nbytes: 1,551,407 to 1,553,389"]


def test_of_very_many_records_the_means_alone_are_drawn_and_the_table_is_cut() -> None:
    base = entry()
    many = [dataclasses.replace(base, name=f"job-{number}") for number in range(501)]
    made = picture(many, BYTES)
    assert made is not None
    (means,) = made.figure["data"]
    assert (len(means["x"]), len(made.table.rows)) == (501, 300)
    section = score_section(many)
    assert section is not None
    told = [getattr(part, "text", "") for part in section.parts]
    assert "Their tables: 201 more are not listed: name fewer folders to see them." in told


def test_a_single_seed_has_no_deviation_drawn() -> None:
    one = entry_of_record(Path("x"), record(seeds=(1337,)))
    assert drawn([one])["data"][1]["error_y"]["array"] == [None]


def test_an_interval_is_a_bar_from_end_to_end() -> None:
    wide = phase("train", 58.0, clock=Interval(low=50.0, high=60.0))
    one = entry_of_record(Path("x"), record([run_result(1337, train=wide)]))
    seeds = drawn([one], TIME)["data"][0]
    assert (seeds["x"], seeds["error_x"]["array"]) == ([55.0], [5.0])
    assert "train s: 50.0 to 60.0" in drawn([one], TIME)["data"][1]["text"][0]


def test_the_limit_is_a_line_and_in_sight_where_records_come_near_it() -> None:
    near = drawn([entry()], TIME)
    assert [shape["x0"] for shape in near["layout"]["shapes"]] == [60.0]
    assert near["layout"]["annotations"][0]["text"] == "limit 60 s"
    low, high = near["layout"]["xaxis"]["range"]
    assert low < 57.93 < 60 < high
    far = drawn([entry()], BYTES)
    assert [view["label"] for view in far["views"]] == ["points", "all"]
    assert far["views"][0]["relayout"]["xaxis.range"][1] < 2e6
    assert far["views"][1]["relayout"]["xaxis.range"][1] > 16e6


def test_limits_that_lie_together_have_one_label() -> None:
    entries = [entry(train_limit=float(limit)) for limit in (598, 599, 600, 60)]
    layout = drawn(entries, TIME)["layout"]
    assert [shape["x0"] for shape in layout["shapes"]] == [60.0, 598.0, 599.0, 600.0]
    assert [note["text"] for note in layout["annotations"]] == ["limit 600 s", "limit 60 s"]


def test_each_verdict_has_a_shape_and_a_colour_of_its_own() -> None:
    standings = ("passed", "repacked", "claimed", "unverified", "rejected", "accused")
    means = drawn([entry(standing=standing) for standing in standings])["data"][1::2]
    assert len({trace["marker"]["symbol"] for trace in means}) == 6
    assert len({trace["marker"]["color"] for trace in means}) == 6


def test_who_is_not_drawn_is_counted() -> None:
    lacks = record(verifications=[verification(seed, artifact_bytes=None) for seed in (1337, 42, 2024)])
    unknown = entry_of_record(Path("y"), lacks)
    assert not_drawn([entry(), unknown], BYTES) == (
        "Not drawn against bytes: 1 record without a score or a known size."
    )
    assert not_drawn([entry()], BYTES) == ""
    assert picture([unknown], BYTES) is None
    assert score_section([dataclasses.replace(entry(), points=(), sample=None)]) is None


def test_every_picture_has_its_table_and_units() -> None:
    section = score_section([entry()])
    assert section is not None
    pictures = [part for part in section.parts if isinstance(part, Picture)]
    assert [one.figure["layout"]["xaxis"]["title"]["text"] for one in pictures] == [
        "script and artifact (bytes)",
        "training clock (seconds)",
    ]
    row = pictures[0].table.rows[0]
    assert [cell.text if isinstance(cell, Cell) else cell for cell in row] == [
        "quickstart",
        "passed",
        "1.7445 ± 0.0045",
        "1.7396 to 1.7484",
        "1,551,407 to 1,553,389",
        "16,000,000",
    ]


def test_different_texts_are_warned_of() -> None:
    section = score_section([entry(), entry(data="another")])
    assert section is not None
    words = [getattr(part, "text", "") for part in section.parts]
    assert "Scores on different texts are not comparable: see the matrix below." in words
