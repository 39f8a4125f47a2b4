"""One process tree under one watch: started, stamped, limited, and killed to the last grandchild.

Runs as its own process (`python -P supervise.py`) between whoever wants the command run (a Ray worker
or the driver itself) and the command (torchrun). It double-forks, so that Ray's killing of direct children
does not reach it; it is a child subreaper, so that whatever the command leaves behind becomes its child; it
kills everything when its stdin closes, which the operating system does when the other side dies.

It reads one JSON line (`Order`) from stdin, writes the command's output to a file, and one line per happening
("start", "log", "event", "exit", and "beat" each second while it lives) to stdout, each stamped on its own monotonic
clock and signed with the order's key (runner.logs.frames reads them). It knows nothing of models, seeds or Ray.
Python 3.11 with psutil; on systems without prctl (macOS) processes that detach themselves on purpose are found by
their session only.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

TICK_S = 0.1
MEMORY_EVERY_S = 1.0
CHUNK = 1 << 16
MOST_EVENTS = 10_000
"""A script that announces more is killed: somebody keeps each of them."""
LONGEST_EVENT = 4096
BEAT_S = 1.0
"""Between two signs of life."""
LATE_S = 1.0
"""Two looks at output and events that lie further apart: something held us up, so what came meanwhile has no exact
time."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Deadline:
    """Kill when more than `seconds` lie between two happenings; None means process start / process end."""

    seconds: float
    reason: str
    begin: str | None = None
    end: str | None = None
    stops_in_pauses: bool = False
    """Time between the order's two pause events does not count."""


@dataclass(frozen=True)
class Order:
    """What to run and within which bounds."""

    command: list[str]
    cwd: str
    env: dict[str, str]
    log: str
    """File that receives stdout and stderr, appended."""
    events: str | None = None
    """Path at which a FIFO is made; each line `{"event": name}` written to it is stamped."""
    deadlines: list[Deadline] = field(default_factory=list)
    pause: tuple[str, str] | None = None
    """Names of the events that begin and end a pause."""
    journal: str | None = None
    """File in which the clock is noted every `journal_every_s`, whole at any moment, for when all of this dies."""
    journal_every_s: float = 1.0
    stall_seconds: float = 0.0
    """Kill when neither output nor event came for this long; 0 never does."""
    key: str = ""
    """Hex; signs what is told. Without one, lines are plain JSON."""


