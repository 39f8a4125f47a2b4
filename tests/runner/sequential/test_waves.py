"""Seeds in waves: stopped when decided, registered before, resumed to the same looks, and seen when added later."""

from __future__ import annotations

import io
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.backends.backend import LocalBackend
from runner.compare.compare import compare
from runner.drive.assess import JudgedRun
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import is_known
from runner.job.claim import BaselineSpec, ClaimSpec, SequentialSpec
from runner.job.open_data import DataRequest
from runner.plan.plan import Plan
from runner.record.comparison_sources import arm_of, arm_of_folder
from runner.record.folder import open_record
from runner.record.verify import verify_record
from tests.fixtures.kept_record import honest_script, keep_record
from tests.runner.drive.test_run import plan_for

SEEDS = (9, 2, 5, 3, 6)
"""What a fake seed scores: 2.5 nats and a millionth of the seed."""
SPREAD = (-0.001, 0.0, 0.001, 0.002, -0.002)
"""Of the baseline's seeds, bits per byte."""
TEXT = (3_024, 3_946)
"""Targets and bytes of the tiny data, which the fake script is told and the referee counts."""
BPB = 2.5 / math.log(2) * TEXT[0] / TEXT[1]
WORSE = tuple(BPB + 0.03 + spread for spread in SPREAD)
SAME = tuple(BPB + 0.0005 + spread for spread in SPREAD)


def run(plan: Plan, root: Path, behaviour: str = "good") -> JudgedRun:
    return run_plan(plan, honest_script(*TEXT, behaviour), root, Console(file=io.StringIO()), LocalBackend)


def claim(baseline: tuple[float, ...], **asked: Any) -> dict[str, Any]:
    made = ClaimSpec(
        baseline=BaselineSpec(val_bpb=baseline, nats_per_bpb=2.5 / BPB),
        gain=0.02,
        sequential=SequentialSpec(least=3, most=5, **asked),
    )
    return made.model_dump(mode="json")


def kinds(done: JudgedRun) -> list[str]:
    return [entry["kind"] for entry in check_chain(done.folder.ledger)]


@pytest.fixture(scope="module")
def held(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, JudgedRun]:
    """A run whose claim held at the first look: its plan, where it lies, what came of it."""
    plan, root = plan_for(tiny_data, SEEDS, claim=claim(WORSE)), tmp_path_factory.mktemp("held")
    return plan, root, run(plan, root)


@pytest.fixture(scope="module")
def given_up(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JudgedRun]:
    """A run whose claim was out of reach at the first look."""
    root = tmp_path_factory.mktemp("given-up")
    return root, run(plan_for(tiny_data, SEEDS, claim=claim(SAME)), root)


