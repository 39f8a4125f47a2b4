"""The checkout: a record in one commit on a branch of its own, or a refusal that leaves all as it was."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.record.checkout import export, refusal, require_checkout
from tests.fixtures.challenge_repo import TRACK, git, make_repo, state

OTHER_DEVICE = Path("/dev/shm")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "challenge")


def program(place: Path, text: str) -> Path:
    """A program that a shell runs."""
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return place


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_record_lies_whole_in_one_commit_on_a_branch_of_its_own(repo: Path, kept_record: Path) -> None:
    require_checkout(repo, TRACK)
    made = export(kept_record, repo, TRACK, "kept: 1.2 bpb", {})
    assert made.place == repo / "records" / TRACK / kept_record.name
    assert held(made.place) == held(kept_record)
    assert git(repo, "log", "--format=%s", "main..HEAD") == "kept: 1.2 bpb"
    changed = git(repo, "diff", "--name-only", "main", "HEAD").splitlines()
    assert sorted(changed) == [f"records/{TRACK}/{kept_record.name}/{name}" for name in sorted(held(kept_record))]
    assert state(repo)[:2] == (f"golf/{kept_record.name}", "")
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", "HEAD~1")
    assert git(repo, "remote") == ""


def test_files_that_are_to_be_others_are(repo: Path, kept_record: Path) -> None:
    made = export(kept_record, repo, TRACK, "title", {"README.md": b"mine\n"})
    assert held(made.place) == {**held(kept_record), "README.md": b"mine\n"}


def test_no_hook_and_no_monitor_of_the_checkout_is_run(repo: Path, kept_record: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout"):
        program(repo / ".git" / "hooks" / name, f"touch {ran}; exit 1")
    git(repo, "config", "core.fsmonitor", str(program(tmp_path / "bin" / "monitor", f"touch {ran}; exit 1")))
    require_checkout(repo, TRACK)
    export(kept_record, repo, TRACK, "title", {})
    assert not ran.exists()


def test_a_commit_that_cannot_be_signed_says_so_and_leaves_the_checkout_as_it_was(
    repo: Path, kept_record: Path, tmp_path: Path
) -> None:
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "gpg.program", str(program(tmp_path / "bin" / "gpg", "echo 'gpg: no key' >&2; exit 1")))
    before = state(repo)
    with pytest.raises(UserError) as told:
        export(kept_record, repo, TRACK, "title", {})
    assert "error: gpg failed to sign the data; fatal: failed to write commit object" in str(told.value)
    assert "Commits are signed there; make that work, or git -C" in str(told.value)
    assert "config commit.gpgSign false" in str(told.value)
    assert state(repo) == before
    assert not (repo / "records" / TRACK / kept_record.name).exists()


def test_a_disk_that_fails_while_copying_leaves_the_checkout_as_it_was(
    repo: Path, kept_record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, place: Path) -> None:
        raise OSError(28, "No space left on device", str(place))

    before = state(repo)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        export(kept_record, repo, TRACK, "title", {})
    assert state(repo) == before


def test_what_is_left_to_do_by_hand_is_said(repo: Path, kept_record: Path, tmp_path: Path) -> None:
    lock = repo / ".git" / "HEAD.lock"
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "gpg.program", str(program(tmp_path / "bin" / "gpg", f"touch {lock}; exit 1")))
    with pytest.raises(UserError) as told:
        export(kept_record, repo, TRACK, "title", {})
    lock.unlink()
    assert "failed to sign" in str(told.value)
    assert f"go to main and delete branch golf/{kept_record.name}" in str(told.value)


def test_attributes_that_would_change_a_files_bytes_are_refused(repo: Path, kept_record: Path) -> None:
    (repo / ".git" / "info" / "attributes").write_text("results.csv text\n")
    before = state(repo)
    with pytest.raises(UserError, match=rf"would change records/{TRACK}/{kept_record.name}/results.csv on the way"):
        export(kept_record, repo, TRACK, "title", {"results.csv": b"a,b\r\n"})
    assert state(repo) == before


@pytest.mark.parametrize("name", ["up", "a=b.c"])
def test_no_filter_of_the_checkout_is_run_and_the_bytes_are_the_records(
    repo: Path, kept_record: Path, tmp_path: Path, name: str
) -> None:
    ran = tmp_path / "ran"
    (repo / ".gitattributes").write_text(f"* filter={name} diff={name}\n")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-qm", "attributes")
    told = program(tmp_path / "bin" / "up", f"touch {ran}; tr a-z A-Z")
    for kind in ("clean", "smudge", "process"):
        git(repo, "config", f"filter.{name}.{kind}", str(told))
    git(repo, "config", f"filter.{name}.required", "true")
    git(repo, "config", f"diff.{name}.textconv", str(told))
    (repo / ".git" / "info" / "attributes").write_text(f"* filter={name}\n")
    (repo / "train_gpt.py").touch()
    require_checkout(repo, TRACK)
    made = export(kept_record, repo, TRACK, "title", {})
    assert not ran.exists()
    assert held(made.place) == held(kept_record)


def test_settings_of_a_submodule_run_nothing(repo: Path, kept_record: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    inner = make_repo(repo / "inner")
    git(inner, "config", "core.fsmonitor", str(program(tmp_path / "bin" / "monitor", f"touch {ran}; exit 1")))
    git(repo, "add", "inner")
    git(repo, "commit", "-qm", "a repository inside")
    ran.unlink(missing_ok=True)
    require_checkout(repo, TRACK)
    export(kept_record, repo, TRACK, "title", {})
    assert not ran.exists()


def test_line_ends_stay_as_they_are_whatever_the_user_has_set(repo: Path, kept_record: Path) -> None:
    git(repo, "config", "core.autocrlf", "input")
    git(repo, "config", "core.safecrlf", "true")
    export(kept_record, repo, TRACK, "title", {"README.md": b"a\r\nb\r\n"})
    place = f"HEAD:records/{TRACK}/{kept_record.name}/README.md"
    assert git(repo, "cat-file", "-s", place) == "6"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another device than the repository's."""
    if not OTHER_DEVICE.is_dir() or OTHER_DEVICE.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second device here")
    place = Path(tempfile.mkdtemp(prefix="golf-test-", dir=OTHER_DEVICE))
    yield place
    shutil.rmtree(place)


