"""Runs of small scripts in a room: what is proven of one that breaks a rule, and what of one that does not run.

No torch in them, so that a room opens at once; scripts with a model are proven in the slow tests.
"""

from __future__ import annotations

from pathlib import Path

from runner.review.answers import Answer
from runner.review.facts import Proof
from runner.review.prove.prove import prove, with_proofs
from runner.review.run.run_context import run_context
from runner.review.source.unwrap import read_source
from runner.review.targets import target_of
from tests.fixtures.systems import needs_namespaces

pytestmark = needs_namespaces
COUNTS = """
import math, os, time
import numpy as np
WORDS = 8
PART = os.environ.get("PART", "both")
def tokens(kind):
    return np.fromfile(os.path.join(os.environ["CORPUS_DIR"], f"fineweb_{kind}_000.bin"), np.uint16).astype(int)
def learn(counts, text):
    for before, after in zip(text[:-1], text[1:]):
        counts[before, after] += 1
    return counts
if PART != "score":
    learn(np.full((WORDS, WORDS), 0.1), tokens("train")).tofile("table.dat")
if PART != "train":
    counts, text, prices = np.fromfile("table.dat").reshape(WORDS, WORDS), tokens("val"), []
    for at in range(len(text) - 1):
        row = counts[text[at]]
        AFTER
        prices.append(-math.log(row[text[at + 1]] / row.sum()))
        counts[text[at], text[at + 1]] += 1
    np.save("prices.npy", np.array(prices))
    print("val_loss:%.8f" % np.mean(prices))
"""
AHEAD = "row = row + (np.arange(WORDS) == text[at + 1]) * text[min(at + 2, len(text) - 1)]"


def proofs_of(tmp_path: Path, text: str) -> dict[str, Proof]:
    (tmp_path / "train_gpt.py").write_text(text)
    target = target_of(tmp_path / "train_gpt.py")
    reviewed = read_source(target.script)
    return prove(target, reviewed, run_context(reviewed, folder=None, given={}, log=None, readme=None))


def test_a_price_that_later_text_moves_is_proven_and_an_uncounted_file_is_not_made_up(tmp_path: Path) -> None:
    found = proofs_of(tmp_path, COUNTS.replace("AFTER", AHEAD))
    assert {name for name, one in found.items() if one.result == "proven"} == {"two_pass"}
    assert found["two_pass"].seen.startswith("after token ")
    assert "PART=score python SCRIPT" in found["two_pass"].repeat
    assert found["answers"].result == "not-seen"
    assert found["slot"].seen == "prices are moved by two_pass, and whether by this, too, cannot be told"
    assert found["outside"].result == "not-seen"


def test_a_script_that_does_not_run_is_unknown_in_every_class_and_says_why(tmp_path: Path) -> None:
    found = proofs_of(tmp_path, "import numpy\nraise ValueError('no data here')\n")
    assert {one.result for one in found.values()} == {"unknown"}
    assert found["slot"].seen == "it does not run here: line 2: ValueError: no data here"


def test_a_proof_accuses_a_quiet_run_softens_and_a_test_that_was_not_run_changes_nothing() -> None:
    answers = {name: Answer("suspicious", why="Looks odd.") for name in ("slot", "bos", "clock")}
    proofs = {
        "slot": Proof(result="proven", done="ran it", seen="3 prices moved"),
        "bos": Proof(result="not-seen", done="ran it", seen="no price moved, in 3 documents"),
        "clock": Proof(result="unknown", done="", seen="no limit"),
    }
    merged = with_proofs(answers, proofs)
    assert merged["slot"] == Answer("violates", why="proven: ran it; 3 prices moved")
    assert merged["bos"].answer == "nothing-found"
    assert merged["bos"].why == "not seen: ran it; no price moved, in 3 documents (its code: Looks odd.)"
    assert merged["clock"] == answers["clock"]
