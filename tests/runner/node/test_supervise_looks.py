"""What a supervisor and its watches do at each look, to the exact moment: no waiting, time is what a test says."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from runner.logs.spans import Spans
from runner.node import activity, supervise
from runner.node.activity import CpuWatch, GpuUse, GpuWatch
from runner.node.supervise import Deadline, Order, Supervisor
from tests.fixtures.places import ROOT


class Ticking:
    """Shows the next of these times at each question; each sleep is noted."""

    def __init__(self, *times: float) -> None:
        self.times = iter(times)
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return next(self.times)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Looking(Supervisor):
    """A supervisor whose clock goes on by a quarter of a second at each look; notes when it did what."""

    time = 0.0

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.did: dict[str, list[float]] = {"beat": [], "note": [], "select": []}
        self.frames: list[dict[str, Any]] = []

    def now(self) -> float:
        return self.time

    def beat(self) -> None:
        self.did["beat"].append(self.time)

    def note(self, *, over: bool) -> None:
        self.did["note"].append(-self.time if over else self.time)

    def tell(self, kind: str, **facts: Any) -> None:
        self.frames.append({"kind": kind, **facts})

    def select(self, timeout: float) -> list[Any]:
        """As a selector that has nothing to tell."""
        self.did["select"].append(timeout)
        self.time += 0.25
        return []


def test_it_tells_that_it_lives_and_looks_at_memory_once_a_second_and_notes_when_it_is_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = Looking(Order(["true"], "", {}, "", journal_every_s=0.75))
    memory, looks = iter((5.0, 9.0, 7.0, 8.0)), []

    def rss() -> float:
        looks.append(watch.time)
        return next(memory)

    monkeypatch.setattr(supervise, "tree_rss_mib", rss)
    process = SimpleNamespace(poll=lambda: 0 if watch.time >= 3.5 else None)
    assert watch._watch(process, watch, None) == ""  # type: ignore[arg-type]
    assert watch.did["beat"] == [0.25, 1.25, 2.25, 3.25]
    assert looks == [0.25, 1.25, 2.25, 3.25]
    assert watch.did["note"] == [0.25, 1.0, 1.75, 2.5, 3.25]
    assert watch.did["select"] == [0.1] * 14
    assert (watch.peak_rss, watch.happened, watch.before) == (9.0, {"exit": 3.5}, 3.25)


def test_it_notes_its_clock_once_a_second_and_nothing_limits_an_order_that_names_no_limit() -> None:
    assert asdict(Order(["true"], "here", {}, "log")) == {
        "command": ["true"],
        "cwd": "here",
        "env": {},
        "log": "log",
        "events": None,
        "deadlines": [],
        "pause": None,
        "journal": None,
        "journal_every_s": 1.0,
        "stall_seconds": 0.0,
        "key": "",
    }
    assert asdict(Deadline(5.0, "late")) == {
        "seconds": 5.0,
        "reason": "late",
        "begin": None,
        "end": None,
        "stops_in_pauses": False,
    }


def test_ten_thousand_events_are_taken_and_one_more_ends_the_command() -> None:
    watch = Looking(Order(["true"], "", {}, ""))
    watch.events = 10_000
    assert watch._overdue(5.0) == ""
    watch.events = 10_001
    assert (watch._overdue(5.0), watch.over_limit) == ("announced more than 10,000 events", False)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(reading, writing) ends."""
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def event(name: str, size: int) -> bytes:
    """A line of so many bytes, without its end."""
    line = b'{"event": "%s", "x": ""}' % name.encode()
    return line[:-2] + b"x" * (size - len(line)) + line[-2:]


