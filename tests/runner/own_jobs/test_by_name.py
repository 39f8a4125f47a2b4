"""Golf's own jobs are found by name, in a checkout and beside installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from runner.cli.app import app
from runner.errors import UserError
from runner.job.load import load_job
from runner.own_jobs import by_name
from runner.verbs.options import own_or_shipped
from tests.fixtures.places import JOBS


def test_a_checkouts_jobs_are_those_of_its_folder_and_its_variants() -> None:
    found = by_name.shipped()
    assert found["pr372"] == JOBS / "pr372.yaml"
    assert found["pr465_table"] == JOBS / "variants" / "pr465_table.yaml"
    assert by_name.shipped("sweep")["quickstart"] == JOBS / "sweeps" / "quickstart.yaml"
    assert len(found) == len([*JOBS.glob("*.yaml"), *JOBS.glob("variants/*.yaml")])


def test_an_installed_golf_has_them_beside_its_packages_and_takes_nobody_elses_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "other.yaml").touch()
    assert by_name.shipped(root=tmp_path) == {}
    (tmp_path / "golf_jobs").mkdir()
    (tmp_path / "golf_jobs" / "mine.yaml").touch()
    by_name.folder.cache_clear()
    assert by_name.shipped(root=tmp_path) == {"mine": tmp_path / "golf_jobs" / "mine.yaml"}


def test_a_file_of_a_name_wins_over_golfs_own_job_and_either_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart.yaml").touch()
    (tmp_path / "baseline").mkdir()
    assert own_or_shipped(Path("quickstart"), "job") == JOBS / "quickstart.yaml"
    assert capsys.readouterr().err == f"golf: quickstart is golf's own job, {JOBS / 'quickstart.yaml'}\n"
    assert own_or_shipped(Path("baseline"), "job") == JOBS / "baseline.yaml"
    capsys.readouterr()
    (tmp_path / "quickstart").touch()
    assert own_or_shipped(Path("quickstart"), "job") == Path("quickstart")
    assert "the file here is taken" in capsys.readouterr().err
    for plain in ("quickstart.yaml", "/pr372", "jobs/none.yaml"):
        assert own_or_shipped(Path(plain), "job") == Path(plain)
    assert capsys.readouterr().err == ""


def test_a_name_that_is_none_is_answered_with_one_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="did you mean quickstart"):
        own_or_shipped(Path("quikstart"), "job")
    with pytest.raises(UserError, match="no sweep that golf brings: pr1606_spark, quickstart"):
        own_or_shipped(Path("xyz"), "sweep")


@pytest.mark.parametrize(
    "verb", ["run", "plan", "bundle", "model summary", "model diff pr372", "data info", "sweep run", "submit"]
)
def test_every_verb_of_a_job_takes_names(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    there = ["--address", "127.0.0.1:1"] if verb == "submit" else []
    found = CliRunner().invoke(app, [*verb.split(), "quikstart", *there]).exception
    assert isinstance(found, UserError)
    assert "did you mean quickstart?" in str(found)


def test_a_base_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (JOBS / "quickstart.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text + "base: pr372\n")
    base = load_job(tmp_path / "mine.yaml").base
    assert base is not None
    assert base.name == "pr372"
    (tmp_path / "pr372").write_text(text)
    base = load_job(tmp_path / "mine.yaml").base
    assert base is not None
    assert base.name == "quickstart"  # a file of that name wins here, too


def test_data_of_an_installed_job_lie_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shipped job that was loaded from site-packages reads the shards that golf data fetch has put here."""
    site = tmp_path / "site" / "golf_jobs"
    site.mkdir(parents=True)
    for name in ("pr372", "baseline"):
        (site / f"{name}.yaml").write_text((JOBS / f"{name}.yaml").read_text())
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(by_name, "folder", lambda root=None: site)
    data = load_job(site / "pr372.yaml").data
    assert data.path == tmp_path / "work" / "data" / "datasets" / "fineweb10B_sp1024"
    assert data.tokenizer == tmp_path / "work" / "data" / "tokenizers" / "fineweb_1024_bpe.model"
    assert load_job(JOBS / "pr372.yaml").data.path == JOBS.parent / "data" / "datasets" / "fineweb10B_sp1024"


def test_shells_can_be_taught_to_complete() -> None:
    options = {name for parameter in typer.main.get_command(app).params for name in parameter.opts}
    assert {"--install-completion", "--show-completion"} <= options
