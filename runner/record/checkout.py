"""A checkout of the challenge's repository: is it one, and a record committed there on a branch of its own.

Nothing of the checkout is touched before every question is answered; if git then refuses, the checkout is as it was.
git runs no program that the checkout names: no hook, monitor, filter or textconv, nothing in submodules; nothing is
fetched. Its own variables in the environment, which could lead elsewhere, are not handed on, and no settings of the
system are read. What the record itself may bring is decided before (runner.record.files.unknown_names).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.printable import printable
from runner.record.files import CHECKSUMS, listed_sums

QUIET = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": "/dev/null",
    "core.sshCommand": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "diff.external": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.autocrlf": "false",  # the hashes are of the bytes as they are
    "core.quotePath": "false",
    "advice.detachedHead": "false",
}
PATIENCE_S = 120.0
RUNS = re.compile(
    r"(?:filter\..*\.(?:clean|smudge|process|required)|(?:diff|merge)\..*\.(?:textconv|command|driver))"
)
"""Settings that name a program by a name of the checkout's own."""


@dataclass(frozen=True)
class Export:
    """What was made."""

    branch: str
    place: Path
    before: str
    """The branch, or the commit, that the checkout stood at."""


def require_checkout(repo: Path, track: str) -> None:
    """UserError unless `repo` is a clean checkout of the challenge's repository. track: a folder below records/."""
    if not repo.is_dir():
        raise UserError(f"--repo {repo}: no such folder; give a checkout of the challenge's repository")
    top = git(repo, "rev-parse", "--show-toplevel", wrong=f"--repo {repo}: is no git checkout")
    if Path(top).resolve() != repo.resolve():
        raise UserError(f"--repo {repo}: lies in the checkout {top}; give that")
    git(repo, "rev-parse", "--verify", "HEAD", wrong=f"--repo {repo}: has no commit")
    # As committed, not as it lies there: a sparse checkout may leave them out.
    held = git(repo, "ls-tree", "--name-only", "HEAD", "train_gpt.py", f"records/{track}").splitlines()
    if sorted(held) != [f"records/{track}", "train_gpt.py"]:
        raise UserError(f"--repo {repo}: no checkout of the challenge: it needs train_gpt.py and records/{track}/")
    lock = Path(git(repo, "rev-parse", "--absolute-git-dir")) / "index.lock"
    if lock.exists():
        raise UserError(
            f"--repo {repo}: {lock} is there: another git is at work, or died; wait for it, or remove that"
        )
    if changed := git(repo, "status", "--porcelain", "--ignore-submodules=all"):
        raise UserError(
            f"--repo {repo}: has changes that are not committed ({changed.splitlines()[0].strip()}); commit or stash "
            "them first"
        )


def export(folder: Path, repo: Path, track: str, title: str, others: Mapping[str, bytes]) -> Export:
    """Copy a record's listed files to records/<track>/ on a new branch and commit them there.

    title: of the commit; others: name -> content of the files that are to be others than the record's. UserError
    where the place or the branch is taken, or git refuses; then the checkout is as it was.
    """
    name = folder.resolve().name
    branch, place = f"golf/{name}", repo / "records" / track / name
    if os.path.lexists(place):
        raise UserError(f"{place}: is there already; remove it, or give the record's folder another name")
    git(repo, "check-ref-format", "--branch", branch, wrong=f"{name}: gives no name for a branch; rename the folder")
    if git(repo, "branch", "--list", branch):
        raise UserError(f"--repo {repo}: has a branch {branch} already; delete it, or look at what it holds")
    before = git(repo, "branch", "--show-current") or git(repo, "rev-parse", "HEAD")
    inside = place.relative_to(repo).as_posix()
    git(repo, "switch", "--quiet", "--create", branch)
    try:
        for file in (*listed_sums(folder), CHECKSUMS):
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            if file in others:
                (place / file).write_bytes(others[file])
            else:
                shutil.copyfile(folder / file, place / file)
        # Where a checkout leaves folders out, git wants to be told that this one is meant.
        sparse = ["--sparse"] if is_set(repo, "core.sparseCheckout") else []
        git(repo, "add", "--force", *sparse, "--", inside)
        require_same_bytes(repo, inside)
        git(repo, "commit", "--quiet", "--message", title)
    except UserError as error:
        left = undo(repo, place, branch, before)
        raise UserError(f"{error}{left}") from None
    except BaseException:
        undo(repo, place, branch, before)
        raise
    return Export(branch, place, before)


