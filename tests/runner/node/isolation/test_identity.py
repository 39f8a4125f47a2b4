"""A second user by itself, where golf is root: what it reaches, what it owns, and why it is not taken elsewhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runner.node.isolation import identity
from runner.node.isolation.bounds import Bounds
from runner.node.isolation.held import run_within
from runner.node.isolation.identity import COUNT, FIRST, own_uid, why_not
from runner.results.phases import Isolation

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it is done on Linux alone"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]
SHELL = "/bin/sh"
"""What every user may run; the interpreter of the tests may lie in root's home."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder that another user reaches, with one that root keeps to itself."""
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755) if folder.owner() == "root" and folder != Path("/tmp") else None
    for name in ("work", "secret"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "file").write_text("content\n")
        (tmp_path / name / "file").chmod(0o600)
    return tmp_path


def bounds_of(base: Path, **changes: object) -> Bounds:
    return Bounds(
        hide=[], keep=[], write=[str(base / "work")], private=[], let_pass=[str(base)], layers=("uid",)
    ).but(**changes)


def told(base: Path, script: str) -> tuple[Isolation, list[str]]:
    """What held, and lines that a shell script prints."""
    held, done = run_within(bounds_of(base), [SHELL, "-c", script], base / "work")
    assert done.stderr == "", done.stderr
    return held, done.stdout.splitlines()


def test_it_is_nobody_else_for_good_and_the_report_says_so(base: Path) -> None:
    held, lines = told(base, "id -u; id -g; id -G; grep -E '^(CapEff|CapPrm|NoNewPrivs)' /proc/self/status")
    assert held == Isolation(
        layer="none", second_uid=True, refused={"namespaces": "not tried", "landlock": "not tried"}
    )
    uid = str(own_uid(""))
    assert lines == [uid, uid, uid, "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"]


def test_it_owns_what_it_may_change_and_reads_nothing_that_root_keeps_to_itself(base: Path) -> None:
    secret = base / "secret" / "file"
    tries = [f"cat {secret}", f"ls {base}/secret", f"touch {base}/made", f"cat /proc/{os.getpid()}/environ"]
    tries += [f"kill -0 {os.getpid()}", f"chown {own_uid('')} {base}", f"chmod 777 {base}"]
    script = "cat file; echo more > new && cat new\n" + "\n".join(
        f"({one}) >/dev/null 2>&1; echo $?" for one in tries
    )
    _, lines = told(base, script)
    assert lines[:2] == ["content", "more"]
    assert "0" not in lines[2:]
    assert len(lines) == 2 + len(tries)
    owner = own_uid("")
    assert {path.stat().st_uid for path in (base / "work", *(base / "work").iterdir())} == {owner}
    assert secret.stat().st_uid == 0
    assert not (base / "made").exists()


def test_it_follows_no_link_to_give_away_what_is_roots(base: Path) -> None:
    (base / "work" / "link").symlink_to(base / "secret" / "file")
    _, lines = told(base, "exec 2>&1; cat link; true")
    assert "content" not in lines
    assert (base / "secret" / "file").stat().st_uid == 0
    assert (base / "work" / "link").lstat().st_uid == own_uid("")


def test_folders_above_may_be_walked_through_and_not_looked_into(base: Path) -> None:
    base.chmod(0o700)
    held, lines = told(base, f"cat file; ls {base} >/dev/null 2>&1 || echo unseen")
    assert held.second_uid
    assert lines == ["content", "unseen"]
    assert stat.S_IMODE(base.stat().st_mode) == 0o711


@pytest.mark.parametrize(
    ("keep", "command", "why"),
    [
        ([], "secret/run", "another user may not run {base}/secret/run"),
        (["secret/file"], SHELL, "another user may not read {base}/secret/file"),
    ],
)
def test_what_it_could_not_run_or_read_is_why_root_stays(base: Path, keep: list[str], command: str, why: str) -> None:
    (base / "secret" / "run").write_bytes(b"#!/bin/sh\nid -u\n")
    (base / "secret" / "run").chmod(0o700)
    bounds = bounds_of(base, keep=[str(base / name) for name in keep])
    held, done = run_within(
        bounds, [str(base / command), *(["-c", "id -u"] if command == SHELL else [])], base / "work"
    )
    assert held.refused["uid"] == why.format(base=base)
    assert (held.second_uid, done.stdout) == (False, "0\n")
    assert (base / "work").stat().st_uid == 0


@pytest.mark.parametrize(
    ("closed", "why"),
    [
        ("nvidia0", "another user may not use {base}/nvidia0"),
        ("nvidia-fs0", ""),
        ("nvidia-uvm-tools", ""),
        ("sda", ""),
    ],
)
def test_a_gpu_that_another_user_may_not_open_is_why_root_stays(
    base: Path, closed: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-fs0", "sda"):
        (base / name).touch()
        (base / name).chmod(0o660 if name == closed else 0o666)
    monkeypatch.setattr(identity, "DEVICES", str(base))
    assert why_not(own_uid(""), [SHELL], bounds_of(base)) == why.format(base=base)


def test_two_attempts_are_two_users_and_cannot_signal_one_another(base: Path) -> None:
    assert own_uid("attempt-1") != own_uid("attempt-2")
    assert {FIRST <= own_uid(str(number)) < FIRST + COUNT for number in range(100)} == {True}
    other = subprocess.Popen(["sleep", "30"], user=own_uid("another"), group=own_uid("another"))
    try:
        _, lines = told(base, f"exec 2>&1; kill {other.pid}; echo $?")
        assert lines[-1] == "1"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_who_is_not_root_is_told_so(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert why_not(FIRST, [SHELL], bounds_of(base)) == "golf is not root"
