"""The verbs on a record's folder as people meet them: what they print, exit codes, one message for a mistake."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
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


def test_beside_its_run_the_scores_are_made_again_where_it_is_asked_for(kept_record: Path) -> None:
    told = golf("verify", kept_record, code=0)
    assert "not asked: --run" in " ".join(told.split())
    assert "Not checked: The same score again?" in told
    assert "Not checked" not in golf("verify", kept_record, "--run", code=0)


def received(kept_record: Path, tmp_path: Path) -> tuple[Path, Path]:
    """(A record as from a stranger, what its script leaves where it is executed): beside it a run by that script."""
    ran = tmp_path / "RAN"
    folder = Path(shutil.copytree(kept_record.parents[2], tmp_path / "mail"))
    record = folder / "records" / "local" / kept_record.name
    for script in (record / "train_gpt.py", *folder.glob("runs/*/train_gpt.py")):
        script.write_text(f"open({str(ran)!r}, 'w')\n")
    return record, ran


def test_a_received_script_is_executed_by_no_verb_that_reads(kept_record: Path, tmp_path: Path) -> None:
    record, ran = received(kept_record, tmp_path)
    for words in (["verify"], ["verify", "--run"], ["verify", "--artifacts", str(record.parents[2] / "runs")]):
        golf(words[0], record, *words[1:], code=1)
        assert not ran.exists()
    assert "not run: Every file" in " ".join(golf("verify", record, "--run", code=1).split())


def test_a_script_whose_hashes_hold_is_cut_off_when_it_is_run(
    kept_record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may write to the user's home, it thinks; and is run nowhere else than where that is somebody else's."""
    monkeypatch.setattr("runner.record.rescore_record.require_cut_off", refuse)
    told = " ".join(golf("verify", kept_record, "--run", code=0).split())
    assert "not run: no namespaces here" in told
    assert "Not checked: The same score again?" in told


def refuse() -> None:
    raise UserError("not run: no namespaces here")


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
