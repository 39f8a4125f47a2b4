"""Sweeps as they run: real trials of a script without torch, killed, pruned, failing, over the cap, promoted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.drive.execute import Where
from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from runner.search.sweeps.facts import SweepFacts
from runner.search.sweeps.file import load_sweep
from runner.search.sweeps.folder import find_sweep, require_no_trial
from runner.search.sweeps.run import run_sweep
from runner.search.sweeps.standing import facts_of
from runner.search.sweeps.study import read_trials
from runner.search.sweeps.table import best_line, eta_seconds, summary_lines
from tests.fixtures.sweep_script import write_sweep
from tests.runner.drive.test_run import Screen

LOCAL = Where(local=True)
RATES = "{env.RATE: {log: [0.0001, 1.0]}}"


def sweep(path: Path, output: Path, screen: Screen | None = None) -> SweepFacts:
    return run_sweep(load_sweep(path), output, LOCAL, (screen or Screen()).console)


@pytest.fixture(scope="module")
def swept(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepFacts, str]:
    """Output folder, facts and screen of a grid in which half of the artifacts are over the cap."""
    folder, screen = tmp_path_factory.mktemp("swept"), Screen()
    space = "{env.RATE: {choice: [0.01, 0.1]}, env.HOW: {choice: [good, large]}}"
    more = "sampler: grid\nbudget: {trials: 40}\nparallel: 2\n"
    return folder, sweep(write_sweep(folder, tiny_data, space, more), folder, screen), screen.text


def test_each_trial_ends_as_what_it_is_and_the_best_is_under_the_cap(swept: tuple[Path, SweepFacts, str]) -> None:
    _, facts, screen = swept
    states = {(trial.params["env.HOW"], trial.params["env.RATE"]): trial for trial in facts.trials}
    assert {key: trial.state for key, trial in states.items()} == {
        ("good", 0.01): "scored",
        ("good", 0.1): "scored",
        ("large", 0.01): "infeasible",
        ("large", 0.1): "infeasible",
    }
    assert facts.best == states["good", 0.01]
    assert facts.best is not None
    assert facts.best.bpb == pytest.approx(1.2 + 1e-6)
    large = states["large", 0.01]
    assert large.bpb == pytest.approx(1.2 + 1e-6)
    assert large.total_bytes is not None
    assert large.total_bytes > 17_000_000
    assert large.reason.endswith("over the cap of 16,000,000")
    assert "which does not count" in screen
    assert screen.splitlines()[-1] == "ended: the grid's 4 combinations are all tried"
    assert facts.ended == "the grid's 4 combinations are all tried"


def test_every_trial_has_a_run_folder_and_a_ledger_of_its_own_and_no_record(
    swept: tuple[Path, SweepFacts, str],
) -> None:
    output, facts, _ = swept
    folder = Path(facts.folder)
    runs = {run.path.name: run for run in all_runs(folder)}
    assert {trial.run for trial in facts.trials} == set(runs)
    for trial in facts.trials:
        entries = check_chain(runs[trial.run].ledger)
        assert [entry["seeds"] for entry in entries if entry["kind"] == "registered"] == [[1]]
        assert trial.seconds > 0
    assert not [path for shelf in ("records", "rejected", "unverified") for path in output.rglob(shelf)]
    with pytest.raises(UserError, match="a trial's own score is never published"):
        require_no_trial(folder)


def test_where_it_stands_is_told_in_words(swept: tuple[Path, SweepFacts, str]) -> None:
    _, facts, _ = swept
    told = list(summary_lines(facts))
    assert told[0] == best_line(facts)
    assert "1.2000 bpb on seed 1  RATE 0.01  HOW good  (4 trials: 2 scored, 2 infeasible)" in told[0]
    assert told[2].startswith("spent: 4 of 40 trials, 0.0")
    assert told[3] == "ended: the grid's 4 combinations are all tried"
    assert eta_seconds(facts.model_copy(update={"trials": facts.trials[:2]})) == pytest.approx(
        38 * sum(trial.seconds for trial in facts.trials[:2]) / 2 / facts.parallel
    )


def test_run_again_it_makes_nothing_anew(swept: tuple[Path, SweepFacts, str], tiny_data: DataRequest) -> None:
    output, facts, _ = swept
    screen = Screen()
    again = sweep(output / "rates.yaml", output, screen)
    assert again.trials == facts.trials
    assert "begins" not in screen.text


def test_a_trial_that_is_worse_in_mid_run_is_ended_early(tiny_data: DataRequest, tmp_path: Path) -> None:
    space = "{env.RATE: {choice: [0.01, 1.0]}}"
    more = "sampler: {name: grid, seed: 1}\npruner: {name: median, startup_trials: 1}\nbudget: {trials: 2}\n"
    facts = sweep(write_sweep(tmp_path, tiny_data, space, more, "env: {PACE: '0.4'}\n"), tmp_path)
    assert [trial.params["env.RATE"] for trial in facts.trials] == [0.01, 1.0]
    last = facts.trials[-1]
    assert (last.state, last.reason) == ("pruned", "ended early: worse in mid-run than others at the same step")
    assert min(last.validations) == 1
    (run,) = (run for run in all_runs(Path(facts.folder)) if run.path.name == last.run)
    assert [entry["status"] for entry in check_chain(run.ledger) if entry["kind"] == "finished"] == ["interrupted"]
    assert facts.best == facts.trials[0]


def test_trials_that_all_fail_alike_end_the_sweep(tiny_data: DataRequest, tmp_path: Path) -> None:
    path = write_sweep(tmp_path, tiny_data, RATES, "budget: {trials: 50}\n", "env: {HOW: fails}\ntries: 1\n")
    facts = sweep(path, tmp_path)
    assert [trial.state for trial in facts.trials] == ["failed"] * 3
    assert facts.best is None
    assert facts.ended.startswith("every trial so far failed for the same reason: seed 1: ValueError: told to fail")


def test_what_cannot_be_small_enough_is_infeasible_and_not_run(tiny_data: DataRequest, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(
        "name: wide\ntrack: local\nhardware: cpu\nseeds: [1]\nlimits: {train_seconds: 900, eval_seconds: 9}\n"
        f"data: {{path: {tiny_data.folder}, tokenizer: {tiny_data.tokenizer}}}\n"
        f"config:\n  model: {{vocab_size: {tiny_data.vocab_size}, num_heads: 4, num_kv_heads: 4}}\n"
        "  batch: {train_batch_tokens: 256, train_seq_len: 16, micro_batches: 1}\n"
    )
    path = tmp_path / "wide.yaml"
    space = "{model.model_dim: {choice: [1024, 1152]}}"
    path.write_text(f"name: wide\nbase: job.yaml\nspace: {space}\nsampler: grid\nbudget: {{hours: 1}}\n")
    facts = sweep(path, tmp_path)
    assert [trial.state for trial in facts.trials] == ["infeasible"] * 2
    for trial in facts.trials:
        assert trial.reason.startswith("not run: its artifact will take at least ")
        assert trial.bpb is None
        assert (trial.total_bytes or 0) > 16_000_000
    assert not (Path(facts.folder) / "runs").exists()
    assert best_line(facts) == "no trial has a score under the cap (2 trials: 2 infeasible)"


@pytest.mark.parametrize(
    ("budget", "said"),
    [("gpu_hours: 1", "hardware cpu has no GPU"), ("dollars: 1", "the price of hardware cpu is not known")],
)
def test_a_budget_that_nothing_can_reach_is_refused(
    tiny_data: DataRequest, tmp_path: Path, budget: str, said: str
) -> None:
    path = write_sweep(tmp_path, tiny_data, RATES, f"budget: {{{budget}}}\n")
    with pytest.raises(UserError, match=rf"rates\.yaml:4: budget\.\w+: {said}; give trials or hours"):
        sweep(path, tmp_path)
    assert not (tmp_path / "sweeps").exists()


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_number_of_trials(tiny_data: DataRequest, tmp_path: Path) -> None:
    """Twice: amid the first trials, and amid the third; each trial counts once, the last driver ends by itself."""
    path = write_sweep(tmp_path, tiny_data, RATES, "budget: {trials: 4}\nparallel: 2\n", "env: {PACE: '0.1'}\n")
    for ended in (0, 2):
        driver = start(tmp_path, "sweep", str(path), "--local")
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up and driver.poll() is None:
            journals = list(tmp_path.glob("sweeps/*/journal.log"))
            trials = read_trials(journals[0]) if journals else []
            over = [trial for trial in trials if trial.state != "running"]
            if (
                len(over) >= ended
                and len(trials) > len(over)
                and list(tmp_path.glob("sweeps/*/runs/*/seeds/1/*/*.log"))
            ):
                break
            time.sleep(0.05)
        driver.kill()
        said, _ = driver.communicate()
        assert driver.returncode == -signal.SIGKILL, said
    screen = Screen()
    facts = sweep(path, tmp_path, screen)
    assert "goes on" in screen.text
    assert [(trial.number, trial.state) for trial in facts.trials] == [(number, "scored") for number in range(4)]
    assert len({json.dumps(trial.params) for trial in facts.trials}) == 4
    assert facts_of(find_sweep(tmp_path, None), facts.trials).lives is False
    assert len(all_runs(Path(facts.folder))) == 4
    assert facts.spent.trials == 4
