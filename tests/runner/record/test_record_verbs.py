"""The verbs on a record's folder as people meet them: what they print, exit codes, one message for a mistake."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.errors import UserError


@pytest.fixture
def record(kept_record: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept_record, tmp_path / "records" / "local" / kept_record.name))


def golf(*words: object, code: int) -> str:
    """What a verb prints; it must end with `code`."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output


def refused(*words: object) -> str:
    """The message with which a verb refuses."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_an_honest_record_verifies_and_what_was_not_checked_is_said(record: Path) -> None:
    told = golf("verify", record, code=0)
    assert "Nothing speaks against it." in told
    assert "Not checked: Its artifact by hash? The same score again?" in told


def test_beside_its_run_the_scores_are_made_again(kept_record: Path) -> None:
    assert "Not checked" not in golf("verify", kept_record, code=0)


def test_a_changed_record_does_not_verify_and_says_why(record: Path) -> None:
    (record / "results.csv").write_text("better\n")
    told = golf("verify", record, code=1)
    assert "WRONG: Every file as its hash says? README.md and tables as the results make them?" in told


def test_a_rejected_record_verifies_too(kept_rejected: Path) -> None:
    assert "rejected" in golf("verify", kept_rejected, code=0)


def test_report_says_what_it_made_anew(record: Path) -> None:
    assert golf("report", record, code=0) == f"{record}: as it was\n"
    (record / "README.md").unlink()
    assert golf("report", record, code=0) == f"{record}: README.md made anew\n"


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    for verb in ("verify", "reproduce"):
        assert "record" in refused(verb, tmp_path / "missing")
    assert "0 records, 1 not read." in golf("report", tmp_path / "missing", code=2)


def test_reproducing_without_its_data_is_refused_before_anything_runs(record: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert refused("reproduce", record, "--output", tmp_path / "again").startswith("--data FOLDER: needed")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_local_record_is_not_exported(record: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "repo")], check=True)
    assert "track local is none of the challenge's" in refused("export", "pr", record, "--repo", tmp_path / "repo")
