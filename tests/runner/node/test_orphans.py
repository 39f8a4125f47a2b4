"""Where attempts work: names that leave room for a script's sockets, whoever runs which job."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from runner.node.attempt import run_attempt
from runner.node.messages import ArtifactBytes
from runner.node.orphans import LONGEST_SOCKET, MARKER, _own_group, default_scratch, default_stores, mark, work_folder
from tests.fixtures.fake_script import fake_data
from tests.runner.node.test_attempt import spec_for

USES_SOCKETS = b"""
import multiprocessing, os, tempfile
with multiprocessing.Manager() as manager:
    shared = manager.dict(answer=42)
    where = max((len(os.path.join(folder, name)) for folder, _, names in os.walk(tempfile.gettempdir())
                 for name in names if name.startswith("listener-")), default=0)
    open("final_model.ptz", "w").write(f"{where} {shared['answer']}")
"""
"""Writes how long the path of the manager's socket was, which lies in TMPDIR."""


def test_a_script_of_any_name_and_seed_finds_room_for_its_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        spec = spec_for(USES_SOCKETS, job="a" * 200, seed=2**31 - 1)
        messages = list(run_attempt(spec, lambda: fake_data(tmp_path / "data")))
    (artifact,) = [message for message in messages if isinstance(message, ArtifactBytes)]
    assert artifact.data == b"%d 42" % len(f"{place}/golf-00000000/xxxxxxxx/tmp/pymp-xxxxxxxx/listener-xxxxxxxx")


def test_the_folder_of_work_folders_has_one_length_for_every_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    for uid, name in ((0, "/tmp/golf-00000000"), (1000, "/tmp/golf-000003e8"), (2**32 - 2, "/tmp/golf-fffffffe")):
        monkeypatch.setattr(os, "getuid", lambda uid=uid: uid)
        assert str(default_scratch()) == name


def test_where_the_nodes_temporary_files_lie_too_deep_for_a_socket_work_folders_lie_in_tmp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    below = len("/golf-000003e8/xxxxxxxx/tmp/torch-shm-dir-xxxxxx/pymp-xxxxxxxx/listener-xxxxxxxx")
    most = LONGEST_SOCKET - below
    for length, parent in ((most, "/" + "d" * (most - 1)), (most + 1, "/tmp")):
        monkeypatch.setattr(tempfile, "tempdir", "/" + "d" * (length - 1))
        assert str(default_scratch()) == f"{parent}/golf-000003e8"
        assert default_stores() == Path(tempfile.gettempdir()) / "golf-000003e8", "checkpoints need no short path"


def test_a_work_folders_name_tells_nothing_and_its_mark_says_whose_it_is(tmp_path: Path) -> None:
    with work_folder(tmp_path) as base:
        assert re.fullmatch("[a-z0-9_]{8}", base.name)
        assert mark("fake-seed1", base) == f"fake-seed1-{base.name}"


@pytest.mark.parametrize(("leaders", "alone"), [("none-of-it", False), ("mark", True)])
def test_a_process_group_is_the_attempts_where_its_leader_carries_the_mark(leaders: str, alone: bool) -> None:
    child = f"{MARKER}=mark sleep 60 & echo $!; wait"
    env = {"PATH": os.environ["PATH"], MARKER: leaders}
    command = ["sh", "-c", child]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        marked_one = psutil.Process(int(leader.stdout.readline()))
        while marked_one.environ().get(MARKER) != "mark":
            time.sleep(0.01)
        assert _own_group(marked_one, "mark") is alone
        os.killpg(leader.pid, signal.SIGKILL)
