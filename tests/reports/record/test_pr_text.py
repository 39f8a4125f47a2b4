"""Title and text of a pull request: scores, questions, what is open, the author's words, and nothing hostile."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from reports.record.pr_text import MOST_METHOD, pr_text, pr_title
from runner.results.record import RecordData
from tests.fixtures.full_record import told_record
from tests.fixtures.results import record as sample
from tests.fixtures.results import run_result

ON = " on asv (not shown to be the challenge's text)"
PARSER = MarkdownIt("commonmark").enable("table")


def unverified() -> RecordData:
    """A required answer is missing of two of three seeds."""
    return sample([run_result(1337), run_result(42, eval=None), run_result(2024, eval=None)])


def test_the_text_holds_scores_and_every_question() -> None:
    data = sample()
    text = pr_text(data)
    assert pr_title(data) == f"quickstart: 1.7445 ± 0.0045 bpb{ON}, 3 seeds, local"
    assert pr_title(sample(data.results[:1], seeds=(1337,))).endswith(f" bpb{ON}, 1 seed, local")
    assert text.startswith(
        f"**1.7445 ± 0.0045 bits per byte**{ON} (mean ± sample standard deviation, 3 seeds), track `local`"
    )
    assert all(check.title in text for check in data.verdict.checks)
    assert "Not verified" not in text
    assert "## Method" not in text


def test_what_is_open_of_an_unverified_record_stands_in_title_and_text_before_any_table() -> None:
    data = unverified()
    assert pr_title(data) == (
        f"quickstart: 1.7445 ± 0.0045 bpb{ON}, 3 seeds, local, unverified (open: Evaluation in time?)"
    )
    text = pr_text(data)
    said = "**Not verified.** Nothing failed, but these questions, which the track requires, are open:\n\n"
    assert said + "- **Evaluation in time?** not measured (seed 42, 2024)\n\n" in text
    assert text.index(said) < text.index("A. Person") < text.index("| seed |")


def test_a_title_names_as_many_open_questions_as_fit() -> None:
    data = unverified()
    asked = [check for check in data.verdict.checks if check.required and check.status == "unknown"]
    many = [asked[0].model_copy(update={"name": f"q{n}", "title": f"Is number {n} answered?"}) for n in range(9)]
    verdict = data.verdict.model_copy(update={"checks": many})
    title = pr_title(data.model_copy(update={"verdict": verdict}))
    assert title.endswith(
        "unverified (open: " + " ".join(f"Is number {n} answered?" for n in range(4)) + " and 5 more)"
    )


def test_a_record_that_goes_where_none_is_claimed_says_so_and_why() -> None:
    data = sample(seeds=(1337,))
    assert pr_title(data, non_record=True) == f"quickstart: 1.7455 ± n/a bpb{ON}, 1 seed, local (as non-record)"
    text = pr_text(data, non_record="1 seed, where the rule wants 3")
    assert "\n\nSubmitted as a non-record: 1 seed, where the rule wants 3.\n\n" in text


def test_the_authors_words_stand_first_and_long_ones_in_the_folder() -> None:
    text = pr_text(told_record())
    assert text.index("## Method") < text.index("### Fewer, wider layers") < text.index("## Results")
    assert text.index("## Results") < text.index("| seed |")
    long = {"file": "m.md", "text": "a" * (MOST_METHOD + 1)}
    text = pr_text(sample(job={"method": long}))
    assert "\n\nHow it works, in the author's words, stands in the folder's `README.md`.\n\n" in text
    assert len(text) < 6_000


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({}, "the script that ran in every seed and its readable twin, every seed's log"),
        ({"script": "t.py"}, "the author's own script as it ran in every seed, every seed's log"),
        ({"script": "t.py", "files": ["a.py"]}, "as it ran in every seed, with what lay beside it, every seed's log"),
    ],
)
def test_it_says_what_the_folder_holds(job: dict[str, object], words: str) -> None:
    assert words in pr_text(sample(job=job)).splitlines()[-1]


def test_hostile_text_is_harmless() -> None:
    hostile = "# y\u202e <b>[a](javascript:b) ![i](http://x)"
    job = {"author": "<script>", "blurb": hostile, "method": {"file": "a", "text": f"{hostile}\n\n<script>\n\n```"}}
    data = sample(name="x\n\n" + hostile + "z" * 500, job=job)
    title = pr_title(data)
    assert "\n" not in title
    assert "\u202e" not in title
    assert len(title) < 200
    tokens = PARSER.parse(pr_text(data))
    kinds = {token.type for token in [*tokens, *(child for token in tokens for child in token.children or [])]}
    assert not kinds & {"html_block", "html_inline", "image", "link_open"}
    assert [token.content for token in tokens if token.type == "inline"][-1].startswith("The folder holds")
