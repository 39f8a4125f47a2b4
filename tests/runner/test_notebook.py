"""What `from runner import ...` gives to a notebook, used as docs/python.md says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from runner import load_job, open_record, plan_job, run_local
from runner.errors import UserError
from runner.job.load import load_job as load_file
from runner.job.open_data import DataRequest
from tests.fixtures.foreign_script import write_foreign
from tests.fixtures.places import JOBS
from tests.fixtures.tiny_data import VOCAB


def test_importing_the_package_costs_nothing() -> None:
    """Every process that isolates a script imports it."""
    code = "import sys; before = set(sys.modules); import runner; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['__future__', 'runner']\n"


def test_a_job_by_path_or_name_is_the_files() -> None:
    file = load_file(JOBS / "pr372.yaml")
    assert load_job("pr372") == load_job(JOBS / "pr372.yaml") == file


def test_settings_seeds_profile_and_name_change_what_they_say() -> None:
    job = load_job(
        "pr372", settings={"optim.matrix_lr": 0.5, "config.model.num_layers": 9}, seeds=[7, 8], name="mine"
    )
    assert (job.name, job.seeds, job.config.optim.matrix_lr, job.config.model.num_layers) == ("mine", (7, 8), 0.5, 9)
    small = load_job("pr372", seeds=[7, 8], profile="small")
    assert (small.seeds, small.track, small.data.corpus) == ((7, 8), "local", "asv")


@pytest.mark.parametrize(
    ("job", "settings", "said"),
    [
        ("quikstart", {}, "did you mean quickstart"),
        ("quickstart", {"optim.matrix_rl": 1}, "did you mean 'optim.matrix_lr'"),
        ("quickstart", {"optim.matrix_lr": "fast"}, "config.optim.matrix_lr: must be a number"),
    ],
)
def test_mistakes_are_told_as_the_command_line_tells_them(job: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_job(job, settings=settings)
    assert said in str(caught.value)


@pytest.fixture
def theirs(tiny_data: DataRequest, tmp_path: Path) -> Path:
    """A job with a script that is done in a second."""
    write_foreign(tmp_path)
    path = tmp_path / "theirs.yaml"
    path.write_text(f"""
name: theirs
track: local
hardware: cpu
seeds: [1]
script: their_train.py
launch: python
data: {{path: {tiny_data.folder}, tokenizer: {tiny_data.tokenizer}}}
limits: {{train_seconds: 5, eval_seconds: 5}}
""")
    return path


def test_a_plan_is_plain_data_and_prints_nothing(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_job(load_job(theirs))
    assert json.loads(json.dumps(plan)) == plan
    assert plan["job"] == "theirs"
    assert capsys.readouterr().out == ""


def test_a_job_runs_to_a_record_that_opens_as_tables(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_local(load_job(theirs), tmp_path / "out", quiet=True)
    assert capsys.readouterr().out == ""
    record = open_record(folder)
    assert folder.is_relative_to(tmp_path / "out")
    assert record.verdict == record.data.verdict.status
    (result,) = record.data.results
    assert result.final_score is not None
    assert record.seeds["val_bpb"].tolist() == [result.final_score.val_bpb]
    assert run_local(load_job(theirs), tmp_path / "out", quiet=True) == folder  # nothing runs again
    assert len(open_record(folder).attempts) == 1


def test_a_job_that_cannot_run_here_leaves_nothing(theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        run_local(load_job(theirs, settings={"data.path": str(tmp_path / "none")}), tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        open_record(tmp_path / "none")


@pytest.mark.slow
def test_our_own_script_runs_from_a_program_as_from_the_command_line(tiny_data: DataRequest, tmp_path: Path) -> None:
    job = load_job(
        "quickstart",
        seeds=[1, 2],
        name="ten",
        settings={
            "data": {"path": tiny_data.folder, "tokenizer": tiny_data.tokenizer},
            "must_beat": None,
            "model": {"vocab_size": VOCAB, "model_dim": 32, "num_heads": 2, "num_kv_heads": 1, "num_layers": 2},
            "schedule": {"kind": "steps", "iterations": 10, "warmdown_iters": 4, "warmup_steps": 1},
            "batch": {"train_batch_tokens": 256, "train_seq_len": 16, "val_batch_tokens": 512, "micro_batches": 1},
            "limits": {"train_seconds": 120, "eval_seconds": 120},
        },
    )
    record = open_record(run_local(job, tmp_path, quiet=True))
    assert record.seeds["steps"].tolist() == [10, 10]
    assert record.summary.loc["n", "val_bpb"] == 2
    assert set(record.losses["split"]) == {"train", "val"}
    assert isinstance(record.checks, pd.DataFrame)
