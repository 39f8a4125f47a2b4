"""Scripts with a model, run in a room: which class is proven, and that none is of those that keep the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.review.prove.prove import prove
from runner.review.run.run_context import run_context
from runner.review.source.unwrap import read_source
from runner.review.targets import target_of
from runner.verbs.reviews import reviews, target
from tests.fixtures import proof_scripts as scripts
from tests.fixtures.places import ROOT
from tests.fixtures.systems import needs_namespaces

pytestmark = [pytest.mark.slow, needs_namespaces]
PAIRS = "compliance/pairs"


def proven(script: Path) -> set[str]:
    target = target_of(script)
    reviewed = read_source(target.script)
    context = run_context(reviewed, folder=None, given={}, log=None, readme=None)
    return {name for name, one in prove(target, reviewed, context).items() if one.result == "proven"}


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        (scripts.script(), set()),
        (scripts.script(score=scripts.SCORES_FIRST), set()),
        (scripts.script(score=scripts.LEARNS_ALL), {"val_train"}),
        (scripts.script(score=scripts.FITS_A_SHIFT), {"slot"}),
        (scripts.script(score=scripts.LOOKS_UP_ITS_TARGET), {"ngram", "mixture"}),
        (scripts.script(prepare=scripts.WARMS_UP), {"clock"}),
    ],
    ids=["plain", "scores first", "learns all", "fits a shift", "looks up its target", "warms up"],
)
def test_what_a_run_shows_of_a_script(tmp_path: Path, text: str, classes: set[str]) -> None:
    path = tmp_path / "train_gpt.py"
    path.write_text(text)
    assert proven(path) == classes


def test_the_rule_books_pairs_are_proven_and_their_clean_twins_are_not(shared: Path) -> None:
    missed, accused = [], []
    for folder in sorted((shared / PAIRS).iterdir()):
        for path in sorted(folder.glob("*.py")):
            if path.stem in ("violates", "factored") and folder.name not in proven(path):
                missed.append(f"{folder.name}/{path.stem}")
            if path.stem == "clean" and (found := proven(path)):
                accused.append(f"{folder.name}: {found}")
    assert missed == []
    assert accused == []


def test_a_job_of_our_own_is_proven_as_people_ask_for_it() -> None:
    (review,) = reviews([target(ROOT / "jobs" / "pr160.yaml", {}, toy=True)], None, None, smoke=False, prove=True)
    assert not isinstance(review, str), review
    assert review.proofs is not None
    assert {one for one, proof in review.proofs.items() if proof.result == "proven"} == set()
    assert {check.name for check in review.checks if check.result != "pass"} == set()
    assert len(review.checks) == 12
