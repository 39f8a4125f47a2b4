"""`golf sweep` and `golf calibrate` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runner.cli.app import app
from runner.errors import UserError
from runner.files import write_atomic
from runner.search.sweeps.folder import SweepFolder
from runner.search.sweeps.study import Study
from tests.runner.search.sweeps.test_study import SPACE, scored, spec


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def complaint(*words: str) -> str:
    done = typed(*words)
    assert isinstance(done.exception, UserError)
    return str(done.exception)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with one sweep of two trials."""
    folder = SweepFolder(tmp_path / "sweeps" / "rates-01234567")
    about = {
        "name": "rates",
        "file": str(tmp_path / "rates.yaml"),
        "sampler": {"name": "random"},
        "pruner": {"name": "none"},
        "seeds": [1],
        "space": [{"path": "rate"}],
        "budget": {"trials": 4},
        "parallel": 2,
    }
    write_atomic(folder.about, json.dumps(about))
    study = Study(folder.journal, spec(), SPACE)
    for size in (900, 1100):
        number, params = study.ask()
        study.tell(scored(number, params, size / 1000, size))
    return tmp_path


def test_a_file_behind_sweep_is_run_and_a_verb_is_that_verb(tmp_path: Path) -> None:
    assert (
        complaint("sweep", str(tmp_path / "no.yaml")) == f"{tmp_path}/no.yaml: no such file; give the path of a sweep"
    )
    assert complaint("sweep", "run", str(tmp_path / "no.yaml")).endswith("give the path of a sweep")
    assert "which sweep?" in complaint("sweep", "status", "--output", str(tmp_path))
    assert "report" in typed("sweep", "--help").stdout


@pytest.mark.parametrize("name", ["rates", "rates-0123", "rates-01234567", "rates.yaml", None])
def test_a_sweep_is_found_by_name_folder_or_file_or_as_the_only_one(
    output: Path, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(output)
    done = typed("sweep", "status", *([name] if name else []))
    assert done.exit_code == 0, done.exception
    assert "best: trial 0, 0.9000 bpb on seed 1" in done.stdout
    assert "(1.1000)" in done.stdout
    assert "no driver is at work; the same golf sweep command goes on" in done.stdout


def test_a_name_that_is_none_says_which_there_are(output: Path) -> None:
    said = complaint("sweep", "status", "ratse", "--output", str(output))
    assert said.endswith("there is rates-01234567 (did you mean 'rates'?)")


def test_status_as_json_has_every_trial(output: Path) -> None:
    told = json.loads(typed("sweep", "status", "--json", "--output", str(output)).stdout)
    assert [(trial["state"], trial["bpb"], trial["cap_bytes"]) for trial in told["trials"]] == [
        ("scored", 0.9, 1000),
        ("infeasible", 1.1, 1000),
    ]
    assert told["spent"]["trials"] == 2


def test_best_shows_what_counts_and_promotes_on_fresh_seeds_only(output: Path) -> None:
    shown = typed("sweep", "best", "--output", str(output)).stdout
    assert "0.9000" in shown
    assert "1.1000" not in shown
    assert "give fresh seeds with --seeds" in complaint("sweep", "best", "--promote", "1", "--output", str(output))
    said = complaint("sweep", "best", "--promote", "1", "--seeds", "7,1", "--output", str(output))
    assert said.startswith("--seeds: the sweep's trials were chosen by seed 1")


def test_run_and_resume_refuse_a_sweeps_folder(output: Path) -> None:
    for words in (("run", "jobs/quickstart.yaml"), ("resume", "rates-t0001")):
        said = complaint(*words, "--output", str(output / "sweeps" / "rates-01234567"))
        assert "a trial's own score is never published" in said


def test_report_writes_one_page(output: Path) -> None:
    done = typed("sweep", "report", "--output", str(output))
    page = output / "sweeps" / "rates-01234567" / "report.html"
    assert done.stdout == f"{page}: 2 trials\n"
    assert page.read_text().startswith("<!doctype html>")


def test_calibrate_takes_two_lists_around_a_double_dash() -> None:
    done = typed("calibrate", "1.4", "1.3", "1.2", "1.25", "--", "1.2", "1.15", "1.16", "1.1", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert [one["cheap"] for one in told["variants"]] == [1.4, 1.3, 1.2, 1.25]
    few = typed("calibrate", "1.4", "1.3", "--", "1.2", "1.1")
    assert few.exit_code == 3
    assert "unknown: needs 4 variants" in few.stdout
    for words in (("1.4", "1.3"), ("1.4", "--", "1.3"), ("--", "1.4")):
        assert "on each side of a --" in complaint("calibrate", *words)
