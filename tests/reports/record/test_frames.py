"""A record's tables say what its results.json says, and miss what was not measured."""

from __future__ import annotations

import pandas as pd

from reports.record.frames import RecordFrames
from runner.results.runs import Curve, Launch
from tests.fixtures.results import record


def frames() -> RecordFrames:
    curves = [Curve(seed=42, steps=[1, 2], losses=[6.0, 5.5], val_steps=[2], val_losses=[5.4])]
    launches = [
        Launch(seed=42, attempt=1, status=None, seconds=None),
        Launch(seed=42, attempt=2, status="completed", seconds=61.5),
    ]
    return RecordFrames(record(curves=curves, launches=launches))


def test_seeds_and_their_summary_are_those_of_the_csv() -> None:
    found = frames()
    assert found.seeds["seed"].tolist() == [1337, 42, 2024]
    assert found.summary.loc["n", "val_bpb"] == 3
    assert found.summary.loc["mean", "val_bpb"] == found.seeds["val_bpb"].mean()
    assert found.seeds is found.seeds  # made once


def test_every_check_is_a_row_with_its_own_status() -> None:
    found = frames()
    assert found.verdict == "passed"
    assert len(found.checks) == len(found.data.verdict.checks)
    assert set(found.checks["status"]) <= {"pass", "fail", "unknown"}
    over_all = found.checks[found.checks["name"] == "seeds_complete"]
    assert over_all["seed"].isna().all()
    assert found.checks["required"].dtype == bool


def test_losses_are_long_and_attempts_without_an_end_have_none() -> None:
    found = frames()
    assert found.losses.to_dict("list") == {
        "seed": [42, 42, 42],
        "step": [1, 2, 2],
        "split": ["train", "train", "val"],
        "loss": [6.0, 5.5, 5.4],
    }
    assert found.attempts["status"].isna().tolist() == [True, False]
    assert pd.isna(found.attempts["seconds"][0])
    assert found.attempts["seconds"][1] == 61.5


def test_a_record_without_curves_or_launches_has_empty_tables_of_the_same_columns() -> None:
    empty = RecordFrames(record())
    assert list(empty.losses.columns) == ["seed", "step", "split", "loss"]
    assert len(empty.losses) == 0
    assert len(empty.attempts) == 0
