"""The parts of an attempt without its processes: what is looked for how often, killed, kept, and said, exactly."""

from __future__ import annotations

import os
import platform
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from runner.job.external_script import OutputsSpec
from runner.lives.checkpoint_store import CheckpointStore
from runner.logs.line_clock import LineClock
from runner.logs.spans import Spans
from runner.node import environment, orphans, work_folder
from runner.node.attempt import (
    checkpoint_variables,
    command_line,
    cpu_name,
    installed_versions,
    nothing_to_resume,
    with_reads,
)
from runner.node.attempt_spec import TORCHRUN
from runner.node.environment import base_environment, handed_on, is_open_proxy, lives_at_home
from runner.node.messages import Finished, KeptBytes, KeptEnded, Remark
from runner.node.orphans import end_halted, kill_marked, marked, wake_supervisors
from runner.node.sightings import Sightings, line_patterns, scored_in_training, scored_result, seen_of, train_result
from runner.node.work_folder import KEPT_NAME, kept_weights, left_behind
from runner.results.frozen import Interval
from runner.results.phases import Segment
from tests.fixtures.results import phase
from tests.runner.node.test_attempt import spec_for

# ---- leftovers, by what psutil shows of them ----


class Leftover:
    """A process with a mark; dies at the kill of this number, 0 for never."""

    def __init__(self, mark: str = "", supervises: str = "", word: str = "", status: str = "running") -> None:
        self.variables = {"GOLF_ATTEMPT": mark, "GOLF_SUPERVISES": supervises}
        self.word, self.pid, self.dies_at = word, 77, 0
        self.states = [status]
        self.done: list[str] = []

    def environ(self) -> dict[str, str]:
        if "dead" in self.done:
            raise psutil.NoSuchProcess(77)
        return self.variables

    def cmdline(self) -> list[str]:
        return ["python", self.word]

    def status(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def kill(self) -> None:
        self.done.append("kill")
        if self.done.count("kill") == self.dies_at:
            self.done.append("dead")

    def resume(self) -> None:
        self.done.append("resume")


class World:
    """psutil and the clock of a machine on which these processes run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *processes: Leftover) -> None:
        self.looks, self.time = 0, 0.0
        self.slept: list[float] = []
        self.processes = processes
        names = {name: getattr(psutil, name) for name in dir(psutil) if name.startswith("STATUS_")}
        shown = SimpleNamespace(
            process_iter=self.iterate, Process=self.find, Error=psutil.Error, NoSuchProcess=psutil.NoSuchProcess,
            AccessDenied=psutil.AccessDenied, **names,
        )  # fmt: skip
        monkeypatch.setattr(orphans, "psutil", shown)
        monkeypatch.setattr(orphans, "time", SimpleNamespace(monotonic=lambda: self.time, sleep=self.sleep))
        monkeypatch.setattr(orphans, "_own_group", lambda process, marker: False)

    def iterate(self) -> list[Leftover]:
        self.looks += 1
        return list(self.processes)

    def find(self, pid: int) -> Leftover:
        if not self.processes:
            raise psutil.NoSuchProcess(pid)
        return self.processes[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += 1.0


def test_nobody_is_left_once_three_looks_in_a_row_found_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Leftover("a-x1"), Leftover("b-x2")
    one.dies_at = 2
    world = World(monkeypatch, one, other)
    kill_marked("x1")
    assert (one.done, other.done) == (["kill", "kill", "dead"], [])
    assert (world.looks, world.slept) == (5, [0.02] * 5)


def test_who_cannot_be_killed_is_looked_for_five_seconds_long(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Leftover("x1")
    world = World(monkeypatch, one)
    kill_marked("x1")
    assert (world.looks, one.done) == (5, ["kill"] * 5)


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        (["stopped", "stopped", "stopped"], True),
        (["tracing-stop", "stopped", "tracing-stop"], True),
        (["stopped", "stopped", "running"], False),
        (["running", "stopped", "stopped"], False),
    ],
)
def test_who_stands_still_at_three_looks_is_ended_and_what_it_left_woken_and_killed(
    monkeypatch: pytest.MonkeyPatch, states: list[str], ended: bool
) -> None:
    halted, supervisor, left = Leftover(), Leftover(supervises="a-x1"), Leftover("a-x1")
    halted.states, left.dies_at = states, 1
    world = World(monkeypatch, halted, supervisor, left)
    assert end_halted(77, "a-x1") is ended
    if ended:
        assert (halted.done, supervisor.done, left.done) == (["kill"], ["resume"], ["kill", "dead"])
        assert world.slept == [0.2, 0.2, 0.0, 0.2] + [0.02] * 4
    else:
        assert (halted.done, supervisor.done, left.done) == ([], [], [])


def test_of_a_process_that_is_gone_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    World(monkeypatch)
    assert end_halted(77, "a-x1") is False


def test_supervisors_are_known_by_their_last_word_or_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    by_word, by_variable, other = (
        Leftover(word="a-x1"),
        Leftover(supervises="b-x1"),
        Leftover("a-x1", "a-x2", "y-x1-"),
    )
    World(monkeypatch, by_word, by_variable, other)
    wake_supervisors("x1")
    assert [one.done for one in (by_word, by_variable, other)] == [["resume"], ["resume"], []]


def test_living_processes_of_a_mark_are_shown_and_none_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    living, dead, other = Leftover("a-x1"), Leftover("a-x1", status=psutil.STATUS_ZOMBIE), Leftover("b-x1")
    World(monkeypatch, living, dead, other)
    assert marked("a-") == [living]
    assert [one.done for one in (living, dead, other)] == [[], [], []]


def test_whose_group_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    own_group = orphans._own_group
    leader = Leftover("a-x1")
    World(monkeypatch, leader)
    monkeypatch.setattr(orphans, "os", SimpleNamespace(getpgid=lambda pid: 5 if pid in (0, 6) else pid))
    assert own_group(SimpleNamespace(pid=6), "x1") is False  # type: ignore[arg-type]
    one: Any = SimpleNamespace(pid=7)
    assert (own_group(one, "x1"), own_group(one, "x2")) == (True, False)
    leader.states = [psutil.STATUS_ZOMBIE]
    assert own_group(one, "x2") is True
    World(monkeypatch)
    assert own_group(one, "x2") is True


def test_work_folders_are_nobody_elses_and_made_with_those_above(tmp_path: Path) -> None:
    scratch = tmp_path / "deep" / "scratch"
    for _ in range(2):
        with orphans.work_folder(scratch) as base:
            assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
            assert [path.name for path in base.iterdir()] == ["lock"]
    assert list(scratch.iterdir()) == []


def test_how_long_a_sockets_path_may_be_and_where_it_lies_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def access(path: str, mode: int) -> bool:
        asked.append(mode)
        return len(asked) == 1

    assert orphans.LONGEST_SOCKET == 107
    monkeypatch.setattr(orphans, "default_stores", lambda: Path("/" + "d" * 99))
    monkeypatch.setattr(os, "access", access)
    assert orphans.default_scratch() == Path("/tmp") / ("d" * 99)
    assert orphans.default_scratch() == Path("/" + "d" * 99)
    assert asked == [os.W_OK | os.X_OK] * 2


# ---- what a script leaves ----


def test_bounds_of_what_is_brought_back() -> None:
    assert work_folder.MAX_ARTIFACT_BYTES == 134_217_728
    assert work_folder.MAX_KEPT_BYTES == 8_589_934_592
    assert work_folder.PIECE_BYTES == 4_194_304
    assert work_folder.MOST_LOOKED_AT == 10_000


def test_weights_of_the_most_bytes_are_kept_and_not_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder, "MAX_KEPT_BYTES", 5)
    monkeypatch.setattr(work_folder, "PIECE_BYTES", 3)
    (tmp_path / KEPT_NAME).write_bytes(b"12345")
    *pieces, end = kept_weights(tmp_path)
    assert pieces == [KeptBytes(b"123"), KeptBytes(b"45")]
    assert isinstance(end, KeptEnded)
    assert end.bytes == 5
    (tmp_path / KEPT_NAME).write_bytes(b"123456")
    (only,) = kept_weights(tmp_path)
    assert only == Remark(f"its weights were not kept: {KEPT_NAME} is no file of at most 5 bytes")


@pytest.mark.parametrize(("most", "uncounted"), [(4, False), (3, True)])
def test_as_many_entries_as_may_be_looked_at_are_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, uncounted: bool
) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/1", "2", "3"):
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr(work_folder, "MOST_LOOKED_AT", most)
    left, _ = left_behind(tmp_path, spec_for(b""))
    assert (left.uncounted, left.more) == (uncounted, 0)
    assert (len(left.files) == 3) is not uncounted


def test_files_of_the_eighth_folder_are_named_and_none_below(tmp_path: Path) -> None:
    eighth = tmp_path.joinpath(*"12345678")
    eighth.mkdir(parents=True)
    (eighth / "x").write_bytes(b"x")
    left, _ = left_behind(tmp_path, spec_for(b""))
    assert ([one.name for one in left.files], left.uncounted, left.more) == (["1/2/3/4/5/6/7/8/x"], False, 0)


def test_of_what_training_left_only_an_empty_lock_stays(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"hidden weights")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "x").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "train", target_is_directory=True)
    work_folder.forget_training(tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("lock", b"")]
    (tmp_path / "lock").unlink()
    (tmp_path / "lock").symlink_to("/dev/null")
    work_folder.forget_training(tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- what an attempt says ----


@pytest.mark.parametrize(
    ("status", "returncode", "nothing"),
    [
        ("completed", 0, True),
        ("failed", 0, False),
        ("failed", 1, False),
        ("failed", 2, True),
        ("failed", 3, True),
        ("failed", 4, False),
        ("failed", -9, False),
        ("failed", None, False),
        ("completed", None, True),
    ],
)
def test_an_end_of_its_own_leaves_nothing_to_go_on_from(status: Any, returncode: int | None, nothing: bool) -> None:
    train = None if returncode is None else phase("train", 1.0, returncode=returncode)
    message = Finished(status, "", train, None, SimpleNamespace())  # type: ignore[arg-type]
    assert nothing_to_resume(message) is nothing


@pytest.mark.parametrize(
    ("watched", "alone", "read", "ours"),
    [
        (True, True, 3.0, True),
        (True, False, None, True),
        (True, False, 3.0, False),
        (False, True, None, False),
    ],
)
def test_readings_count_where_nobody_else_reads_or_nobody_read(
    watched: bool, alone: bool, read: float | None, ours: bool
) -> None:
    train = phase("train", 1.0, reads_watched=watched, last_train_read=read, events={"artifact_frozen": 9.0})
    found = with_reads(train, spec_for(b"", alone=alone))
    assert (found.reads_watched, found.frozen_seconds) == (ours, 9.0)
    watch = Sightings(LineClock(line_patterns(OutputsSpec())), reads=Spans())
    for shared in (False, True):
        seen = seen_of(train, watch, 8.0, alone=alone, shared=shared)
        assert (seen.ours, seen.frozen, seen.gpu) == (ours, 8.0, None)
        assert (seen.reads is watch.reads) is (ours or not shared)


def test_a_resumed_script_is_told_the_most_that_its_earlier_lives_trained(tmp_path: Path) -> None:
    lives = [
        Segment(attempt=1, clock=Interval(low=1.0, high=2.5), strict_clock=Interval(low=1.0, high=9.0)),
        Segment(attempt=2, clock=Interval(low=0.0, high=1.25), strict_clock=Interval(low=1.0, high=9.0)),
    ]
    assert checkpoint_variables(None, lives) == {}
    assert checkpoint_variables(CheckpointStore(tmp_path), lives) == {
        "GOLF_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "GOLF_EARLIER_S": "3.750",
    }


def test_versions_are_those_of_python_the_system_and_what_is_installed() -> None:
    versions = installed_versions(["psutil", "no-such-package"])
    assert versions["python"] == platform.python_version()
    assert versions["platform"] == platform.platform(terse=True)
    assert versions["psutil"] == psutil.__version__
    assert "no-such-package" not in versions


def test_the_command_and_the_processors_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_line(spec_for(b"", launcher=TORCHRUN, nproc=8))[0] == sys.executable
    assert command_line(spec_for(b"", launcher=("-x", "{nproc}"), nproc=8))[1:] == ["-x", "8", "train_gpt.py"]
    monkeypatch.setattr(Path, "read_text", lambda path: "vendor : V\nmodel name\t: A CPU: fast \nmodel name : B\n")
    assert cpu_name() == "A CPU: fast"


# ---- what was seen of somebody else's script ----


def watched_script() -> Sightings:
    """It trained from 1 to 9 s and scored at 14 s."""
    clock = LineClock(line_patterns(OutputsSpec()))
    clock.feed(0.5, "loading")
    clock.feed(1.0, "step:1/9 train_loss:2.0")
    clock.feed(9.0, "step:9/9 train_loss:2.0")
    clock.feed(9.0, "stopping_early: x")
    clock.feed(14.0, "final_int8_zlib_roundtrip_exact val_loss:2.00000000 val_bpb:1.00000000")
    return Sightings(clock, cpu=Spans())


@pytest.mark.parametrize(("frozen", "busy"), [(12.0, 1.5), (9.001, 0.001), (9.0, None), (8.5, None), (None, None)])
def test_how_busy_it_was_between_its_last_line_and_its_artifact(frozen: float | None, busy: float | None) -> None:
    watch = watched_script()
    assert watch.cpu is not None
    watch.cpu.add(8.0, 10.0)
    watch.cpu.add(11.5, 13.0)
    train = phase("train", 8.0, wall_seconds=15.0, busy_after_seconds=None, reads_watched=False)
    found = train_result(train, watch, seen_of(train, watch, frozen, alone=True, shared=False))
    assert (found.busy_after_seconds, found.frozen_seconds, found.over_seconds) == (busy, frozen, 9.0)
    watch.gpu = Spans()
    assert (watch.busy(0.0, 20.0), Sightings(watch.clock).busy(0.0, 20.0)) == (0.0, None)


def test_what_nobody_looked_at_widens_every_clock_of_a_script() -> None:
    watch = watched_script()
    train = phase("train", 8.0, wall_seconds=15.0, reads_watched=False)
    seen = seen_of(train, watch, 12.0, alone=True, shared=False)
    trained = train_result(train, watch, seen)
    assert (trained.clock, trained.strict_clock) == (Interval(low=7.95, high=8.55), Interval(low=7.95, high=9.05))
    scored = scored_in_training(trained, watch, seen)
    assert (scored.wall_seconds, scored.clock) == (6.0, Interval(low=1.95, high=6.05))
    assert scored_in_training(train.model_copy(update={"over_seconds": None}), watch, seen).wall_seconds == 15.0
    fresh = scored_result(train, watch)
    assert (fresh.clock, fresh.strict_clock) == (Interval(low=0.0, high=15.0), Interval(low=15.0, high=15.0))
    watch.late = 1.0
    late = train_result(train, watch, seen)
    assert (late.clock, late.strict_clock) == (Interval(low=6.95, high=9.55), Interval(low=6.95, high=10.05))
    assert scored_in_training(trained, watch, seen).clock == Interval(low=0.95, high=7.05)
    assert scored_result(train, watch).strict_clock == Interval(low=14.0, high=16.0)


# ---- the environment ----


@pytest.mark.parametrize(
    ("port", "good"), [(":0", False), (":1", True), (":65535", True), (":65536", False), ("", True)]
)
def test_a_proxys_port_is_one_that_can_be(port: str, good: bool) -> None:
    assert is_open_proxy(f"http://proxy.example{port}") is good


def test_names_of_proxies_are_written_large_or_small() -> None:
    given = {"Http_Proxy": "http://a:1", "http_proxy": "http://a:1", "ALL_PROXY": "http://a:1", "No_Proxy": "a"}
    assert set(handed_on(given)) == {"http_proxy", "ALL_PROXY", "PATH"}


def test_only_a_script_with_gpus_is_told_how_they_are_counted_and_where_their_driver_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "DRIVER", tmp_path)
    names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH")

    def told(gpus: int) -> list[str | None]:
        return [base_environment(spec_for(b"", gpus=gpus), Path("here"), {}).get(name) for name in names]

    assert (told(0), told(1)) == (["", None, None], [None, "PCI_BUS_ID", None])
    (tmp_path / "libcuda.so.1").touch()
    assert (told(0), told(2)) == (["", None, None], [None, "PCI_BUS_ID", str(tmp_path)])


@pytest.mark.parametrize(
    ("places", "enabled", "home"),
    [
        ({"torch": "/home/me/torch.py", "numpy": "/usr/numpy.py"}, True, True),
        ({"torch": "/usr/torch.py", "psutil": "/home/me/psutil.py"}, True, True),
        ({"torch": "/usr/torch.py", "numpy": "/usr/numpy.py"}, True, False),
        ({"torch": "/home/me/torch.py"}, False, False),
        ({"torch": None}, True, False),
        ({}, True, False),
    ],
)
def test_packages_that_lie_at_home(
    monkeypatch: pytest.MonkeyPatch, places: dict[str, str | None], enabled: bool, home: bool
) -> None:
    def find_spec(name: str) -> SimpleNamespace | None:
        return SimpleNamespace(origin=places[name]) if name in places else None

    monkeypatch.setattr(environment, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=find_spec)))
    site = SimpleNamespace(ENABLE_USER_SITE=enabled, getusersitepackages=lambda: "/home/me")
    monkeypatch.setattr(environment, "site", site)
    assert lives_at_home() is home