def test_an_event_of_4096_bytes_is_taken_and_a_longer_one_is_not(pipe: tuple[int, int]) -> None:
    watch = Looking(Order(["true"], "", {}, "", pause=("begin", "end")))
    watch.time = 7.0
    os.write(pipe[1], event("a", 4096) + b"\n" + event("b", 4097) + b"\n" + event("begin", 4096))
    watch._read_events(pipe[0])
    assert watch.frames == [{"kind": "event", "name": "a", "t_event": 7.0}]
    assert (watch.events, watch.last_sign, watch.happened, watch.pause_began) == (1, 7.0, {"a": 7.0}, None)
    watch.time = 8.0
    os.write(pipe[1], b"\n" + event("c", 4097))
    watch._read_events(pipe[0])
    assert (watch.events, watch.happened, watch.pause_began) == (2, {"a": 7.0, "begin": 8.0}, 8.0)
    assert watch.partial_event == b""
    watch.events, watch.frames, watch.time = 9_999, [], 9.0
    os.write(pipe[1], b'\n{"event": "d"}\n{"event": "a"}\n{"event": "f"}\n')
    watch._read_events(pipe[0])
    assert [frame["name"] for frame in watch.frames] == ["d"]
    assert (watch.events, watch.happened["a"], watch.happened["d"]) == (10_001, 7.0, 9.0)


class Part(io.BytesIO):
    """A log on a disk that takes three bytes at a time."""

    def write(self, data: Any) -> int:
        return super().write(bytes(data[:3]))


def test_output_is_counted_and_stamped_and_a_closed_one_is_looked_at_ten_times_a_second(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, log, clock = Looking(Order(["true"], "", {}, "")), Part(), Ticking()
    watch.log_bytes, watch.time = 100, 7.0
    os.write(pipe[1], b"ten bytes!")
    assert watch._copy_output(pipe[0], log) is True
    assert (log.getvalue(), watch.log_bytes, watch.last_sign) == (b"ten bytes!", 110, 7.0)
    assert watch.frames == [{"kind": "log", "end": 110}]
    monkeypatch.setattr(supervise, "time", clock)
    with Path(os.devnull).open("rb") as closed:
        watch.time = 8.0
        assert watch._copy_output(closed.fileno(), log) is False
    assert (clock.slept, watch.last_sign, watch.log_bytes) == ([0.1], 7.0, 110)


def test_what_was_not_read_when_the_command_ended_is_read_and_may_have_come_long_ago(
    pipe: tuple[int, int],
) -> None:
    watch, log = Looking(Order(["true"], "", {}, "")), io.BytesIO()
    events, tells = os.pipe()
    os.set_blocking(events, False)
    os.write(pipe[1], b"last words")
    os.write(tells, b'{"event": "train_end"}\n')
    watch.before, watch.time = 2.0, 5.0
    os.set_blocking(pipe[0], False)
    watch._drain(pipe[0], events, log)
    os.close(tells)
    assert (log.getvalue(), watch.happened) == (b"last words", {"train_end": 5.0})
    assert (watch.late, watch.late_events) == (3.0, 3.0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(events)


def test_draining_waits_for_nobody(pipe: tuple[int, int]) -> None:
    read, write = os.pipe()
    os.close(write)
    watch = Looking(Order(["true"], "", {}, ""))
    watch._drain(read, None, io.BytesIO())
    assert os.get_blocking(read) is False
    os.close(read)


class Stuck:
    """A process that no signal ends."""

    killed = 0

    def children(self, *, recursive: bool) -> list[Stuck]:
        assert recursive
        return [self]

    def kill(self) -> None:
        self.killed += 1


def test_what_cannot_be_killed_is_given_up_after_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, clock = Stuck(), Ticking(100.0, 101.0, 105.0, 105.25)
    monkeypatch.setattr(supervise, "psutil", SimpleNamespace(Process=lambda: stuck, Error=psutil.Error))
    monkeypatch.setattr(supervise, "time", clock)
    monkeypatch.setattr(supervise, "_lives", lambda child: True)
    monkeypatch.setattr(supervise, "_reap", lambda: None)
    assert supervise.kill_descendants() == 1
    assert (stuck.killed, clock.slept) == (3, [0.02, 0.02])


def test_memory_is_that_of_all_descendants_in_mebibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise psutil.NoSuchProcess(1)

    sizes = [
        SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=3 * 1_048_576)),
        SimpleNamespace(memory_info=gone),
    ]
    of = SimpleNamespace(children=lambda recursive: [*sizes, sizes[0]] if recursive else [])
    monkeypatch.setattr(supervise, "psutil", SimpleNamespace(Process=lambda: of, Error=psutil.Error))
    assert supervise.tree_rss_mib() == 6.0


