"""A sweep's file: what it becomes, and what is said of every mistake, by file, line and field."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.job.load import load_job
from runner.search.sweeps.file import load_sweep
from runner.search.sweeps.study import require_optuna
from tests.fixtures.places import JOBS

JOB = """\
name: base
track: local
seeds: [1, 2]
limits: {train_seconds: 60, eval_seconds: 9}
data: {corpus: asv}
yardsticks: true
must_beat: unigram
config:
  schedule: {max_wallclock_seconds: 50}
"""
GOOD = """\
name: rates
base: job.yaml
set: {schedule.kind: steps}
space:
  optim.matrix_lr: {log: [0.005, 0.1]}
  model.num_layers: {int: [2, 4]}
sampler: tpe
budget: {trials: 4}
"""


def write(folder: Path, text: str = GOOD, job: str = JOB) -> Path:
    (folder / "job.yaml").write_text(job)
    (folder / "sweep.yaml").write_text(text)
    return folder / "sweep.yaml"


def complaint(folder: Path, *changes: tuple[str, str], job: str = JOB) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = write(folder, text, job)
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError) as caught:
        load_sweep(path)
    assert sorted(folder.rglob("*")) == before
    return str(caught.value).replace(f"{folder}/", "")


def test_a_trial_is_the_base_with_what_is_set_and_drawn(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path))
    job = sweep.trial_job(7, {"optim.matrix_lr": 0.02, "model.num_layers": 3})
    assert (job.name, job.seeds, job.must_beat, job.yardsticks) == ("rates-t0007", (1,), None, False)
    assert (job.config.schedule.kind, job.config.optim.matrix_lr, job.config.model.num_layers) == ("steps", 0.02, 3)
    assert sweep.judged == {"yardsticks": True, "must_beat": "unigram"}
    assert sweep.warnings == ()


def test_the_folder_depends_on_what_trials_are_and_not_on_how_many(tmp_path: Path) -> None:
    first = load_sweep(write(tmp_path)).hash8()
    more = GOOD.replace("{trials: 4}", "{trials: 9}") + "parallel: 2\n"
    assert load_sweep(write(tmp_path, more)).hash8() == first
    assert load_sweep(write(tmp_path, GOOD.replace("[2, 4]", "[2, 5]"))).hash8() != first
    assert load_sweep(write(tmp_path, job=JOB.replace("50}", "51}"))).hash8() != first


def test_a_profile_shrinks_each_trial(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path), profile="small")
    job = sweep.trial_job(1, {"optim.matrix_lr": 0.02, "model.num_layers": 3})
    assert (job.name, job.seeds, job.must_beat) == ("rates-t0001", (1,), None)
    assert (job.config.model.model_dim, job.config.optim.matrix_lr) == (128, 0.02)
    deeper = sweep.trial_job(2, {"optim.matrix_lr": 0.02, "model.num_layers": 11})
    assert deeper.config.model.num_layers > sweep.base.config.model.num_layers
    assert sweep.judged["must_beat"] == "unigram"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "optim.matrix_lr:",
            "optim.matrx_lr:",
            "sweep.yaml:5: space.'optim.matrx_lr': no field of a job is called so",
        ),
        ("optim.matrix_lr:", "matrix_lr:", "(did you mean 'optim.matrix_lr'?)"),
        ("set: {schedule.kind", "set: {schedul.kind", "sweep.yaml:3: set.'schedul.kind': no field"),
        ("{log: [0.005, 0.1]}", "{log: [0, 0.1]}", "has no logarithm at 0; the low end of log must be above 0"),
        ("{int: [2, 4]}", "{int: [4, 2]}", "sweep.yaml:6: space.'model.num_layers'.int: [4, 2] is empty"),
        ("{int: [2, 4]}", "{int: [4, 4]}", "[4, 4] is one value only: nothing to search"),
        ("{int: [2, 4]}", "{int: [2, 4.5]}", "must be two whole numbers, [low, high]"),
        ("{int: [2, 4]}", "{int: [2, 4], log: [1, 2]}", "has log and int; keep one"),
        ("{int: [2, 4]}", "{}", "says nothing; give one of float, log, int, choice"),
        ("{int: [2, 4]}", "{itn: [2, 4]}", "(did you mean 'int'?)"),
        ("{int: [2, 4]}", "{choice: [2, 2]}", "2 stands twice; give each value once"),
        ("{int: [2, 4]}", "{int: [0, 4]}", "sweep.yaml:6: config.model.num_layers: "),
        ("{int: [2, 4]}", "{int: [0, 4]}", "(the trial with model.num_layers = 0)"),
        ("{int: [2, 4]}", "{choice: [2, three]}", "must be a whole number, not the text 'three'"),
        (
            "{int: [2, 4]}",
            "{int: [2, 4], when: {optim.lr: 1}}",
            "optim.lr is no field of the space that stands above",
        ),
        ("{int: [2, 4]}", "{int: [2, 4], when: {optim.matrix_lr: 1}}", "is a range without steps"),
        (
            "{int: [2, 4]}",
            "{choice: [2, 4]}\n  model.mlp_mult: {int: [2, 3], when: {model.num_layers: 3}}",
            "sweep.yaml:7: space.'model.mlp_mult'.when.'model.num_layers': model.num_layers is never 3; it is one",
        ),
        ("{int: [2, 4]}", "{int: [2, 4], when: {}}", "sweep.yaml:6: space.'model.num_layers'.when: is empty"),
        (
            "{int: [2, 4]}",
            "{choice: [2, 4]}\n  model.mlp_mult: {int: [2, 3], when: {model.num_layers: []}}",
            "sweep.yaml:7: space.'model.mlp_mult'.when.'model.num_layers': has no value, so that it never counts",
        ),
        ("{trials: 4}", "{}", "sweep.yaml:8: budget: is a budget of nothing; give trials"),
        ("{trials: 4}", "{trials: 0}", "sweep.yaml:8: budget.trials: "),
        ("sampler: tpe", "sampler: tpa", "'tpa' is not one of tpe, cmaes, grid, random (did you mean 'tpe'?)"),
        ("sampler: tpe", "sampler: grid", "a grid needs a choice, an int, or a float with a step"),
        (
            "steps}",
            "steps, log.val_loss_every: 0}\npruner: median",
            "sweep.yaml:4: pruner: median is fed by validations",
        ),
        (
            "steps}",
            "steps, schedule.iterations: 90, log.val_loss_every: 90}\npruner: median",
            "sweep.yaml:4: pruner: median is fed by validations in mid-run",
        ),
        ("sampler: tpe", "seeds: [3, 3]", "sweep.yaml:7: seeds.1: seed 3 stands twice"),
        ("sampler: tpe", "seeds: []", "sweep.yaml:7: seeds: is empty; give at least one"),
        ("sampler: tpe", "smapler: tpe", "sweep.yaml:7: smapler: unknown key (did you mean 'sampler'?)"),
        ("set: {schedule.kind", "set: {config.optim.matrix_lr: 1, schedule.kind", "which stands under set"),
        ("base: job.yaml", "base: jab.yaml", "sweep.yaml:2: base: "),
    ],
)
def test_a_mistake_is_told_by_file_line_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in complaint(tmp_path, (old, new))


def test_a_job_in_the_place_of_a_sweep_is_told_with_the_verb_that_runs_it(tmp_path: Path) -> None:
    path = write(tmp_path, JOB)
    with pytest.raises(UserError, match=r"sweep\.yaml:1: is a job and no sweep; `golf run .*sweep\.yaml` runs it"):
        load_sweep(path)


def test_a_sweep_in_the_place_of_a_job_is_told_with_the_verb_that_runs_it(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(UserError, match=r"sweep\.yaml:1: is a sweep and no job; `golf sweep run .*` runs it"):
        load_job(path)


def test_a_mistake_in_the_base_job_is_told_of_its_own_file(tmp_path: Path) -> None:
    assert complaint(tmp_path, job=JOB.replace("local", "locl")).startswith("job.yaml:2: track: ")


def test_a_combination_that_the_job_refuses_is_a_warning(tmp_path: Path) -> None:
    text = GOOD.replace(
        "model.num_layers: {int: [2, 4]}", "model.num_heads: {choice: [4, 8]}\n  model.num_kv_heads: {choice: [4, 8]}"
    )
    (warning,) = load_sweep(write(tmp_path, text)).warnings
    assert warning.startswith("2 of 8 corners of the space are refused and would end as failed trials, e.g. ")
    assert "model.num_heads = 4, model.num_kv_heads = 8" in warning


def test_without_optuna_the_message_names_line_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(
        UserError, match=r"s\.yaml:7: sampler: Optuna searches and is not installed; pip install 'golf\[search\]'"
    ):
        require_optuna("s.yaml:7: sampler")


@pytest.mark.parametrize("path", sorted((JOBS / "sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_sweep_that_is_shipped_can_be_read_whole_and_small(path: Path) -> None:
    assert load_sweep(path).warnings == ()
    for profile in ("small", "steps"):
        assert load_sweep(path, profile).base.config.model.vocab_size == 1024
