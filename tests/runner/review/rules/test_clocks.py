"""clock: what logs that count show of the time."""

from __future__ import annotations

import pytest

from tests.fixtures.review_scripts import LoggedRun, accused, reviewed, script


@pytest.mark.parametrize(
    ("line", "untimed", "answer"),
    [
        ("stopping_early: wallclock_cap train_time:600140ms step:7000/20000", False, None),
        ("stopping_early: wallclock_cap train_time:602100ms step:7000/20000", False, "violates"),
        ("stopping_early: wallclock_cap train_time:14400.4s step:7000/20000", True, None),
    ],
)
def test_training_beyond_the_limit_is_found_where_the_track_has_one(
    line: str, untimed: bool, answer: str | None
) -> None:
    run = LoggedRun(known=True, lines=(line,), untimed=untimed)
    assert accused(reviewed(script(), run)).get("clock") == answer
