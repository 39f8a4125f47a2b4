"""The strip of scores: seeds, mean, interval, and what it is held against, with who says so."""

from __future__ import annotations

import pytest

from reports.page.record.scores import score_rows, score_table, scores_section, views
from reports.page.section import Picture, Words
from tests.fixtures.pictured_record import pictured_record
from tests.fixtures.results import failed_result, failed_verification, record, run_result, score, verification


def test_seeds_and_the_published_run_are_rows_of_their_own() -> None:
    ours, theirs = score_rows(pictured_record())
    assert ours.seeds == ("1337", "42", "2024")
    assert ours.values == tuple(score(loss).val_bpb for loss in (3.70125, 3.68875, 3.7075))
    assert (theirs.title, theirs.seeds, theirs.values) == ("PR #9999", ("1337", "7"), (1.1361, 1.13854))


def test_the_table_has_every_value_mean_deviation_and_interval() -> None:
    rows = [list(row) for row in score_table(score_rows(pictured_record())[:1]).rows]
    assert [row[1] for row in rows] == [
        *("seed 1337", "seed 42", "seed 2024", "mean", "sample std", "95 % t interval of the mean"),
    ]
    assert rows[0][2] == "1.745469"
    assert rows[-1][2] == "1.733302 to 1.755671"


def test_the_record_alone_can_be_brought_into_view_where_another_run_is_far_away() -> None:
    rows = score_rows(pictured_record())
    whole, alone = views(rows)
    assert whole["relayout"]["xaxis.range"][0] < 1.13 < 1.75 < whole["relayout"]["xaxis.range"][1]
    assert alone["relayout"]["xaxis.range"] == pytest.approx([1.73196, 1.757013], abs=1e-5)
    assert views(rows[:1]) == []


def test_a_single_seed_has_no_interval_and_says_so() -> None:
    one = record([run_result(1337)], [verification(1337)], seeds=(1337,))
    rows = score_table(score_rows(one)).rows
    assert [row[2] for row in rows][-2:] == ["n/a", "n/a (one seed)"]
    picture = scores_section(one).parts[0]
    assert isinstance(picture, Picture)
    assert len(picture.figure["data"]) == 1


def test_seeds_without_a_score_are_counted_and_a_record_of_none_has_no_picture() -> None:
    some = record(
        [run_result(1337), failed_result(42)], [verification(1337), failed_verification(42)], seeds=(1337, 42)
    )
    assert Words("1 of 2 seeds have no score and are not in it.", "open") in scores_section(some).parts
    none = record([failed_result(42)], [failed_verification(42)], seeds=(42,))
    assert scores_section(none).parts == (Words("No seed of this record was scored.", "open"),)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_what_is_no_score_is_not_drawn(value: float) -> None:
    bad = run_result(42, final_score=score(3.7).model_copy(update={"val_bpb": value}))
    data = record([run_result(1337), bad], [verification(1337), verification(42)], seeds=(1337, 42))
    assert score_rows(data)[0].seeds == ("1337",)
