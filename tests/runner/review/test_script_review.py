"""A review as a value: what is unread is never absent, a fault of ours ends no review of many, JSON has its form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.review.answers import CLASSES, Answer, Place
from runner.review.facts import ScriptReview
from runner.review.run.run_context import RunContext
from runner.review.script_review import review_script
from runner.review.source.unwrap import Reviewed
from runner.review.targets import Target, target_of

PLAIN = "def score(x):\n    return x\n"


def nothing(reviewed: Reviewed, context: RunContext) -> Mapping[str, Answer]:
    return {name: Answer("nothing-found") for name in CLASSES}


def found(reviewed: Reviewed, context: RunContext) -> Mapping[str, Answer]:
    places = (Place("train_gpt.py", 1), Place("train_gpt.py", 2))
    slot = Answer("violates-if", places, "a delta is fitted to what it scores.", "SLOT_ENABLED=1")
    return {**nothing(reviewed, context), "slot": slot, "bos": Answer("suspicious", (), "tokens are shifted.")}


def of(tmp_path: Path, text: str, rules: object = nothing) -> ScriptReview:
    (tmp_path / "train_gpt.py").write_text(text)
    return review_script(target_of(tmp_path / "train_gpt.py"), rules=rules)[0]  # type: ignore[arg-type]


def test_a_script_that_was_read_whole_has_the_answers_of_the_rules(tmp_path: Path) -> None:
    review = of(tmp_path, PLAIN, found)
    assert review.worst == ("slot", review.classes["slot"])
    assert review.questions() == [
        "violates if SLOT_ENABLED=1: slot. a delta is fitted to what it scores. (train_gpt.py:1)",
        "suspicious: bos. tokens are shifted.",
    ]


def test_where_code_was_not_read_nothing_is_called_absent(tmp_path: Path) -> None:
    review = of(tmp_path, "import os\nexec(os.environ['CODE'])\n", found)
    assert {answer.answer for name, answer in review.classes.items() if name not in ("slot", "bos")} == {"unknown"}
    assert review.classes["slot"].answer == "violates-if"
    assert review.not_looked_at[0] == "train_gpt.py:2: exec of code that is not known: a part of something else"


def test_c_in_a_script_leaves_open_what_it_may_price(tmp_path: Path) -> None:
    source = "#include <math.h>\n" + "double f(double x) { return x; }\n" * 10
    review = of(tmp_path, f"import ctypes\n\nSOURCE = {source!r}\n")
    assert [name for name, _ in review.of("unknown")] == ["ngram", "two_pass", "mixture"]


def test_kernels_of_gpus_leave_nothing_open_but_are_named(tmp_path: Path) -> None:
    source = "__global__ void f(float *x) { x[0] = 1; }\n" * 10
    review = of(tmp_path, f"SOURCE = {source!r}\n")
    assert review.of("unknown") == []
    assert review.not_looked_at[0] == "train_gpt.py:1: 420 characters of CUDA, which are not read"


def test_rules_that_stumble_leave_every_class_unknown(tmp_path: Path) -> None:
    def stumble(reviewed: Reviewed, context: RunContext) -> Mapping[str, Answer]:
        raise KeyError("of ours")

    review = of(tmp_path, PLAIN, stumble)
    assert [name for name, _ in review.of("unknown")] == list(CLASSES)
    assert review.worst[1].why == "golf's rules stumbled over it (KeyError); please report this script"


def test_a_class_that_no_rule_answers_is_unknown(tmp_path: Path) -> None:
    review = of(tmp_path, PLAIN, lambda reviewed, context: {})
    assert review.worst[1].why == "no rule was asked"


def test_the_json_has_the_form_that_scores_are_made_from(tmp_path: Path) -> None:
    told = of(tmp_path, PLAIN, found).as_json()
    assert list(told)[:4] == ["path", "script", "layers", "classes"]
    assert told["layers"] == [{"name": "train_gpt.py", "bytes": 27, "kind": "file", "how": "", "unread": ""}]
    classes = told["classes"]
    assert isinstance(classes, dict)
    assert list(classes) == list(CLASSES)
    assert classes["slot"] == {
        "answer": "violates-if",
        "if": "SLOT_ENABLED=1",
        "where": [{"file": "train_gpt.py", "line": 1}, {"file": "train_gpt.py", "line": 2}],
        "why": "a delta is fitted to what it scores.",
    }


def test_a_folder_leads_to_its_script_and_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text(PLAIN)
    (tmp_path / "README.md").write_text("# Entry\n")
    assert target_of(tmp_path) == Target(tmp_path, tmp_path / "train_gpt.py", tmp_path)
    assert review_script(target_of(tmp_path), rules=nothing)[0].run_known


def test_a_folder_without_a_script_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Entry\n")
    with pytest.raises(UserError, match="no script"):
        target_of(tmp_path)


def test_a_text_that_stands_in_no_file_is_read_as_if_it_did(tmp_path: Path) -> None:
    target = Target(tmp_path / "job.yaml", tmp_path / "train_gpt.py", content=PLAIN.encode(), run_known=True)
    review = review_script(target, rules=nothing)[0]
    assert (review.script, review.run_known) == (str(tmp_path / "train_gpt.py"), True)
