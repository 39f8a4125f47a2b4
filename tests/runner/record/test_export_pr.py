"""`golf export pr`: a branch with the record in a clean checkout, or a refusal that leaves it as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reports.record.pr_text import pr_text, pr_title
from runner.errors import UserError
from runner.record.export_pr import export, require_checkout, require_passed
from runner.record.folder import Record, open_record
from runner.record.verify import verify_record
from runner.results import Check
from tests.fixtures.results import record as sample

TRACK = "track_non_record_16mb"


def git(repo: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(repo), *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout that looks like the challenge's."""
    place = tmp_path / "challenge"
    (place / "records" / TRACK / "2025-12-01_other").mkdir(parents=True)
    (place / "records" / TRACK / "2025-12-01_other" / "README.md").write_text("other\n")
    (place / "train_gpt.py").write_text("pass\n")
    (place / ".gitignore").write_text("*.log\n")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(place))
    git(place, "config", "user.name", "A. Person")
    git(place, "config", "user.email", "a@example.org")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "start")
    return place


@pytest.fixture
def record(kept_record: Path) -> Record:
    return open_record(kept_record)


def state(repo: Path) -> tuple[str, str, str]:
    return git(repo, "branch", "--show-current"), git(repo, "status", "--porcelain"), git(repo, "branch", "--list")


def test_the_record_lies_whole_in_one_commit_on_a_branch_of_its_own(repo: Path, record: Record) -> None:
    require_checkout(repo, TRACK)
    made = export(record, repo, TRACK, "kept: 1.2 bpb")
    assert made.place == repo / "records" / TRACK / record.folder.name
    held = {path.name: path.read_bytes() for path in made.place.iterdir()}
    assert held == {path.name: path.read_bytes() for path in record.folder.iterdir()}
    assert git(repo, "log", "--format=%s", "main..HEAD") == "kept: 1.2 bpb"
    changed = git(repo, "diff", "--name-only", "main", "HEAD").splitlines()
    assert len(changed) == len(held)
    assert all(name.startswith(f"records/{TRACK}/{record.folder.name}/") for name in changed)
    assert state(repo)[:2] == (f"golf/{record.folder.name}", "")
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", "HEAD~1")
    assert git(repo, "remote") == ""


def test_a_commit_that_a_hook_refuses_leaves_the_checkout_as_it_was(repo: Path, record: Record) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no entry >&2\nexit 1\n")
    hook.chmod(0o755)
    before = state(repo)
    with pytest.raises(UserError, match="git commit: no entry"):
        export(record, repo, TRACK, "title")
    assert state(repo) == before
    assert not (repo / "records" / TRACK / record.folder.name).exists()
    assert not list((repo / ".git").glob("golf-*"))


@pytest.mark.parametrize("place", ["new.txt", "train_gpt.py"])
def test_a_dirty_checkout_is_refused(repo: Path, place: str) -> None:
    (repo / place).write_text("mine\n")
    with pytest.raises(UserError, match="changes that are not committed"):
        require_checkout(repo, TRACK)


def test_what_is_no_checkout_of_the_challenge_is_refused(repo: Path, tmp_path: Path) -> None:
    for place, told in (
        (tmp_path / "missing", "no such folder"),
        (tmp_path, "no git checkout"),
        (repo / "records", "lies in the checkout"),
    ):
        with pytest.raises(UserError, match=told):
            require_checkout(place, TRACK)
    with pytest.raises(UserError, match="no checkout of the challenge"):
        require_checkout(repo, "track_10min_16mb")


def test_a_place_or_a_branch_that_is_taken_is_refused(repo: Path, record: Record) -> None:
    export(record, repo, TRACK, "title")
    with pytest.raises(UserError, match="is there already"):
        export(record, repo, TRACK, "title")
    git(repo, "switch", "--quiet", "main")
    with pytest.raises(UserError, match=f"has a branch golf/{record.folder.name} already"):
        export(record, repo, TRACK, "title")


def test_only_a_passed_record_of_the_challenges_tracks_that_verifies_is_exported(
    record: Record, kept_rejected: Path
) -> None:
    with pytest.raises(UserError, match="its verdict is rejected; only a passed record is exported"):
        require_passed(open_record(kept_rejected), [])
    with pytest.raises(UserError, match="track local is none of the challenge's"):
        require_passed(record, verify_record(record))
    data = record.data.model_copy(update={"track": "non_record_16mb"})
    moved = Record(record.folder, data, record.script, record.files)
    assert require_passed(moved, []) == TRACK
    with pytest.raises(UserError, match="does not verify: The same verdict"):
        require_passed(moved, verify_record(moved))  # its evidence is of another track


def test_the_text_holds_scores_and_every_question(record: Record) -> None:
    data = sample()
    text = pr_text(data)
    assert pr_title(data) == "quickstart: 1.7445 ± 0.0045 bpb, 3 seeds, local"
    assert pr_title(sample(data.results[:1])).endswith(" bpb, 1 seed, local")
    assert "**1.7445 ± 0.0045 bits per byte**" in text
    checks: list[Check] = data.verdict.checks
    assert all(check.title in text for check in checks)


def test_a_hostile_name_is_one_harmless_line(repo: Path) -> None:
    data = sample(name="x\n\n# y\u202e <b>" + "z" * 500, job={"author": "<script>", "blurb": "[a](http://b)"})
    title = pr_title(data)
    assert "\n" not in title
    assert "\u202e" not in title
    assert len(title) < 200
    assert "<script>" not in pr_text(data)
