"""Every sign that golf prints can be printed in any encoding, and none of them becomes the sign for unknown."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from reports.answers import MARKS
from runner.any_encoding import spelled
from tests.fixtures.places import ROOT

PRINTS = (
    "from runner.any_encoding import print_in_any_encoding as ready; ready(); "
    r"print('\u2713 1.2 \u00b1 0.1 \u2026 \u00e9 \u96fb \udcff')"
)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", b"+ 1.2 +- 0.1 ... e \\u96fb \\udcff"),
        ("latin-1", b"+ 1.2 \xb1 0.1 ... \xe9 \\u96fb \\udcff"),
        ("utf-8", "✓ 1.2 ± 0.1 … é 電 \\udcff".encode()),
        ("cp437", b"+ 1.2 \xf1 0.1 ... \x82 \\u96fb \\udcff"),
    ],
)
def test_signs_that_an_encoding_lacks_are_spelled_out(encoding: str, said: bytes) -> None:
    surroundings = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", PRINTS], cwd=ROOT, env=surroundings, capture_output=True, check=True)
    assert done.stdout.splitlines() == [said]


def test_marks_stay_apart_in_ascii() -> None:
    assert {status: spelled(mark) if not mark.isascii() else mark for status, mark in MARKS.items()} == {
        "pass": "+",
        "fail": "x",
        "unknown": "?",
    }


def test_no_sign_of_our_sources_is_spelled_as_a_question_mark() -> None:
    sources = [*(ROOT / "runner").rglob("*.py"), *(ROOT / "reports").rglob("*.py")]
    signs = {sign for path in sources for sign in re.findall(r"[^\x00-\x7f]", path.read_text(encoding="utf-8"))}
    assert len(signs) > 10
    assert not [sign for sign in signs if "?" in spelled(sign)]