@pytest.fixture(scope="module")
def kept(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a claim that held at the first look; to be copied where it is to be changed."""
    return keep_record(tiny_data, tmp_path_factory.mktemp("kept"), seeds=SEEDS, claim=claim(WORSE))


def test_a_claim_that_holds_early_ends_its_seeds(held: tuple[Plan, Path, JudgedRun]) -> None:
    _, _, done = held
    found = done.data.comparison
    assert found is not None
    assert found.sequential is not None
    assert (found.outcome, found.candidate.seeds) == ("holds", SEEDS[:3])
    assert [(one.seeds, one.decision) for one in found.sequential.looks] == [(3, "holds")]
    assert (found.sequential.order, done.data.job["seeds"]) == (list(SEEDS), list(SEEDS[:3]))
    assert done.data.verdict.status == "passed"
    entries = check_chain(done.folder.ledger)
    assert [entry["kind"] for entry in entries][:2] == ["design", "registered"]
    assert (entries[0]["seeds"], entries[0]["looks"], entries[1]["seeds"]) == (
        list(SEEDS),
        [3, 4, 5],
        list(SEEDS[:3]),
    )
    assert all(is_known(entry) for entry in entries)


def test_no_gain_ends_as_out_of_reach(given_up: tuple[Path, JudgedRun]) -> None:
    _, done = given_up
    found = done.data.comparison
    assert found is not None
    assert found.sequential is not None
    assert (found.outcome, found.sequential.looks[-1].decision) == ("not shown", "futile")
    assert len(done.data.results) == 3


def test_a_run_that_goes_on_finds_the_same_look(held: tuple[Plan, Path, JudgedRun]) -> None:
    plan, root, first = held
    before = kinds(first)
    again = run(plan, root)
    assert kinds(again) == before
    assert again.data == first.data


def test_another_design_is_refused_once_seeds_ran(held: tuple[Plan, Path, JudgedRun], tiny_data: DataRequest) -> None:
    with pytest.raises(UserError, match="registered with other levels, spending"):
        run(plan_for(tiny_data, SEEDS, claim=claim(WORSE, spending="pocock")), held[1])


def test_seeds_added_after_the_decision_void_it(
    given_up: tuple[Path, JudgedRun], tiny_data: DataRequest, tmp_path: Path
) -> None:
    root = shutil.copytree(given_up[0], tmp_path / "added")
    plan = plan_for(tiny_data, (*SEEDS[:3], 7), claim={**claim(SAME), "sequential": None})
    found = run(plan, root).data.comparison
    assert found is not None
    assert found.outcome == "undecided"
    assert found.obstacles == [
        "its seeds were looked at as they came in: a test of a fixed number of seeds does not hold for them",
        "seed 7 was added after a look had decided",
    ]


def test_seeds_that_ran_before_the_design_void_it(tiny_data: DataRequest, tmp_path: Path) -> None:
    run(plan_for(tiny_data, SEEDS[:3]), tmp_path)
    found = run(plan_for(tiny_data, SEEDS, claim=claim(WORSE)), tmp_path).data.comparison
    assert found is not None
    assert (found.outcome, found.obstacles) == ("undecided", ["seeds ran before its looks were registered"])


def test_a_seed_without_a_score_decides_nothing(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run(plan_for(tiny_data, SEEDS, claim=claim(WORSE)), tmp_path, "crash")
    found = done.data.comparison
    assert found is not None
    assert (found.outcome, found.candidate.val_bpb) == ("undecided", ())
    assert done.data.job["seeds"] == list(SEEDS[:3])


def test_all_seeds_of_the_design_are_asked_for(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan = plan_for(tiny_data, SEEDS[:4], claim=claim(WORSE))
    with pytest.raises(UserError, match="looks at up to 5 seeds, and the job lists 4"):
        run(plan, tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()
    assert Ledger(folder / "ledger.jsonl").entries == []


def test_the_record_tells_of_its_looks_and_is_verified(kept: Path) -> None:
    told = (kept / "README.md").read_text()
    assert "**The claim holds by the policy readme" in told
    assert "stopped after 3 of at most 5 seeds" in told
    assert "| seeds | p | to be below | came of it |" in told
    opened = open_record(kept)
    assert [one.name for one in verify_record(opened) if one.status == "fail"] == []
    arm = arm_of_folder(kept)
    assert arm.looked == "3 of at most 5 ran"
    note = "its seeds were added until a look decided (3 of at most 5 ran), so a test of a fixed number errs"
    assert any(note in said for said in compare(arm, arm_of("1.1,1.2", "B")).notes)


def test_a_ledger_to_which_a_seed_was_added_is_told(kept: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(kept, tmp_path / kept.name)
    ledger = Ledger(folder / "ledger.jsonl")
    script = next(entry["script_sha256"] for entry in ledger.entries if entry["kind"] == "registered")
    ledger.append("registered", seeds=[7], script_sha256=script, job="kept")
    failed = {one.name: one.measured for one in verify_record(open_record(folder)) if one.status == "fail"}
    assert failed["registered"] == "other counts, other seeds"
    assert "published" in failed
