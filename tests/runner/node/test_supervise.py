"""The supervisor, with real processes: nothing it started outlives it, whatever anybody does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.node.supervise import MOST_EVENTS, Deadline, Order, _lives, order_line
from tests.fixtures.places import ROOT

SUPERVISE = ROOT / "runner" / "node" / "supervise.py"


class Watched:
    """A supervisor under test."""

    def __init__(
        self, folder: Path, program: str, stall: float = 0.0, deadlines: list[Deadline] | None = None
    ) -> None:
        self.folder = folder
        self.marker = f"golf-test-{os.getpid()}-{folder.name}"
        script = folder / "program.py"
        script.write_text(program)
        self.order = Order(
            command=[sys.executable, str(script)],
            cwd=str(folder),
            env={**os.environ, "PYTHONUNBUFFERED": "1", "EVENTS": str(folder / "events"), "MARK": self.marker},
            log=str(folder / "log"),
            events=str(folder / "events"),
            deadlines=deadlines or [],
            stall_seconds=stall,
            journal=str(folder / "journal"),
        )
        self.complaints = folder / "complaints"
        with self.complaints.open("wb") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(SUPERVISE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(order_line(self.order))
        self.process.stdin.flush()

    def frame(self, kind: str) -> dict[str, Any]:
        """The next frame of this kind."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            frame: dict[str, Any] = json.loads(line)
            if frame["kind"] == kind:
                return frame
        raise AssertionError(f"no {kind} frame")

    def wait_for(self, text: str) -> None:
        """Until the log holds `text`."""
        give_up = time.monotonic() + 20
        log = self.folder / "log"
        while not log.exists() or text not in log.read_text():
            assert time.monotonic() < give_up, f"{text!r} never came"
            time.sleep(0.02)

    def wait_for_family(self, size: int) -> None:
        """Until so many processes carry the marker."""
        give_up = time.monotonic() + 20
        while len(self.alive()) != size:
            assert time.monotonic() < give_up, f"{len(self.alive())} processes instead of {size}"
            time.sleep(0.02)

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self.process.wait(timeout=10)

    def alive(self) -> list[int]:
        """Processes that carry this test's marker."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("MARK") == self.marker and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found

    def assert_gone(self, within: float) -> None:
        give_up = time.monotonic() + within
        while self.alive():
            assert time.monotonic() < give_up, f"still alive: {self.alive()}"
            time.sleep(0.02)


Watch = Callable[..., Watched]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Starts supervisors on a program; whatever a test forgets is closed after it."""
    started: list[Watched] = []

    def start(program: str, **options: Any) -> Watched:
        started.append(Watched(tmp_path, program, **options))
        return started[-1]

    yield start
    for watched in started:
        watched.close()


FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:              # a child in a session of its own, as torchrun makes them
    os.setsid()
    if os.fork() == 0:          # whose child is a daemon nobody waits for
        time.sleep(600)
    time.sleep(600)
print("family is up", flush=True)
time.sleep(600)
"""


def test_log_and_exit_code_come_back(watch: Watch, tmp_path: Path) -> None:
    watched = watch("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    end = watched.frame("exit")
    assert end["returncode"] == 7
    assert end["reason"] == ""
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_the_most_memory_that_it_took_is_told_though_none_is_left_at_the_end(watch: Watch) -> None:
    running = watch("import time\nheld = bytearray(64 << 20)\ntime.sleep(1.5)\n")
    assert running.frame("exit")["peak_rss_mib"] > 64


def test_a_supervisor_gives_signs_of_life_while_its_command_says_nothing(watch: Watch) -> None:
    running = watch("import time\ntime.sleep(600)\n")
    assert running.frame("beat")["kind"] == "beat"


def test_events_are_stamped_in_order_of_arrival(watch: Watch, tmp_path: Path) -> None:
    program = """
import os, time
for name in ("train_start", "train_end"):
    with open(os.environ["EVENTS"], "w") as pipe:
        pipe.write('{"event": "%s"}\\n' % name)
    time.sleep(0.3)
"""
    watched = watch(program)
    first, second = watched.frame("event"), watched.frame("event")
    watched.frame("exit")
    assert [first["name"], second["name"]] == ["train_start", "train_end"]
    assert 0.2 <= second["t_event"] - first["t_event"] <= 2.0


def test_what_came_while_the_supervisor_was_halted_has_no_exact_time(watch: Watch, tmp_path: Path) -> None:
    program = """
import os, signal, time
supervisor = os.getppid()
time.sleep(0.3)
os.kill(supervisor, signal.SIGSTOP)
with open(os.environ["EVENTS"], "w") as pipe:
    pipe.write('{"event": "train_start"}\\n')
time.sleep(1.5)
os.kill(supervisor, signal.SIGCONT)
time.sleep(0.3)
with open(os.environ["EVENTS"], "w") as pipe:
    pipe.write('{"event": "train_end"}\\n')