def order_line(order: Order) -> bytes:
    """The JSON line that starts a supervisor."""
    return json.dumps(asdict(order)).encode() + b"\n"


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _before_exec() -> None:
    """In the child: die with the supervisor, and do not inherit the signals that it ignores."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for name in IGNORED:
        signal.signal(name, signal.SIG_DFL)


def kill_descendants(patience_s: float = 5.0) -> int:
    """SIGKILL every descendant, again and again until none is left; returns how many are (0 unless stuck)."""
    me = psutil.Process()
    give_up = time.monotonic() + patience_s
    while True:
        alive = [child for child in me.children(recursive=True) if _lives(child)]
        for child in alive:
            with contextlib.suppress(psutil.Error):  # gone meanwhile, or another user's now: counted if it stays
                child.kill()
        _reap()
        if not alive or time.monotonic() > give_up:
            return len(alive)
        time.sleep(0.02)


def _lives(child: psutil.Process) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # its own parent collected it while we looked
        return False


def _reap() -> None:
    """Collect dead adopted children so that they do not stay behind as zombies."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def tree_rss_mib() -> float:
    """Resident memory of all descendants together, MiB (shared pages counted in each)."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:
            continue
    return total / 2**20


class Supervisor:
    """The watch over one command; `run` returns after everything it started is gone."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.started = 0.0
        self.last_sign = 0.0
        self.happened: dict[str, float] = {}
        self.partial_event = b""
        self.events = 0
        self.log_bytes = 0
        self.peak_rss = 0.0
        self.over_limit = False
        self.paused = 0.0
        self.pause_began: float | None = None
        self.key = bytes.fromhex(order.key)
        self.told = 0
        self.before = 0.0
        """When the look before the last one began."""
        self.late = self.late_events = 0.0
        """Seconds in which we did not look although something came: any sign, or an event."""

    def note(self, *, over: bool) -> None:
        """Write the journal aside and rename it."""
        if self.order.journal is None:
            return
        path = Path(self.order.journal)
        aside = path.with_name(f".{path.name}.tmp")
        facts = {
            "now": self.now(),
            "paused": self._paused(self.now()),
            "events": self.happened,
            "over": over,
            "late": self.late_events,
        }
        aside.write_text(json.dumps(facts))
        aside.replace(path)

    def now(self) -> float:
        return time.monotonic() - self.started

    def tell(self, kind: str, **facts: Any) -> None:
        """One line to whoever listens; a listener that is gone is treated like a closed stdin."""
        self.told += 1
        body = json.dumps({"kind": kind, "n": self.told, "t": round(self.now(), 4), **facts}).encode()
        if self.key:
            body = hashlib.blake2b(body, key=self.key, digest_size=16).hexdigest().encode() + b" " + body
        sys.stdout.buffer.write(body + b"\n")
        sys.stdout.buffer.flush()

    def beat(self) -> None:
        """A sign of life, unless nobody has taken the last ones yet: to wait for that would hold us up."""
        if select.select([], [sys.stdout], [], 0)[1]:
            self.tell("beat")

    def run(self) -> None:
        self.started = time.monotonic()
        with contextlib.ExitStack() as held, selectors.DefaultSelector() as selector:
            try:
                fifo = self._open_fifo()
                log = held.enter_context(Path(self.order.log).open("ab", buffering=0))
            except OSError as error:
                self._refuse(error)
                return
            self.log_bytes = log.tell()
            self.started = time.monotonic()
            try:
                process = subprocess.Popen(
                    self.order.command,
                    cwd=self.order.cwd,
                    env=self.order.env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_before_exec,
                )
            except OSError as error:
                self._refuse(error)
                return
            assert process.stdout is not None
            self.tell("start", pid=process.pid, supervisor=os.getpid(), began=self.started)
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "stdin")
            selector.register(process.stdout.fileno(), selectors.EVENT_READ, "output")
            if fifo is not None:
                selector.register(fifo, selectors.EVENT_READ, "events")
            reason = ""
            try:
                reason = self._watch(process, selector, log)
            except BrokenPipeError:
                reason = "the listener went away"
            except OSError as error:
                reason = f"could not write the log: {error}"
            finally:
                self.peak_rss = max(self.peak_rss, tree_rss_mib())
                returncode = process.poll()
                survivors = kill_descendants()
                with contextlib.suppress(OSError):  # a full disk must not hide how the command ended
                    self.note(over=True)
            try:
                self._drain(process.stdout.fileno(), fifo, log)
            except OSError as error:
                reason = reason or f"could not write the log: {error}"
        ended = self.happened.get("exit", self.now())
        self.tell(
            "exit",
            returncode=returncode,
            reason=reason,
            over_limit=self.over_limit,
            wall_seconds=round(ended, 4),
            peak_rss_mib=round(self.peak_rss, 1),
            survivors=survivors,
            late_events=round(self.late_events, 3),
            late=round(self.late, 3),
        )

    def _refuse(self, error: OSError) -> None:
        nothing = {"survivors": 0, "wall_seconds": 0.0, "peak_rss_mib": 0.0, "late_events": 0.0, "late": 0.0}
        self.tell("exit", returncode=None, reason=f"could not start: {error}", over_limit=False, **nothing)

    def _open_fifo(self) -> int | None:
        if self.order.events is None:
            return None
        path = Path(self.order.events)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        # Read-write, so that the pipe never reports end-of-file between two writers.
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def _watch(self, process: subprocess.Popen[bytes], selector: selectors.BaseSelector, log: Any) -> str:
        """Serve output, events and stdin until the command ends or must end; returns why it was killed, or ''."""
        next_memory = next_note = next_beat = 0.0
        self.before = self.now()
        while True:
            looked, events, heard = self.now(), self.events, self.last_sign
            for key, _ in selector.select(TICK_S):
                if key.data == "stdin":
                    if not os.read(key.fd, CHUNK):
                        return "cancelled"
                elif key.data == "output":
                    self._copy_output(key.fd, log)
                else:
                    self._read_events(key.fd)
            now = self.now()
            self._note_late(now, events, heard)
            self.before = looked
            if now >= next_beat:
                self.beat()
                next_beat = now + BEAT_S
            if process.poll() is not None:
                self.happened["exit"] = now
                return ""
            if now >= next_memory:
                self.peak_rss = max(self.peak_rss, tree_rss_mib())
                next_memory = now + MEMORY_EVERY_S
            if now >= next_note:
                self.note(over=False)
                next_note = now + self.order.journal_every_s
            reason = self._overdue(now)
            if reason:
                return reason

    def _note_late(self, now: float, events: int, heard: float) -> None:
        """What this look found came at any time since the one before it began. events, heard: before it."""
        if now - self.before > LATE_S and self.last_sign != heard:
            self.late += now - self.before
            self.late_events += now - self.before if self.events != events else 0.0

    def _overdue(self, now: float) -> str:
        for deadline in self.order.deadlines:
            begin = 0.0 if deadline.begin is None else self.happened.get(deadline.begin)
            over = deadline.end is not None and deadline.end in self.happened
            free = self._paused(now) if deadline.stops_in_pauses else 0.0
            if begin is not None and not over and now - begin - free > deadline.seconds:
                self.over_limit = True
                return deadline.reason
        if self.events > MOST_EVENTS:
            return f"announced more than {MOST_EVENTS:,} events"
        if self.order.stall_seconds and now - self.last_sign > self.order.stall_seconds:
            self.over_limit = True
            return f"no output for {self.order.stall_seconds:g} s"
        return ""

    def _paused(self, now: float) -> float:
        return self.paused + (0.0 if self.pause_began is None else now - self.pause_began)

    def _note_pause(self, name: object, stamp: float) -> None:
        begin, end = self.order.pause or ("", "")
        if name == begin and self.pause_began is None:
            self.pause_began = stamp
        elif name == end and self.pause_began is not None:
            self.paused, self.pause_began = self._paused(stamp), None

    def _copy_output(self, descriptor: int, log: Any) -> bool:
        data = os.read(descriptor, CHUNK)
        if data:
            rest = memoryview(data)
            while rest:  # a disk that fills takes a part, and says only at the next part that it is full
                rest = rest[log.write(rest) :]
            self.log_bytes += len(data)
            self.last_sign = self.now()
            self.tell("log", end=self.log_bytes)
        else:
            time.sleep(TICK_S)  # the command closed its output and goes on: do not spin
        return bool(data)

    def _read_events(self, descriptor: int) -> None:
        self.partial_event += os.read(descriptor, CHUNK)
        stamp = self.now()  # after it was read, lest we are halted in between: nothing came later than this
        *lines, self.partial_event = self.partial_event.split(b"\n")
        if len(self.partial_event) > LONGEST_EVENT:
            self.partial_event = b""
        for line in lines:
            try:
                name = json.loads(line)["event"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            if not isinstance(name, str) or len(line) > LONGEST_EVENT:
                continue
            self.events += 1
            if self.events > MOST_EVENTS:
                return
            self.happened.setdefault(name, stamp)
            self._note_pause(name, stamp)
            self.last_sign = stamp
            self.tell("event", name=name, t_event=round(stamp, 6))

    def _drain(self, output: int, fifo: int | None, log: Any) -> None:
        """What was written before the end and not read yet still belongs to the log."""
        events, heard = self.events, self.last_sign
        os.set_blocking(output, False)
        with contextlib.suppress(BlockingIOError):
            while self._copy_output(output, log):
                pass
        if fifo is not None:
            with contextlib.suppress(BlockingIOError):
                self._read_events(fifo)
            os.close(fifo)
        self._note_late(self.now(), events, heard)


def main() -> None:
    """Detach from the parent, take one order from stdin, carry it out."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_DUMPABLE, 0)  # what we supervise is our user's, too: our pipes and memory are none of its business
    for name in IGNORED:
        signal.signal(name, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return  # whoever wanted it died before it had said what
    raw = json.loads(line)
    raw["deadlines"] = [Deadline(**item) for item in raw["deadlines"]]
    try:
        Supervisor(Order(**raw)).run()
        sys.stdout.flush()
    except BrokenPipeError:
        kill_descendants()
        os._exit(0)  # Python would try once more at its end, and complain on the terminal of who killed the driver


if __name__ == "__main__":
    main()
