"""The verbs around a duel: what is refused before anything runs, and where `against:` leads."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runner.cli.app import app
from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.job.load import load_job
from tests.runner.duel.test_pairs import FACTS

JOB = """
name: {name}
track: local
seeds: [1, 2, 3]
data: {{corpus: asv}}
limits: {{train_seconds: 600, eval_seconds: 600}}
"""

RESOLVED = """{"name": "one", "track": "local", "seeds": [9], "data": {"corpus": "asv"},
"limits": {"train_seconds": 600, "eval_seconds": 600}}"""


@pytest.fixture
def jobs(tmp_path: Path) -> tuple[Path, Path]:
    """A job, and another one in a folder below that is against it."""
    one, two = tmp_path / "one.yaml", tmp_path / "below" / "two.yaml"
    two.parent.mkdir()
    one.write_text(JOB.format(name="one"))
    two.write_text(JOB.format(name="two") + "against: ../one.yaml\n")
    return one, two


def said(*words: object) -> str:
    done: Result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


def test_the_opponent_is_found_from_the_jobs_own_folder(jobs: tuple[Path, Path]) -> None:
    assert load_job(jobs[1]).against == jobs[0]


def test_a_job_with_variants_has_no_opponent(jobs: tuple[Path, Path]) -> None:
    jobs[1].write_text(jobs[1].read_text() + "variants: {optim.matrix_lr: [0.1, 0.2]}\n")
    with pytest.raises(UserError, match="cannot work: pairs one job with another one"):
        load_job(jobs[1])


def test_pairs_that_no_duel_takes_are_refused_before_a_cluster_is_asked(jobs: tuple[Path, Path]) -> None:
    assert "from 2 to 100" in said("submit", jobs[1], "--seeds", "1", "--address", "127.0.0.1:1")
    jobs[1].write_text(jobs[1].read_text().replace("../one", "../none"))
    assert "none.yaml: no such file" in said("submit", jobs[1], "--address", "127.0.0.1:1")


def test_number_and_list_of_seeds_are_one_too_many(jobs: tuple[Path, Path]) -> None:
    assert "choose one" in said("duel", *jobs, "--pairs", "3", "--seeds", "1,2,3")
    assert "from 2 to 100" in said("duel", *jobs, "--pairs", "1")
    assert "from 2 to 100" in said("run", jobs[1], "--seeds", "1")


def test_policies_of_no_duel_are_refused(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    assert "is of one job against a number" in said("duel", *jobs, "--policy", "target", "--output", tmp_path)
    assert "readme" in said("duel", *jobs, "--policy", "readmee", "--output", tmp_path)


def test_a_claim_with_looks_is_no_duels(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    looks = "claim: {baseline: [1.1, 1.2], gain: 0.1, sequential: {least: 2, most: 3}}\n"
    jobs[1].write_text(jobs[1].read_text() + looks)
    assert "claim.sequential: looks at seeds as they come in" in said("duel", *jobs, "--output", tmp_path)


def test_one_side_is_not_resumed_alone_while_its_turn_is_open(tmp_path: Path) -> None:
    run = tmp_path / "runs" / FACTS["baseline"].run
    run.mkdir(parents=True)
    ledger = Ledger(run / "ledger.jsonl")
    ledger.append("turn", pair=1, seed=9, other_run=FACTS["candidate"].run, other_hash="0" * 64)
    (run / "job.json").write_text(RESOLVED)
    assert "seed 9 is one of a pair with two-00000002" in said("resume", "one", "--output", tmp_path)
