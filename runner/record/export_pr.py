"""`golf export pr`: a passed record on a branch of its own in a checkout of the challenge's repository.

Nothing is pushed, and nothing of the checkout is touched before every question is answered; if git then refuses, the
checkout is as it was. Git's own variables in the environment, which could lead elsewhere, are not handed on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.record.files import CHECKSUMS, listed_sums
from runner.record.folder import Record
from runner.results import Check

TRACKS = {"10min_16mb": "track_10min_16mb", "non_record_16mb": "track_non_record_16mb"}
"""Track -> its folder in the challenge's repository."""


@dataclass(frozen=True)
class Export:
    """What was made."""

    branch: str
    place: Path
    before: str
    """The branch, or the commit, that the checkout stood at."""


def require_passed(record: Record, checks: list[Check]) -> str:
    """The folder of the record's track in the repository; UserError unless it passed and is what it says."""
    data = record.data
    if data.verdict.status != "passed":
        raise UserError(f"{record.folder}: its verdict is {data.verdict.status}; only a passed record is exported")
    if data.track not in TRACKS:
        raise UserError(
            f"{record.folder}: track {data.track} is none of the challenge's, which are {', '.join(TRACKS)}"
        )
    wrong = [check for check in checks if check.status == "fail"]
    if wrong:
        told = "; ".join(f"{check.title} No: {check.measured}" for check in wrong)
        raise UserError(f"{record.folder}: does not verify: {told}. See golf verify {record.folder}")
    return TRACKS[data.track]


def require_checkout(repo: Path, track: str) -> None:
    """UserError unless `repo` is a clean checkout of the challenge's repository."""
    if not repo.is_dir():
        raise UserError(f"--repo {repo}: no such folder; give a checkout of the challenge's repository")
    top = git(repo, "rev-parse", "--show-toplevel", wrong=f"--repo {repo}: is no git checkout")
    if Path(top).resolve() != repo.resolve():
        raise UserError(f"--repo {repo}: lies in the checkout {top}; give that")
    if not (repo / "records" / track).is_dir() or not (repo / "train_gpt.py").is_file():
        raise UserError(f"--repo {repo}: no checkout of the challenge: it needs train_gpt.py and records/{track}/")
    git(repo, "rev-parse", "--verify", "HEAD", wrong=f"--repo {repo}: has no commit")
    if changed := git(repo, "status", "--porcelain"):
        raise UserError(
            f"--repo {repo}: has changes that are not committed ({changed.splitlines()[0].strip()}); commit or stash "
            "them first"
        )


def export(record: Record, repo: Path, track: str, title: str) -> Export:
    """Copy the record to records/<track>/ on a new branch and commit it there. title: of the commit."""
    name = record.folder.resolve().name
    branch, place = f"golf/{name}", repo / "records" / track / name
    if os.path.lexists(place):
        raise UserError(f"{place}: is there already; remove it, or give the record's folder another name")
    git(repo, "check-ref-format", "--branch", branch, wrong=f"{name}: gives no name for a branch; rename the folder")
    if git(repo, "branch", "--list", branch):
        raise UserError(f"--repo {repo}: has a branch {branch} already; delete it, or look at what it holds")
    before = git(repo, "branch", "--show-current") or git(repo, "rev-parse", "HEAD")
    aside = Path(tempfile.mkdtemp(prefix="golf-", dir=Path(git(repo, "rev-parse", "--absolute-git-dir"))))
    try:
        for file in (*listed_sums(record.folder), CHECKSUMS):
            (aside / name / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.folder / file, aside / name / file)
        git(repo, "switch", "--quiet", "--create", branch)
        try:
            (aside / name).rename(place)
            git(repo, "add", "--force", "--", str(place.relative_to(repo)))
            git(repo, "commit", "--quiet", "--message", title)
        except BaseException:
            undo(repo, place, branch, before)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Export(branch, place, before)


def undo(repo: Path, place: Path, branch: str, before: str) -> None:
    """Bring the checkout back to where it was."""
    git(repo, "reset", "--quiet", "--", str(place.relative_to(repo)))
    shutil.rmtree(place, ignore_errors=True)
    git(repo, "switch", "--quiet", *(["--detach"] if len(before) == 40 else []), before)
    git(repo, "branch", "--quiet", "--delete", "--force", branch)


def git(repo: Path, *words: str, wrong: str = "") -> str:
    """What git says; UserError with its own words where it refuses."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(repo), *words], capture_output=True, text=True, check=False, timeout=120, env=kept
        )
    except FileNotFoundError:
        raise UserError("git: not found; install it") from None
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise UserError(f"{wrong or f'git {words[0]}'}: {told}")
    return done.stdout.strip("\n")
