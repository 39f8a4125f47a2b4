"""Lines of loss: what each log says, opened on the last third, and what a record does not hold is said."""

from __future__ import annotations

from typing import Any

import pytest

from reports.page.record.losses import MOST_BUTTONS, losses_section, seed_lines, views
from reports.page.section import Picture, Words
from runner.results.runs import Curve
from tests.fixtures.full_record import told_record
from tests.fixtures.pictured_record import pictured_record


def pictures(data: Any) -> dict[str, Picture]:
    return {part.title: part for part in losses_section(data).parts if isinstance(part, Picture)}


def test_loss_and_validation_are_drawn_over_steps_and_over_the_training_clock() -> None:
    found = pictures(pictured_record())
    assert list(found) == [
        *("Loss over steps", "Loss over the training clock"),
        *("Validation over steps", "Validation over the training clock"),
    ]
    first = found["Loss over the training clock"].figure["data"][0]
    assert (first["name"], first["x"], first["y"]) == (
        "seed 1337",
        [0.15, 14.0, 28.0, 42.5, 57.5],
        [6.93, 4.5, 4.0, 3.7, 3.5],
    )
    validation = found["Validation over steps"].figure["data"][0]
    assert (validation["x"], validation["y"]) == ([200, 410], [1.93, 1.74])


def test_every_seed_has_a_group_of_its_own_that_can_be_hidden_and_differs_in_more_than_colour() -> None:
    data = pictures(pictured_record())["Loss over steps"].figure["data"]
    assert {trace["legendgroup"] for trace in data} == {"1337", "42", "2024"}
    lines = [trace["line"] for trace in data if trace["mode"] == "lines"]
    assert len({line["dash"] for line in lines}) == len({line["color"] for line in lines}) == 3


def test_the_published_score_stands_at_the_end_of_training() -> None:
    data = pictured_record()
    (point,) = seed_lines(data)[0].of("published")
    assert (point.step, point.loss) == (410, 3.70125)
    assert point.seconds == pytest.approx(57.913, abs=1e-3)


def test_the_first_view_is_the_last_third_on_the_scale_that_it_needs() -> None:
    last, whole = views([(0.0, 9.0), (100.0, 5.0), (250.0, 4.0), (300.0, 3.0)])
    assert last["label"] == "last third"
    assert last["relayout"]["xaxis.range"] == pytest.approx([197.0, 303.0])
    assert last["relayout"]["yaxis.range"] == pytest.approx([2.94, 4.06])
    assert whole["relayout"]["yaxis.range"] == pytest.approx([2.64, 9.36])


def test_the_table_has_a_column_for_each_of_a_few_seeds() -> None:
    table = pictures(pictured_record())["Loss over steps"].table
    assert table.heads[:3] == ("step", "what", "seed 1337, loss, nats per token")
    assert list(table.rows[0]) == ["1", "training", "6.9300", "6.9300", "6.9300"]
    assert [row[1] for row in table.rows][-3:] == ["published", "training", "validation"]


def test_what_an_older_record_does_not_hold_is_said_in_a_line() -> None:
    parts = losses_section(told_record()).parts
    assert Words("Not in this record: the training clock at each step.", "muted") not in parts
    assert Words("Not in this record: validation in bits per byte during training.", "muted") in parts
    assert list(pictures(told_record())) == ["Loss over steps"]
    nothing = losses_section(told_record(curves=[])).parts
    assert nothing == (Words("The logs of this record show no loss over steps.", "muted"),)


def test_lists_of_unlike_length_and_numbers_that_are_none_are_passed_over() -> None:
    bent = Curve(
        seed=1, steps=[1, 2, 3], losses=[5.0, float("nan")], val_steps=[], val_losses=[1.0], seconds=[0.5, None, 9.0]
    )
    (line,) = seed_lines(told_record(curves=[bent], results=[]))
    assert [(point.step, point.seconds, point.loss) for point in line.points] == [(1, 0.5, 5.0)]


def test_very_many_seeds_share_a_line_with_gaps_and_hover_names_them() -> None:
    curve = pictured_record().curves[0]
    many = [curve.model_copy(update={"seed": seed}) for seed in range(MOST_BUTTONS + 1)]
    data = pictures(pictured_record(curves=many))["Loss over steps"].figure["data"]
    assert [trace["name"] for trace in data] == ["training", "validation"]
    assert data[0]["x"].count(None) == MOST_BUTTONS + 1
    assert len(data[0]["text"]) == len(data[0]["x"])
