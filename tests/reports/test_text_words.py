"""The name of the text beside a score, unless it is the challenge's own."""

from __future__ import annotations

from reports.across.pages import to_markdown
from reports.across.table import Found, across_frame
from reports.text_words import on_text, other_text, text_mark
from tests.fixtures.places import ROOT
from tests.fixtures.results import challenge_facts, data_facts, record

CORPUS = {"name": "quickstart", "data": {"corpus": "asv"}}


def test_a_text_is_named_unless_it_is_the_challenges() -> None:
    assert other_text(record()) == "asv (not shown to be the challenge's text)"
    assert other_text(record(job=CORPUS)) == "asv (not the challenge's text)"
    cut = record(data=challenge_facts(val_tokens=60_000))
    assert text_mark(cut) == "not shown to be the challenge's text"  # its bytes are the text's
    assert text_mark(record(data=challenge_facts(val_bytes=145_120))) == "not the challenge's text"
    assert (other_text(record(data=challenge_facts())), on_text(record(data=challenge_facts()))) == ("", "")


def test_a_record_of_before_the_question_says_nothing() -> None:
    data = record()
    asked = [check for check in data.verdict.checks if check.name != "validation_text"]
    before = data.model_copy(update={"verdict": data.verdict.model_copy(update={"checks": asked})})
    assert (text_mark(before), other_text(before), on_text(before)) == ("", "", "")


def test_a_hostile_name_is_one_short_escaped_line() -> None:
    hostile = record(data=data_facts(name="*a*\n<b>" + "x" * 100))
    assert on_text(hostile, mark=False) == f" on \\*a\\* &lt;b&gt;{'x' * 53}"


def test_tables_across_records_mark_other_text_in_jobs_groups_and_seeds() -> None:
    ours, challenges = record(job=CORPUS), record(data=challenge_facts(), run="other-1")
    frame = across_frame([Found(ROOT / "a", ours), Found(ROOT / "b", challenges)])
    page = to_markdown(frame).decode()
    marked = [line for line in page.splitlines() if "asv (not the challenge's text)" in line]
    assert len(marked) == 2 + 3  # a job in two units, three seeds; no group has two jobs of one configuration
    plain = [
        line for line in page.splitlines() if "| fineweb10B\\_sp1024 |" in line or "| fineweb10B_sp1024 |" in line
    ]
    assert len(plain) == 2 + 3