def test_a_worktree_on_another_device_takes_it(repo: Path, kept_record: Path, elsewhere: Path) -> None:
    tree = elsewhere / "tree"
    git(repo, "worktree", "add", "--quiet", "-b", "mine", str(tree))
    require_checkout(tree, TRACK)
    made = export(kept_record, tree, TRACK, "title", {})
    assert held(made.place) == held(kept_record)
    assert state(tree)[:2] == (f"golf/{kept_record.name}", "")
    assert git(repo, "branch", "--show-current") == "main"


def test_a_sparse_checkout_takes_it_though_it_leaves_records_out(repo: Path, kept_record: Path) -> None:
    (repo / "data").mkdir()
    (repo / "data" / "x").touch()
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "data")
    git(repo, "sparse-checkout", "set", "data")
    assert not (repo / "records").exists()
    require_checkout(repo, TRACK)
    made = export(kept_record, repo, TRACK, "title", {})
    assert git(repo, "ls-tree", "--name-only", "HEAD", f"records/{TRACK}/").splitlines() == [
        f"records/{TRACK}/2025-12-01_other",
        f"records/{TRACK}/{made.place.name}",
    ]
    assert state(repo)[1] == ""


@pytest.mark.parametrize("place", ["new.txt", "train_gpt.py"])
def test_a_dirty_checkout_is_refused(repo: Path, place: str) -> None:
    (repo / place).write_text("mine\n")
    with pytest.raises(UserError, match="changes that are not committed"):
        require_checkout(repo, TRACK)


def test_what_is_no_checkout_of_the_challenge_is_refused(repo: Path, tmp_path: Path) -> None:
    for place, told in (
        (tmp_path / "missing", "no such folder"),
        (tmp_path, "is no git checkout: fatal: not a git repository"),
        (repo / "records", "lies in the checkout"),
    ):
        with pytest.raises(UserError, match=told):
            require_checkout(place, TRACK)
    with pytest.raises(UserError, match="no checkout of the challenge"):
        require_checkout(repo, "track_of_others")
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(UserError, match=r"index\.lock is there: another git is at work"):
        require_checkout(repo, TRACK)


def test_a_place_or_a_branch_that_is_taken_is_refused(repo: Path, kept_record: Path) -> None:
    export(kept_record, repo, TRACK, "title", {})
    with pytest.raises(UserError, match="is there already"):
        export(kept_record, repo, TRACK, "title", {})
    git(repo, "switch", "--quiet", "main")
    with pytest.raises(UserError, match=f"has a branch golf/{kept_record.name} already"):
        export(kept_record, repo, TRACK, "title", {})


OWNER = """fatal: detected dubious ownership in repository at '/repo'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /repo"""
OWNER_SAID = (
    "--repo /repo: fatal: detected dubious ownership in repository at '/repo'. If you trust it: "
    "git config --global --add safe.directory /repo"
)
NOBODY = """Author identity unknown

*** Please tell me who you are.

Run

  git config --global user.email "you@example.com"

to set your account's default identity.
Omit --global to set the identity only in this repository.

fatal: unable to auto-detect email address (got 'x@y.(none)')"""
NOBODY_SAID = (
    "git add: fatal: unable to auto-detect email address (got 'x@y.(none)'). Say who commits: "
    "git -C /repo config user.name NAME, and user.email likewise"
)
OUTSIDE = """The following paths and/or pathspecs matched paths that exist
outside of your sparse-checkout definition, so will not be
updated in the index:
records
hint: If you intend to update such entries, try one of the following:
hint: * Disable or modify the sparsity rules."""


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (OWNER, OWNER_SAID),
        (NOBODY, NOBODY_SAID),
        ("warning: a\nerror: b\x1b[31m\nfatal: c\nhint: d", "git add: error: b\ufffd[31m; fatal: c"),
        ("", "git add: no reason given"),
        (OUTSIDE, "git add: hint: * Disable or modify the sparsity rules."),
    ],
)
def test_gits_reason_is_told_and_not_its_last_line(told: str, said: str) -> None:
    assert refusal(Path("/repo"), "add", "", told) == said
