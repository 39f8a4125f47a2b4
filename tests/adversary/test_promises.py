"""Every promise of docs/security.md names a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fixtures.places import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def promises() -> list[tuple[str, str]]:
    """(promise, what shows it) of every row of a table whose last column says what shows it."""
    found, inside = [], False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "shown by":
            inside = True
        elif inside and not line.startswith("|---"):
            found.append((cells[0], cells[-1]))
    return found


def test_every_promise_names_a_test_that_there_is() -> None:
    assert len(promises()) > 20
    for promise, shown_by in promises():
        named = re.findall(r"`([\w/]+\.py)`", shown_by)
        assert named, promise
        assert named[0].startswith("tests/"), promise
        for name in named:
            place = ROOT / name if "/" in name else (ROOT / named[0]).parent / name
            assert place.is_file(), f"{promise}: {name}"
            assert re.search(r"^def test_", place.read_text(), re.MULTILINE), name


def test_every_test_that_the_page_names_anywhere_is_there() -> None:
    for name in re.findall(r"`(tests/[\w/]+\.py)`", PAGE):
        assert Path(ROOT, name).is_file(), name