def test_a_command_that_cannot_start_took_nothing(tmp_path: Path) -> None:
    watch = Looking(Order([str(tmp_path / "absent")], str(tmp_path), {}, str(tmp_path / "log")))
    watch.run()
    (told,) = watch.frames
    assert told.pop("reason").startswith("could not start: ")
    assert told == {
        "kind": "exit",
        "returncode": None,
        "over_limit": False,
        "survivors": 0,
        "wall_seconds": 0.0,
        "peak_rss_mib": 0.0,
        "late_events": 0.0,
        "late": 0.0,
    }


DETACHED = """
import ctypes, io, json, os, signal, sys
sys.path.insert(0, sys.argv[1])
from runner.node import supervise
os.fork, os.setsid = lambda real=os.fork: 0, lambda: None
sys.stdin = io.TextIOWrapper(io.BytesIO())
supervise.main()
get = ctypes.CDLL(None).prctl
adopts = ctypes.c_int()
get(37, ctypes.byref(adopts))
ignored = [signal.getsignal(one) is signal.SIG_IGN for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
supervise._before_exec()
dies = ctypes.c_int()
get(2, ctypes.byref(dies))
default = [signal.getsignal(one) is signal.SIG_DFL for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
children = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(2)]
for child in children:
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
supervise._reap()
try:
    left = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    left = "none"
print(json.dumps([adopts.value, get(3, 0), ignored, dies.value, default, left]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_supervisor_adopts_hides_and_ignores_and_what_it_starts_dies_with_it_and_ignores_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", DETACHED, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == [1, 0, [True] * 3, signal.SIGKILL, [True] * 3, "none"]


# ---- how busy a GPU is ----


def gpu_watch(monkeypatch: pytest.MonkeyPatch, *times: float, every: float = 15.0) -> GpuWatch:
    """One without a driver and a thread, whose clock shows these times."""
    watch = GpuWatch.__new__(GpuWatch)
    watch.told, watch.busy = Spans(join=2.0), Spans()
    watch.every, watch.taken, watch.latest = every, -every, None
    monkeypatch.setattr(activity, "time", Ticking(*times))
    return watch


def test_a_gpu_is_busy_from_five_percent_on_and_a_sample_is_handed_on_each_fifteen_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = gpu_watch(monkeypatch, 0.0, 14.75, 15.0, 29.75, 30.0)
    found = []
    for rows in (
        [("10", "4"), ("20", "0")],
        [("30", "5"), ("10", "0")],
        [("30", "4"), ("10", "7")],
        [("40", "0")],
        [("N/A", "9"), ("50", "N/A")],
    ):
        watch._sample(rows)
        found.append(watch.take())
    assert found == [GpuUse(20, 0), None, GpuUse(30, 4), None, GpuUse(50, 9)]
    assert (watch.busy.begins, watch.busy.ends) == ([14.75], [15.0])
    assert (watch.told.begins, watch.told.ends) == ([0.0, 14.75, 29.75], [0.0, 15.0, 29.75])


def test_only_our_gpus_are_looked_at_and_lines_of_other_forms_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = gpu_watch(monkeypatch, 1.0, 2.0, every=0.5)
    watch.indices = {"1", "3"}
    assert watch._take(["0, 99, 99", "1, 10, 3", "3, 20", "3, 30, 4", "2, 99, 99", "1, 11, 8", "3, 5, 6"]) is True
    assert watch.latest == GpuUse(11, 6)
    assert (watch.told.ends, watch.busy.begins) == ([2.0], [2.0])
    assert watch._take(["0, 99, 99", "words"]) is False


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (10.0, 21.0, ([10.0, 15.0, 20.0], [11.0, 16.0, 21.0])),
        (9.0, 20.0, ([9.0, 15.0, 20.0], [11.0, 16.0, 20.0])),
        (8.75, 20.0, None),
        (11.0, 22.25, None),
    ],
)
def test_two_seconds_in_which_the_driver_said_nothing_may_have_been_busy(
    monkeypatch: pytest.MonkeyPatch, begin: float, end: float, expected: tuple[list[float], list[float]] | None
) -> None:
    watch = gpu_watch(monkeypatch)
    watch.told.add(11.0, 20.0)
    watch.busy.add(15.0, 16.0)
    found = watch.activity(begin, end)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.begins, found.ends) == expected


def test_a_watch_counts_what_it_is_told_and_hands_on_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(activity, "nvidia_smi", lambda: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    watch = GpuWatch()
    assert (watch.every, watch.taken, watch.indices, watch.told.join) == (15.0, -15.0, None, 2.0)
    waits: list[float] = []
    watch.thread = SimpleNamespace(join=lambda timeout: waits.append(timeout))  # type: ignore[assignment]
    watch.stop()
    assert (waits, watch.over.is_set()) == ([5], True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert GpuWatch().indices == set()


# ---- how busy processes are ----


class Looks:
    """As an event that is set after so many looks."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.left -= 1
        return self.left < 0


