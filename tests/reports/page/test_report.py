"""One record's page: every section is there, hostile records give words and no markup, and its size stays bounded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.page.record.sections import record_sections
from reports.page.report import record_page
from reports.page.section import Picture, Table
from runner.errors import UserError
from runner.record.files import impossible
from runner.results.record import RecordData
from tests.fixtures.odd_values import ODD, spoilt
from tests.fixtures.pictured_record import ATTACK, attacked_record, pictured_record
from tests.fixtures.results import failed_result, failed_verification, record
from tests.reports.page.test_frame import Elements

HERE = Path("record")
WHOLE = json.loads(pictured_record().model_dump_json())


def tags_of(page: bytes) -> list[str]:
    return [tag for tag, _ in Elements(page.decode()).found]


def test_a_record_has_all_its_sections_and_each_picture_its_table_label_and_units() -> None:
    sections = record_sections(pictured_record())
    assert [section.anchor for section in sections] == [
        *("verdict", "scores", "loss", "time", "bytes", "steps", "changes", "attempts"),
    ]
    pictures = [part for section in sections for part in section.parts if isinstance(part, Picture)]
    assert len(pictures) == 11
    for picture in pictures:
        assert picture.table.rows
        assert picture.label.endswith(".")
        for name, axis in picture.figure["layout"].items():
            if re.fullmatch(r"[xy]axis\d*", name) and "ticktext" not in axis and not axis.get("fixedrange"):
                assert axis["title"]["text"]
        if picture.figure["data"][0]["type"] != "treemap":
            assert picture.figure["layout"]["xaxis"]["title"]["text"]


def test_hostile_text_changes_nothing_of_the_pages_structure() -> None:
    attacked = record_page(attacked_record(), HERE)
    assert tags_of(attacked) == tags_of(record_page(pictured_record(), HERE))
    assert ATTACK.encode() not in attacked
    assert attacked.count(b"onerror=alert(1)") > 10


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(record(), id="no curves, no launches, no events"),
        pytest.param(record([failed_result()], [failed_verification()], seeds=(2024,)), id="nothing was measured"),
        pytest.param(record([], [], seeds=()), id="no seed ran"),
    ],
)
def test_what_is_not_in_a_record_is_said_and_nothing_breaks(data: RecordData) -> None:
    page = record_page(data, HERE).decode()
    assert "Not in this record" in page
    assert "nan" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL).lower().replace("finance", "")


def test_a_record_that_no_page_can_be_made_of_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="record: no page can be made of it"):
        record_page(record().model_copy(update={"limits": {}}), HERE)


@given(st.data())
@settings(max_examples=15)
def test_any_value_anywhere_in_results_json_gives_a_page_or_is_refused(data: st.DataObject) -> None:
    mutated = spoilt(data, WHOLE, ODD | st.sampled_from([1e308, -1.0, 0, "NaN", "Infinity", ATTACK]))
    try:
        found = RecordData.model_validate_json(json.dumps(mutated))
        if not impossible(found):
            assert "img" not in tags_of(record_page(found, HERE))
    except (ValueError, UserError):
        return


def test_a_page_of_very_many_seeds_stays_under_three_megabytes() -> None:
    data = pictured_record()
    numbers = range(1, 201)
    many = data.model_copy(
        update={
            "results": [data.results[0].model_copy(update={"seed": seed}) for seed in numbers],
            "verifications": [data.verifications[0].model_copy(update={"seed": seed}) for seed in numbers],
            "curves": [data.curves[0].model_copy(update={"seed": seed}) for seed in numbers],
            "launches": [data.launches[0].model_copy(update={"seed": seed}) for seed in numbers],
        }
    )
    assert len(record_page(many, HERE)) < 3_000_000
    tables = [part for section in record_sections(many) for part in section.parts if isinstance(part, Table)]
    assert max(len(table.rows) for table in tables) <= 201
