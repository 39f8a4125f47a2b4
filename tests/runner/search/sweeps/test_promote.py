"""The best of a sweep as jobs on fresh seeds: what is written, what is refused, and the winner's curse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.files import write_atomic
from runner.job.load import load_job
from runner.job.spec import resolved
from runner.search.sweeps.facts import Budget, Promoted, SweepFacts, TrialFacts
from runner.search.sweeps.file import load_sweep
from runner.search.sweeps.folder import SweepFolder, read_promoted, write_promoted
from runner.search.sweeps.promote import chosen, note_record, write_jobs
from runner.search.sweeps.run import write_about
from runner.search.sweeps.table import curse_lines
from tests.fixtures.full_record import told_record
from tests.runner.search.sweeps.test_file import write


def facts(folder: Path, *scores: float | None, seeds: tuple[int, ...] = (1,)) -> SweepFacts:
    trials = [
        TrialFacts(number=number, state="failed" if bpb is None else "scored", params={"x": number}, bpb=bpb)
        for number, bpb in enumerate(scores)
    ]
    over = TrialFacts(number=len(trials), state="infeasible", params={"x": 0}, bpb=0.5)
    return SweepFacts(
        name="rates",
        folder=str(folder),
        sampler="tpe",
        pruner="none",
        seeds=list(seeds),
        space=[],
        trials=[*trials, over],
        budget=Budget(trials=9),
        spent=Budget(trials=len(trials)),
        lives=False,
    )


def test_the_lowest_under_the_cap_are_chosen_in_order(tmp_path: Path) -> None:
    found = chosen(facts(tmp_path, 1.3, None, 1.1, 1.2), 2, [42, 7])
    assert [trial.number for trial in found] == [2, 3]


def test_a_seed_that_the_sweep_has_seen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"--seeds: the sweep's trials were chosen by seed 1; give seeds that it has not"
    ):
        chosen(facts(tmp_path, 1.3), 1, [1337, 1])


def test_more_than_have_a_score_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--promote 2: .*: 1 of its 3 trials have a score under the cap"):
        chosen(facts(tmp_path, 1.3, None), 2, [42])


def test_the_job_that_is_written_is_the_trials_with_its_judge_and_fresh_seeds(tmp_path: Path) -> None:
    sweep, folder = load_sweep(write(tmp_path)), SweepFolder(tmp_path / "sweeps" / "rates-0")
    write_about(folder, sweep, {}, 1)
    job = sweep.trial_job(0, {"optim.matrix_lr": 0.031, "model.num_layers": 3})
    write_atomic(folder.job(job.name), json.dumps(resolved(job)))
    stood = facts(folder.path, 1.3)
    (path,) = write_jobs(folder, stood, chosen(stood, 1, [7, 8]), [7, 8])
    promoted = load_job(path)
    assert (promoted.name, promoted.seeds, promoted.must_beat) == ("rates-best-t0000", (7, 8), "unigram")
    assert promoted.config == job.config
    assert promoted.base is not None
    assert promoted.base.name == "base"
    assert promoted.notes == (
        "Chosen among 2 trials of the sweep rates by 1.3000 bpb on seed 1; the seeds here are fresh.",
    )
    assert len(path.read_text().splitlines()) < 25  # what it has other than the defaults
    assert read_promoted(folder) == [
        Promoted(trial=0, sweep_bpb=1.3, job="promoted/rates-best-t0000.yaml", seeds=[7, 8])
    ]


def test_the_winners_curse_is_the_fresh_mean_minus_the_sweeps_best(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    record = told_record()
    scores = [result.final_score.val_bpb for result in record.results if result.final_score is not None]
    seeds = [int(seed) for seed in record.job["seeds"]]
    write_promoted(folder, [Promoted(trial=0, sweep_bpb=1.0, job="promoted/x.yaml", seeds=seeds)])
    done = note_record(folder, 0, record, Path("records/local/x"))
    assert done.mean == pytest.approx(sum(scores) / len(scores))
    stood = facts(tmp_path, 1.0, 1.2).model_copy(update={"promoted": read_promoted(folder)})
    assert stood.curse == pytest.approx(sum(scores) / len(scores) - 1.0)
    told = list(curse_lines(stood))
    assert told[-1].startswith(f"winner's curse: {stood.curse:+.4f} bpb")
    assert "records/local/x" in told[0]


def test_a_promotion_that_has_not_ended_has_no_curse(tmp_path: Path) -> None:
    waiting = Promoted(trial=0, sweep_bpb=1.0, job="promoted/x.yaml", seeds=[1, 2], scores={"1": 1.1})
    stood = facts(tmp_path, 1.0).model_copy(update={"promoted": [waiting]})
    assert stood.curse is None
    assert list(curse_lines(stood)) == ["promoted: trial 0, not run to its end (promoted/x.yaml)"]