class Scripted(CpuWatch):
    """Without a thread; at each look so much was spent, and a process was new or not."""

    def __init__(self, spent: list[float], new: list[bool]) -> None:
        self.busy, self.spent, self.new = Spans(join=0.0), iter(spent), iter(new)
        self.over = Looks(len(spent))  # type: ignore[assignment]

    def _spent(self) -> float:
        return next(self.spent)

    def _find(self) -> bool:
        return next(self.new)


@pytest.mark.parametrize(
    ("spent", "new", "busy"),
    [
        ([0.05, 0.0, 0.0, 0.0], [False, False], ([0.0], [0.25])),
        ([0.0499, 0.0, 0.0499, 0.0], [False, False], ([], [])),
        ([0.0, 0.05, 0.05, 0.0], [False, False], ([0.25], [0.75])),
        ([0.0, 0.0, 0.0, 0.05], [False, False], ([0.75], [1.0])),
        ([0.0, 0.0, 0.0, 0.05], [True, True], ([], [])),
        ([0.0, 0.0, 0.0, 0.2], [True, True], ([0.0], [1.0])),
    ],
)
def test_a_fifth_of_a_core_is_busy_and_what_a_new_process_took_lies_in_the_time_since_the_last_search(
    monkeypatch: pytest.MonkeyPatch, spent: list[float], new: list[bool], busy: tuple[list[float], list[float]]
) -> None:
    watch = Scripted(spent, new)
    monkeypatch.setattr(activity, "time", Ticking(0.0, 0.25, 0.5, 0.75, 1.0))
    watch._run()
    assert (watch.busy.begins, watch.busy.ends) == busy
    assert watch.over.waited == [0.25] * 5  # type: ignore[attr-defined]
    assert list(watch.new) == [], "searched at the start and a second later"


class Process:
    """A process as psutil shows it."""

    def __init__(self, user: float, system: float) -> None:
        self.user, self.system, self.gone = user, system, False

    def cpu_times(self) -> SimpleNamespace:
        if self.gone:
            raise psutil.NoSuchProcess(1)
        return SimpleNamespace(user=self.user, system=self.system)


def test_what_all_processes_spent_since_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Scripted([], [])
    one, two, three = Process(1.0, 0.5), Process(2.0, 0.0), Process(0.25, 0.25)
    family = [one, two]
    root = SimpleNamespace(children=lambda recursive: list(family) if recursive else [])
    monkeypatch.setattr(activity, "psutil", SimpleNamespace(Process=lambda pid: root, Error=psutil.Error))
    watch.root, watch.known = 7, {}
    assert CpuWatch._find(watch) is True
    assert CpuWatch._spent(watch) == 3.5
    assert CpuWatch._find(watch) is False
    one.user, two.gone = 1.75, True
    assert CpuWatch._spent(watch) == 0.75
    family[:] = [one, three]
    assert CpuWatch._find(watch) is True
    assert CpuWatch._spent(watch) == 0.5
    assert set(watch.known) == {one, three}


def test_a_watch_of_processes_ends_within_five_seconds() -> None:
    watch = CpuWatch(os.getpid())
    waits: list[float] = []
    thread = watch.thread
    watch.thread = SimpleNamespace(join=lambda timeout: waits.append(timeout))  # type: ignore[assignment]
    watch.stop()
    assert (waits, watch.over.is_set()) == ([5], True)
    thread.join(timeout=5)
    assert not thread.is_alive()
