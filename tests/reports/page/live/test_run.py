"""The page of a run that goes on: claims of logs, clocks against their limit, unknown as a dash."""

from __future__ import annotations

from typing import Any

from reports.page.live.index import index_sections, runs_table
from reports.page.live.run import clock_words, clocks, colour_of, losses, run_sections, told, views
from reports.page.section import Cell, Words
from runner.results.runs import Curve
from runner.serving.facts import Listed, RunNow, SeedNow


def seed(**changes: Any) -> SeedNow:
    base: dict[str, Any] = {
        "seed": 7,
        "attempt": 1,
        "state": "training",
        "step": 50,
        "loss": 4.5,
        "bpb": None,
        "clock_low": 30.0,
        "clock_high": 30.0,
        "note": "on node a",
    }
    return SeedNow(**{**base, **changes})


def run(*seeds: SeedNow, **changes: Any) -> RunNow:
    base: dict[str, Any] = {"name": "mine-0123abcd", "state": "running", "counts": "1 training", "train_limit": 60.0}
    return RunNow(seeds=seeds, **{**base, **changes})


CURVE = Curve(seed=7, steps=[0, 50, 100], losses=[6.9, 4.0, 3.8], val_steps=[100], val_losses=[3.9])
LONG = Curve(
    seed=7, steps=list(range(0, 101, 10)), losses=[6.9, 5.2, 4.6, *[4.0] * 7, 3.8], val_steps=[100], val_losses=[3.9]
)


def test_a_clock_is_held_against_its_limit_and_never_rounded_across_it() -> None:
    assert clock_words(seed(), 60.0) == "30.0"
    assert clock_words(seed(clock_high=60.04), 60.0) == "30.0 to 60.04"
    assert clock_words(seed(clock_low=None, clock_high=None), 60.0) == "–"
    made = clocks(run(seed(), seed(seed=8, clock_low=20.0, clock_high=25.0)))
    assert made is not None
    least, more = made.figure["data"]
    assert (least["x"], more["x"]) == ([30.0, 20.0], [0.0, 5.0])
    assert least["marker"]["color"] == ["@1", "@1"]
    assert colour_of(seed(clock_low=60.5, clock_high=61.0), 60.0) == "@bad"
    assert colour_of(seed(clock_high=61.0), 60.0) == "@open"
    assert made.figure["layout"]["shapes"][0]["x0"] == 60.0
    assert clocks(run(seed(), train_limit=None)) is None
    assert clocks(run(seed(clock_low=None, clock_high=None))) is None


def test_how_long_it_still_takes_stands_below_what_it_is() -> None:
    parts = run_sections(run(seed(), ahead="up to 4 min left; $0.40 spent, about $1.20 in all"), "../")[0].parts
    assert [part.text for part in parts[1:3] if isinstance(part, Words)] == [
        "It is running: 1 training.",
        "Up to 4 min left; $0.40 spent, about $1.20 in all.",
    ]
    assert not any(
        isinstance(part, Words) and "left" in part.text for part in run_sections(run(seed()), "../")[0].parts
    )
    (row,) = runs_table([run(seed(), ahead="about 34 s left")]).rows
    assert row[-1] == "about 34 s left"


def test_losses_are_a_line_and_validations_marks_of_one_seed() -> None:
    made = losses([CURVE])
    assert made is not None
    line, marks = made.figure["data"]
    assert (line["legendgroup"], marks["legendgroup"]) == ("seed 7", "seed 7")
    assert (line["y"], marks["y"]) == ([6.9, 4.0, 3.8], [3.9])
    assert losses([]) is None


def test_the_beginning_does_not_squash_the_rest() -> None:
    near, everything = views([LONG])
    assert near["relayout"]["xaxis.range"][0] > 30
    assert near["relayout"]["yaxis.range"][1] < 4.1
    assert everything["label"] == "all"
    assert [view["label"] for view in views([CURVE])] == ["all"], "two points are not looked at more closely"
    flat = CURVE.model_copy(update={"steps": [1], "losses": [6.9], "val_steps": [], "val_losses": []})
    assert [view["label"] for view in views([flat])] == ["all"]


def test_a_run_says_who_is_at_work_and_why_it_stopped() -> None:
    assert told(run()) == "It is running: 1 training."
    assert told(run(state="no driver")) == "Nobody is at work on it: 1 training."
    assert told(run(state="rejected")) == "It is rejected: 1 training."
    (now,) = run_sections(run(stopped="out of reach", problem="broken", record="abc", verdict="passed"), "../../")
    assert [part.text for part in now.parts if isinstance(part, Words)] == [
        "Back to the list",
        "It is running: 1 training.",
        "broken",
        "It was stopped: out of reach",
        "Its record: passed",
    ]
    assert [part.href for part in now.parts if isinstance(part, Words)][-1] == "../../record/abc/"


def test_a_runs_name_cannot_lead_elsewhere() -> None:
    table = runs_table([run(name="../x?y#z")])
    cell = table.rows[0][0]
    assert isinstance(cell, Cell)
    assert cell.href == "run/..%2Fx%3Fy%23z/"


def test_an_empty_folder_says_so() -> None:
    (only,) = index_sections([], [], [], [])
    assert [part.text for part in only.parts if isinstance(part, Words)][-1] == "No run here yet."
    sections = index_sections([], [], [Listed("k", "theirs/x", False)], [("bad", "why")])
    assert [one.anchor for one in sections] == ["runs", "others", "unread"]
