"""What `golf serve` knows of a run whose driver lives."""

from __future__ import annotations

import json
import re
from pathlib import Path

from runner.job.open_data import DataRequest
from runner.serving.watched import run_now, runs_of
from tests.fixtures.live_run import live_run


def test_a_run_that_is_driven_says_how_long_it_still_takes(tiny_data: DataRequest, tmp_path: Path) -> None:
    folder = live_run(tiny_data, tmp_path)
    (now,) = [run_now(tmp_path, run, curves=False) for run in runs_of(tmp_path)]
    assert now.state == "running"
    assert re.fullmatch(r"\d+ to \d+ s left", now.ahead)
    folder.driver.write_text(json.dumps({**json.loads(folder.driver.read_text()), "ended": True}))
    (now,) = [run_now(tmp_path, run, curves=False) for run in runs_of(tmp_path)]
    assert (now.state, now.ahead) == ("no driver", "")
