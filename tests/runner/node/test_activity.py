"""How busy GPUs and processes are: drivers that go on telling, that tell once, that do not say all, and none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.logs.spans import Spans
from runner.node import activity
from runner.node.activity import CpuWatch, GpuUse, GpuWatch
from tests.runner.node.test_node_check import fake_smi


def wait_for(happened: Callable[[], object]) -> None:
    give_up = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def taken(watch: GpuWatch) -> GpuUse:
    found: list[GpuUse] = []
    while not found:
        wait_for(lambda: watch.latest)
        found += filter(None, [watch.take()])
    return found[0]


@pytest.mark.parametrize(
    ("lines", "use"),
    [
        (["0, 20480, 97", "1, 30000, 5"], GpuUse(30000, 5)),
        (["0, [N/A], 88"], GpuUse(None, 88)),
        (["0, [N/A], [Insufficient Permissions]"], GpuUse(None, None)),
    ],
)
def test_the_fullest_and_the_least_used_gpu_are_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: list[str], use: GpuUse
) -> None:
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", *lines))
    watch = GpuWatch(every=60)
    assert taken(watch) == use
    assert watch.take() is None
    watch.stop()
    assert not watch.thread.is_alive()


@pytest.mark.parametrize("lines", [None, [], ["No devices were found"]])
def test_without_a_driver_that_tells_anything_nothing_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: list[str] | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path) if lines is None else fake_smi(tmp_path / "bin", *lines))
    watch = GpuWatch(every=0.01)
    watch.thread.join(timeout=20)
    assert not watch.thread.is_alive()
    assert watch.take() is None
    assert watch.activity(0.0, 1.0) is None


def test_a_driver_that_tells_once_is_asked_again_no_sooner_than_it_should_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    (smi := tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\necho >> {asked}\necho 0, 10, 3\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    begun, watch = time.monotonic(), GpuWatch(every=0.2)
    wait_for(lambda: asked.is_file() and len(asked.read_text()) >= 3)
    watch.stop()
    assert len(asked.read_text()) <= 1 + (time.monotonic() - begun) / 0.2


def going_on(folder: Path, *rows: str) -> str:
    """A PATH on which nvidia-smi tells these rows in turn, four times a second, the last one for ever."""
    folder.mkdir(exist_ok=True)
    script = folder / "nvidia-smi"
    body = "".join(f"printf '{row}\\n'; sleep 0.25\n" for row in rows[:-1])
    script.write_text(
        f"#!/bin/sh\necho $$ > {folder}/pid\n{body}while :; do printf '{rows[-1]}\\n'; sleep 0.25; done\n"
    )
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_driver_that_goes_on_telling_shows_when_a_gpu_was_busy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    idle, busy = "0, 10, 0\\n1, 10, 4", "0, 10, 0\\n1, 900, 5"
    monkeypatch.setenv("PATH", going_on(tmp_path / "bin", *[idle] * 4, *[busy] * 4, idle))
    begun = time.monotonic()
    watch = GpuWatch()
    wait_for(lambda: watch.told.last is not None and watch.told.last > begun + 3.0)
    now = time.monotonic()
    found = watch.activity(begun, now)
    assert len(watch.busy.begins) == 1
    assert watch.busy.ends[0] - watch.busy.begins[0] == pytest.approx(0.75, abs=0.4)
    assert found is not None
    # What came before the driver began to tell, and since it last told, is not known to be idle.
    assert found.first == begun
    assert found.last == now
    assert found.seconds(begun, now) < now - begun - 1.0
    assert watch.activity(begun - 60, now) is None
    pid = int((tmp_path / "bin" / "pid").read_text())
    watch.stop()
    assert not watch.thread.is_alive()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def test_a_gpu_that_does_not_say_how_busy_it_is_may_be() -> None:
    watch = GpuWatch.__new__(GpuWatch)
    watch.told, watch.busy = Spans(), Spans()
    watch.every, watch.taken, watch.latest = 15.0, -15.0, None
    watch._take(["0, 10, 0", "1, 10, [N/A]", "0, 10, 0", "1, 10, [N/A]"])
    assert watch.told.first is None
    assert watch.latest == GpuUse(10, 0)


PROGRAM = """
import subprocess, sys, time
time.sleep(1.2)
subprocess.run([sys.executable, "-c", "import time\\nend = time.time() + 1.2\\nwhile time.time() < end: pass"])
time.sleep(1.2)
"""


def test_processes_are_busy_while_they_compute_and_not_while_they_wait() -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM])
    watch, begun = CpuWatch(os.getpid()), time.monotonic()
    process.wait()
    ended = time.monotonic()
    watch.stop()
    assert not watch.thread.is_alive()
    last = watch.busy.last
    assert last is not None
    assert watch.busy.seconds(begun + 0.6, ended) >= 0.4  # the interpreter's own start came before
    assert last <= ended - 0.6


def test_processes_are_looked_for_no_more_often_than_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    find = CpuWatch._find

    def counted(watch: CpuWatch) -> bool:
        looks.append(time.monotonic())
        return find(watch)

    monkeypatch.setattr(activity, "LOOK_S", 0.002)
    monkeypatch.setattr(activity, "TREE_EVERY_S", 0.1)
    monkeypatch.setattr(CpuWatch, "_find", counted)
    begun, watch = time.monotonic(), CpuWatch(os.getpid())
    wait_for(lambda: len(looks) >= 3)
    watch.stop()
    assert len(looks) <= 1 + (time.monotonic() - begun) / 0.1


@pytest.mark.parametrize("busy", [(), ((4.0, 5.0),), ((4.0, 5.0), (6.0, 7.0))])
def test_a_gpu_may_be_busy_while_nobody_tells(busy: tuple[tuple[float, float], ...]) -> None:
    watch = GpuWatch(every=60)
    watch.stop()
    watch.told, watch.busy = Spans(), Spans()
    watch.told.add(1.0, 9.0)
    for begin, end in busy:
        watch.busy.add(begin, end)
    found = watch.activity(0.5, 9.5)
    assert found is not None
    assert [*zip(found.begins, found.ends, strict=True)] == [(0.5, 1.0), *busy, (9.0, 9.5)]


def test_of_a_process_that_is_gone_nothing_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    watch = CpuWatch(process.pid)
    time.sleep(0.6)
    watch.stop()
    assert watch.busy.first is None


def test_a_watch_that_is_stopped_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    watches = (CpuWatch(os.getpid()), GpuWatch(every=0.01))
    for watch in watches:
        watch.stop()
    assert set(threading.enumerate()) <= before
