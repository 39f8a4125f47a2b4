"""The page in a real browser: drawn whole, on a phone and in the dark, by keyboard, and deaf to what others wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.page.report import record_page
from runner.results.record import RecordData
from tests.fixtures.browser import Browser, open_browser
from tests.fixtures.pictured_record import attacked_record, pictured_record

pytestmark = pytest.mark.slow
HERE = Path("record")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return open_browser(tmp_path_factory.mktemp("node"))


def put(data: RecordData, folder: Path) -> Path:
    place = folder / "page.html"
    place.write_bytes(record_page(data, HERE))
    return place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_section_is_drawn_within_the_screens_width_and_nothing_is_found_against_it(
    width: int, scheme: str, browser: Browser, tmp_path: Path
) -> None:
    seen = browser.look(put(pictured_record(), tmp_path), width, scheme)
    assert seen["sections"] == ["verdict", "scores", "loss", "time", "bytes", "steps", "changes", "attempts"]
    assert seen["drawn"] == seen["plots"] == 11
    assert (seen["said"], seen["asked"], seen["serious"]) == ([], [], [])
    assert seen["overflow"] <= 0
    assert seen["background"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
    assert seen["line"] == {"light": "rgb(0, 114, 178)", "dark": "rgb(86, 180, 233)"}[scheme]


def test_a_hostile_record_runs_nothing_and_is_drawn_like_any_other(browser: Browser, tmp_path: Path) -> None:
    seen = browser.look(put(attacked_record(), tmp_path), 390)
    assert (seen["dialogs"], seen["images"], seen["said"], seen["asked"]) == ([], 0, [], [])
    assert seen["drawn"] == seen["plots"] == 11
    assert seen["overflow"] <= 0
    assert seen["serious"] == []


def test_seeds_are_hidden_and_the_whole_is_shown_by_the_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    seen = browser.look(put(pictured_record(), tmp_path), keyboard=True)
    assert seen["before"]["shown"] - seen["after"]["shown"] == 3
    assert seen["before"]["range"][0] > 200 > 0 > seen["after"]["range"][0]
    assert seen["opened"]
    assert seen["said"] == []


def test_a_record_of_two_hundred_seeds_opens_about_as_fast_as_one_of_three(browser: Browser, tmp_path: Path) -> None:
    data = pictured_record()
    lists = {
        name: [getattr(data, name)[0].model_copy(update={"seed": seed}) for seed in range(1, 201)]
        for name in ("results", "verifications", "curves", "launches")
    }
    few = browser.look(put(data, tmp_path))
    many = browser.look(put(data.model_copy(update=lists), tmp_path))
    assert many["drawn"] == many["plots"]
    assert many["milliseconds"] < max(3000, 4 * few["milliseconds"])  # how fast this machine is, nobody knows
