"""The page of many: hostile names change nothing of it, what measured nothing is a dash, and every table is there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from reports.page.many.page import Read, audits_page, many_page, many_sections, sound
from runner.results.record import RecordData
from runner.serving.gather import matrices_of
from tests.fixtures.full_record import told_record
from tests.fixtures.results import failed_result, failed_verification, record, run_result, verification
from tests.reports.across.test_table import tame
from tests.reports.page.many.test_audits import audit, finding
from tests.reports.record.test_readme import hostile
from tests.runner.compare.test_compare import another


class Tags(HTMLParser):
    """The elements of a page, its text without scripts and styles, and figures apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in ("script", "style"):
            self.text += data


def page_of(*records: RecordData | str) -> str:
    found: Read = [(Path(f"folder-{number}"), data) for number, data in enumerate(records)]
    return many_page("Records", found, matrices_of(found))


def test_hostile_names_change_nothing_of_the_pages_structure() -> None:
    evil, good = hostile(), tame(hostile())
    page = Tags(page_of(evil, told_record(), "x: broken"))
    assert page.tags == Tags(page_of(good, told_record(), "x: broken")).tags
    assert "<script>alert(1)</script> [l](http://x)" in page.text


def test_every_section_that_has_something_to_say_is_there() -> None:
    found: Read = [
        (Path("a"), told_record()),
        (Path("b"), another()),
        (Path("theirs"), audit("theirs", finding())),
        (Path("c"), "c: cannot be read"),
    ]
    assert [section.anchor for section in many_sections(found, matrices_of(found))] == [
        "leaderboard",
        "scores",
        "matrix",
        "variants",
        "audits",
        "findings",
        "all-not-read",
        "all-jobs",
        "all-seeds",
    ]


def test_what_measured_nothing_is_no_number() -> None:
    data = record(
        [run_result(1337), failed_result(42)], [verification(1337), failed_verification(42)], seeds=(1337, 42)
    )
    text = Tags(page_of(data, record([], []))).text.lower()
    assert "nan" not in text.replace("nannounced", "")
    assert "none" not in text


def test_a_record_of_which_no_line_can_be_made_is_one_line() -> None:
    bent = record().model_copy(update={"limits": {}})
    ((_, said),) = sound([(Path("x"), bent)])
    assert said == "x: no line can be made of it (KeyError: 'cap_bytes')"


def test_one_audited_folder_has_a_page_of_its_own() -> None:
    assert "<h1>Audit of one</h1>" in audits_page([(Path("theirs/one"), audit("theirs/one", finding()))], [])
    two = [(Path("a"), audit("a", finding())), (Path("b"), audit("b"))]
    assert "<h1>Audits</h1>" in audits_page(two, matrices_of(two))