def require_same_bytes(repo: Path, inside: str) -> None:
    """UserError where the checkout's attributes would commit other bytes than the record's hashes are of."""
    for entry in git(repo, "ls-files", "--stage", "-z", "--", inside).split("\0"):
        facts, _, path = entry.partition("\t")
        if path and facts.split()[1] != blob_hash(repo / path, len(facts.split()[1])):
            raise UserError(
                f"--repo {repo}: its attributes (.gitattributes, filters) would change {path} on the way into a "
                "commit, and its hash would be wrong; take them off for records/"
            )


def blob_hash(path: Path, digits: int) -> str:
    """What git calls a file's content. digits: of the hashes of its repository, 40 or 64."""
    with path.open("rb") as handle:
        kind = hashlib.sha1(usedforsecurity=False) if digits == 40 else hashlib.sha256()
        kind.update(f"blob {os.fstat(handle.fileno()).st_size}\0".encode())
        while chunk := handle.read(1 << 20):
            kind.update(chunk)
    return kind.hexdigest()


def undo(repo: Path, place: Path, branch: str, before: str) -> str:
    """Bring the checkout back to where it was; what is left to be done by hand, where git does not let us."""
    with suppress(UserError):
        git(repo, "reset", "--quiet", "--", place.relative_to(repo).as_posix())
    shutil.rmtree(place, ignore_errors=True)
    try:
        git(repo, "switch", "--quiet", *(["--detach"] if len(before) == 40 else []), before)
        git(repo, "branch", "--quiet", "--delete", "--force", branch)
    except UserError as error:
        return f". The checkout could not be brought back: go to {before} and delete branch {branch} ({error})"
    return ""


def git(repo: Path, *words: str, wrong: str = "") -> str:
    """What git says; UserError with its own words where it refuses. wrong: what that means."""
    asks = words[0] in ("config", "rev-parse", "check-ref-format")
    done = _run(repo, words, {} if asks else disarmed(repo))
    if done.returncode != 0:
        raise UserError(refusal(repo, words[0], wrong, done.stderr.strip() or done.stdout.strip()))
    return done.stdout.strip("\n")


def disarmed(repo: Path) -> dict[str, str]:
    """Every setting by which the checkout has a name of its own for a program, set to none."""
    listed = _run(repo, ("config", "--list", "--name-only", "-z"), {}).stdout.split("\0")
    found = {name: "" for name in listed if RUNS.fullmatch(name)}
    return {name: "false" if name.endswith(".required") else value for name, value in found.items()}


def _run(repo: Path, words: Sequence[str], also: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """git, to its end. also: further settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Not on the command line: there a name that holds "=" would be taken apart at the wrong place.
    settings = list({**QUIET, **also}.items())
    numbered = {f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(settings)}
    ours = {
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        return subprocess.run(
            ["git", "--no-pager", "-C", str(repo), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE_S,
            env={**kept, **ours, **numbered, "LC_ALL": "C", "LANGUAGE": ""},
        )
    except FileNotFoundError:
        raise UserError("git: not found; install it") from None
    except subprocess.TimeoutExpired:
        raise UserError(
            f"git {words[0]}: did not end within {PATIENCE_S:g} s; it may wait for a passphrase"
        ) from None


def refusal(repo: Path, verb: str, wrong: str, told: str) -> str:
    """Why git refuses, by the lines that it marks as the reason, and what to do where we know it."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("fatal:", "error:", "gpg:"))]
    reason = printable("; ".join(marked) or (lines[-1] if lines else "no reason given"))
    said = f"{wrong or f'git {verb}'}: {reason}"
    if "dubious ownership" in told:
        advice = f"git config --global --add safe.directory {repo.resolve()}"
        return f"--repo {repo}: {reason}. If you trust it: {advice}"
    if "tell me who you are" in told:
        return f"{said}. Say who commits: git -C {repo} config user.name NAME, and user.email likewise"
    if verb == "commit" and is_set(repo, "commit.gpgSign"):
        return f"{said}. Commits are signed there; make that work, or git -C {repo} config commit.gpgSign false"
    return said


def is_set(repo: Path, name: str) -> bool:
    """Whether a yes-or-no setting of the checkout is yes."""
    with suppress(UserError):
        return git(repo, "config", "--type=bool", name) == "true"
    return False