time.sleep(0.3)
"""
    watched = watch(program)
    end = watched.frame("exit")
    assert 1.4 < end["late_events"] < 3.0
    assert end["late"] >= end["late_events"]


def test_closing_stdin_kills_children_grandchildren_and_daemons(watch: Watch, tmp_path: Path) -> None:
    watched = watch(FAMILY)
    watched.wait_for("family is up")
    watched.wait_for_family(3)
    assert watched.process.stdin is not None
    watched.process.stdin.close()
    end = watched.frame("exit")
    assert end["reason"] == "cancelled"
    assert end["survivors"] == 0
    watched.assert_gone(within=0)


def test_what_a_finished_command_leaves_behind_is_killed(watch: Watch, tmp_path: Path) -> None:
    program = FAMILY.rsplit("time.sleep(600)", 1)[0] + "sys.exit(0)"
    watched = watch(program)
    end = watched.frame("exit")
    assert (end["returncode"], end["reason"], end["survivors"]) == (0, "", 0)
    watched.assert_gone(within=0)


def test_a_dead_listener_ends_everything(watch: Watch, tmp_path: Path) -> None:
    watched = watch("import time\nwhile True:\n    print('x'); time.sleep(0.05)")
    supervisor = watched.frame("start")["supervisor"]
    watched.wait_for("x")
    assert watched.process.stdout is not None
    assert watched.process.stdin is not None
    watched.process.stdout.close()
    watched.process.stdin.close()
    watched.assert_gone(within=5)
    give_up = time.monotonic() + 20
    while psutil.pid_exists(supervisor) and psutil.Process(supervisor).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up, "the supervisor is still there"
        time.sleep(0.02)
    assert watched.complaints.read_bytes() == b"", "the terminal of who killed the driver shows it"


def test_killing_the_supervisor_kills_the_command(watch: Watch, tmp_path: Path) -> None:
    watched = watch("import time; print('up'); time.sleep(600)")
    start = watched.frame("start")
    watched.wait_for("up")
    parent = psutil.Process(start["pid"]).ppid()
    os.kill(parent, signal.SIGKILL)
    watched.assert_gone(within=5)


def test_silence_longer_than_allowed_is_a_stall(watch: Watch, tmp_path: Path) -> None:
    watched = watch("import time; print('up'); time.sleep(600)", stall=0.5)
    end = watched.frame("exit")
    assert end["reason"] == "no output for 0.5 s"
    assert end["over_limit"] is True
    journal = json.loads((tmp_path / "journal").read_text())
    assert journal["over"] is True, "whoever reads it later knows that this life has ended"
    watched.assert_gone(within=0)


@pytest.mark.parametrize(
    ("deadline", "killed"),
    [
        (Deadline(0.4, "late", None, "train_start"), True),
        (Deadline(0.4, "late", "train_start", "train_end"), False),
        (Deadline(0.4, "late"), True),
    ],
)
def test_a_deadline_counts_only_between_its_happenings(watch: Watch, deadline: Deadline, killed: bool) -> None:
    watched = watch("import time; time.sleep(1.2)", deadlines=[deadline])
    end = watched.frame("exit")
    assert (end["reason"] == "late") is killed
    assert end["over_limit"] is killed


def test_a_command_that_cannot_start_is_reported(watch: Watch, tmp_path: Path) -> None:
    order = Order([str(tmp_path / "absent")], str(tmp_path), {}, str(tmp_path / "log2"))
    process = subprocess.Popen([sys.executable, "-P", str(SUPERVISE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output, _ = process.communicate(order_line(order), timeout=20)
    end = json.loads(output.splitlines()[-1])
    assert end["kind"] == "exit"
    assert "could not start" in end["reason"]


def test_where_events_cannot_be_taken_the_command_does_not_start_and_that_is_said(
    watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "events").mkdir()
    assert "could not start" in watch("print('started')").frame("exit")["reason"]
    assert not (tmp_path / "log").exists()


def test_a_process_that_its_parent_collects_while_we_look_is_none_that_lives() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        seen = psutil.Process(child.pid)
        assert _lives(seen)
        child.kill()
        child.wait()
        assert not _lives(seen)


def test_binary_noise_and_closed_output_do_not_disturb(watch: Watch, tmp_path: Path) -> None:
    program = "import os, time\nos.write(1, bytes(range(256)) * 4096)\nos.close(1); os.close(2)\ntime.sleep(0.5)"
    watched = watch(program)
    end = watched.frame("exit")
    assert end["returncode"] == 0
    assert (tmp_path / "log").read_bytes() == bytes(range(256)) * 4096


def test_a_disk_that_takes_no_log_ends_the_command_and_says_so(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    watched = watch("import time; print('up'); time.sleep(600)")
    end = watched.frame("exit")
    assert "could not write the log" in end["reason"]
    assert "No space left" in end["reason"]
    watched.assert_gone(within=0)


def test_events_without_end_are_dropped_and_too_many_end_the_command(watch: Watch, tmp_path: Path) -> None:
    program = f"""
import os, time
pipe = os.open(os.environ["EVENTS"], os.O_WRONLY)
for _ in range(3):
    os.write(pipe, b"x" * 60000)
os.write(pipe, b"\\n" + b'{{"event": 7}}\\n' + b'{{"event": "train_start"}}\\n')
for _ in range({MOST_EVENTS} // 100 + 1):
    os.write(pipe, b'{{"event": "again"}}\\n' * 100)
time.sleep(600)
"""
    watched = watch(program)
    assert watched.frame("event")["name"] == "train_start"
    end = watched.frame("exit")
    assert end["reason"] == f"announced more than {MOST_EVENTS:,} events"
    watched.assert_gone(within=0)


@pytest.mark.parametrize("order", [b"", b'{"command": ["sle'])
def test_an_order_that_never_came_whole_is_no_error(order: bytes) -> None:
    done = subprocess.run([sys.executable, "-P", str(SUPERVISE)], input=order, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
