"""What a folder or another machine tells of its runs, read back."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import UserError
from runner.top.views import runs_of, shown


def test_what_is_not_told_is_not_known_and_what_is_new_is_passed_over() -> None:
    (run,) = runs_of({"runs": [{"run": "a-1", "mood": "good", "seeds": [{"seed": 3, "state": "warm-up 2/20"}]}]})
    assert (run.state, run.left_seconds, run.cap_bytes) == ("unknown", None, None)
    (seed,) = run.seeds
    assert (seed.runs, seed.waits, seed.step, seed.loss, seed.dollars, seed.curve) == (
        True,
        False,
        None,
        None,
        None,
        [],
    )


@pytest.mark.parametrize(
    "told",
    [None, [], {}, {"runs": 3}, {"runs": [{"state": "running"}]}, {"runs": [{"run": "a", "seeds": [{"seed": "x"}]}]}],
)
def test_what_is_nothing_of_the_kind_is_refused(told: Any) -> None:
    with pytest.raises(UserError, match="told in a way that this golf does not read"):
        runs_of(told)


def test_text_from_outside_has_no_control_characters_and_an_end() -> None:
    assert shown("a\x1b[31m\nb") == "a [31m b"
    assert len(shown("x" * 1000)) == 80
    assert shown(None) == ""
