"""The words for what runs of a script showed."""

from __future__ import annotations

from reports.review.words import proof_lines, runs_title
from runner.review.answers import Answer
from runner.review.facts import Check, Proof, ScriptReview, Text

ALIKE = Proof(result="not-seen", done="flipped it", seen="0 moved")
APART = Proof(result="unknown", done="kept documents apart, and changed it", seen="3 of 9 prices moved")


def reviewed(*checks: Check, **proofs: Proof) -> ScriptReview:
    return ScriptReview(
        path="a.yaml",
        script="train_gpt.py",
        texts=(Text(name="train_gpt.py", size=1, lines=1, kind="file", how="", unread=""),),
        classes={"bos": Answer("unknown", why="it was not read")},
        run_known=True,
        facts=(),
        not_looked_at=(),
        proofs=proofs,
        checks=checks,
    )


def test_checks_are_told_one_by_one_and_classes_only_where_no_check_says_it() -> None:
    flip = Check(name="flip one target", result="pass", done="flipped it", seen="0 moved", repeat="flip it")
    count = Check(name="every token once", result="fail", done="counted", seen="4 twice", repeat="count")
    review = reviewed(flip, count, slot=ALIKE, bos=APART)
    assert runs_title(review).endswith("on made-up text: 1 of 2 checks pass")
    assert proof_lines(review) == [
        "pass, flip one target: flipped it; 0 moved.",
        "fail, every token once: counted; 4 twice. Again: count.",
        "unknown, bos: kept documents apart, and changed it; 3 of 9 prices moved.",
    ]
    assert review.as_json()["checks"] == [flip.model_dump(), count.model_dump()]


def test_a_script_without_checks_is_told_by_its_classes() -> None:
    review = reviewed(slot=ALIKE, bos=APART)
    assert runs_title(review) == "runs on made-up text, which call nothing clean"
    assert proof_lines(review)[0] == "not seen, slot: flipped it; 0 moved."
    assert "checks" not in review.as_json()
