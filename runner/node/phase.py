"""One supervised process of an attempt: its log and events as messages, its clocks and its end as a result.

Starts the supervisor (runner.node.supervise), tails the log that it writes and stamps nothing itself. What the phase
means, and what follows from how it ended, is the attempt's affair.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from runner.errors import UserError
from runner.logs.arrivals import Arrivals
from runner.logs.clocks import (
    JOURNAL_EVERY_S,
    PAUSE,
    Stamp,
    eval_clocks,
    first_times,
    irregularity,
    paused_in_training,
    train_clocks,
    widened,
    with_earlier,
)
from runner.logs.frames import LONGEST, BadFrame, FrameReader
from runner.node.activity import CpuWatch, GpuWatch
from runner.node.environment import supervisor_environment
from runner.node.isolation.bounds import Bounds
from runner.node.isolation.enter import command_in
from runner.node.isolation.held import Report
from runner.node.messages import Event, GpuSample, Heartbeat, LogChunk, Message, Phase
from runner.node.orphans import MARKER, SUPERVISES, kill_marked, wake_supervisors
from runner.node.read_watch import watched
from runner.node.sightings import Sightings
from runner.node.supervise import Deadline, Order, order_line
from runner.results.frozen import RunStatus
from runner.results.phases import PhaseResult, Segment
from runner.untrusted import opened
from runner.wallclock import WallClock

POLL_S = 0.25
HEARTBEAT_S = 2.0
PIECE = 1 << 20
FRAMES = 1000
"""Frames that are looked at before the log again, and frames that may wait before notes of the log are joined."""
JOINED_S = 0.02
"""Of a log that comes faster than we read, lines within so long are stamped as one."""
SILENT_S, LEAST_SILENT_S, SILENT_SHARE = 60.0, 4.0, 1.5
"""A supervisor gives a sign of life each second. It is lost after so many without one, or after that share of the
job's stall if that is less, yet never before the second figure."""
AWAKE_S = 1.0
"""Two looks further apart than this say that we did not look, and not that it was silent."""
ENDS_S = 10.0
"""A supervisor that does not end within so long after it was told to is killed."""


class Supervised:
    """A running supervisor: frames come out of a queue, closing its stdin kills everything.

    A line that it cannot have written ends the frames: then `bad` says what was wrong, and nothing after it counts.
    """

    def __init__(self, order: Order) -> None:
        supervise = Path(__file__).with_name("supervise.py")
        self.marker = order.env[MARKER]
        key = secrets.token_bytes(32)
        self.lines = FrameReader(key, time.monotonic())
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(supervise), self.marker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=supervisor_environment({SUPERVISES: self.marker}),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin: IO[bytes] = self.process.stdin
        self.supervisor: int | None = None
        """Its process, once it has said so: the one that we started was only to detach it."""
        self.bad = ""
        self.heard = 0
        """Frames so far, signs of life among them."""
        self.frames: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        with contextlib.suppress(BrokenPipeError):  # killed already: its frames end
            self.stdin.write(order_line(replace(order, key=key.hex())))
            self.stdin.flush()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            self._take(stream)
        except BadFrame as error:
            self.bad = f"what its supervisor told cannot be relied on: {error}"
        except OSError as error:
            self.bad = f"its supervisor could not be heard: {error}"
        finally:
            self.frames.put(None)
        with contextlib.suppress(OSError):
            while stream.read(
                LONGEST
            ):  # or a supervisor that still tells something would wait for us, and kill nobody
                continue
            stream.close()

    def _take(self, stream: IO[bytes]) -> None:
        held, noted = None, -JOINED_S
        # One byte more than is allowed: a line that never ends is none.
        while (line := stream.readline(LONGEST + 1)).endswith(b"\n") or len(line) > LONGEST:
            frame = self.lines.take(line, time.monotonic())
            self.heard += 1
            if frame["kind"] == "start":
                self.supervisor = frame["supervisor"]
            if frame["kind"] == "log":
                if self.frames.qsize() > FRAMES and frame["t"] - noted < JOINED_S:
                    held = frame
                    continue
                held, noted = None, frame["t"]
            elif held is not None:
                self.frames.put(held)
                held = None
            if frame["kind"] != "beat":
                self.frames.put(frame)
            if frame["kind"] == "exit":
                return  # whoever else holds the pipe has nothing to tell
        if held is not None:  # killed while it told something
            self.frames.put(held)

    def stop(self) -> None:
        """Kill whatever still runs and wait until it is gone."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        # One that somebody halted would never hear of it.
        if self.supervisor is None:
            wake_supervisors(self.marker)
        elif not self.lines.over:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor, signal.SIGCONT)
        self.reader.join(timeout=ENDS_S)
        if self.reader.is_alive() and self.supervisor is not None and not self.lines.over:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor, signal.SIGKILL)
        self.process.wait()


class Silence:
    """How long a supervisor has given no sign of life while we were awake ourselves."""

    def __init__(self, stall: float) -> None:
        """stall: of the job; 0 for none."""
        self.most = min(SILENT_S, max(LEAST_SILENT_S, SILENT_SHARE * stall)) if stall else SILENT_S
        self.seconds = 0.0
        self.heard = -1
        self.looked = time.monotonic()

    def too_long(self, heard: int) -> bool:
        """Whether it is by now. heard: signs of life so far."""
        now = time.monotonic()
        # Where we were halted ourselves, what it said meanwhile is still to be read.
        self.seconds = 0.0 if heard != self.heard else self.seconds + min(now - self.looked, AWAKE_S)
        self.heard, self.looked = heard, now
        return self.seconds > self.most


def run_phase(
    phase: Phase,
    command: list[str],
    folder: Path,
    env: dict[str, str],
    deadlines: list[Deadline],
    stall: float,
    journal: Path | None = None,
    earlier: Sequence[Segment] = (),
    watch: Sightings | None = None,
    bounds: Bounds | None = None,
    shards: Sequence[Path] = (),
    gpus: bool = False,
    announces: bool = True,
    alive: float | None = None,
) -> Generator[Message, None, tuple[PhaseResult, RunStatus, str]]:
    """Run one supervised process; yields its log and events, returns what was seen, how it ended and why.

    journal: where its clock is noted while it lives; earlier: lives that its clocks count as well. watch: takes what
    is seen of somebody else's script, whose clocks the result leaves open. announces: whether there is a pipe for
    events. bounds: what the process may see and change, as far as the node can hold it to that; None for all.
    shards: files whose reading is noted. gpus: also tell how busy the node's GPUs are. alive: the stall of
    the job where `stall` is another; a supervisor that gives no sign of life for half as long again, or SILENT_S, is
    lost.
    """
    log = folder.parent / f"{phase}.log"
    events = folder.parent / f"{phase}.events"
    order = Order(
        command=command if bounds is None else command_in(command, bounds),
        cwd=str(folder),
        env={
            **env,
            **({"GOLF_EVENTS": str(events)} if announces else {}),
            **({"GOLF_PHASE": phase} if watch is None else {}),
        },
        log=str(log),
        events=str(events) if announces else None,
        deadlines=deadlines,
        pause=PAUSE,
        journal=None if journal is None else str(journal),
        journal_every_s=JOURNAL_EVERY_S,
        stall_seconds=stall,
    )
    log.touch()
    stamps: list[Stamp] = []
    last: dict[str, Any] = {}
    arrivals = Arrivals(watch.clock) if watch is not None else None
    started = beat = time.monotonic()
    begun, logged = 0.0, 0
    gpu_watch, cpu_watch, system = GpuWatch() if gpus else None, None, WallClock()
    report, isolation = None if bounds is None else Report(bounds), None
    supervised = Supervised(order)
    silence, halted = Silence(stall if alive is None else alive), ""
    try:
        with log.open("rb") as reading, watched(shards, None if watch is None else folder) as files:
            over = more = False
            while (not over or more) and not halted:
                with contextlib.suppress(queue.Empty):
                    for number in range(FRAMES):
                        frame = supervised.frames.get(timeout=0 if number or more else POLL_S)
                        if frame is None:
                            over = True
                            break
                        if frame["kind"] == "event":
                            stamps.append((frame["name"], frame["t_event"]))
                            if watch is not None:
                                watch.clock.announce(frame["name"], frame["t_event"])
                            yield Event(phase, frame["name"], frame["t_event"])
                        elif frame["kind"] == "exit":
                            last = frame
                        elif frame["kind"] == "log" and arrivals is not None:
                            arrivals.note(frame["end"], frame["t"])
                        elif frame["kind"] == "start":
                            begun = frame["began"]
                            if watch is not None:
                                watch.clock.epoch = system.now() - (time.monotonic() - begun)
                                cpu_watch = None if gpus else CpuWatch(frame["supervisor"])
                if not over and silence.too_long(supervised.heard):
                    halted = f"its supervisor gave no sign of life for {silence.most:g} s: halted, or out of reach"
                # One piece a round, so that a script that never falls silent is not read ahead of its clock.
                data = reading.read(PIECE)
                more = len(data) == PIECE
                if data:
                    logged += len(data)
                    yield LogChunk(phase, data)
                    beat = time.monotonic()
                if arrivals is not None:
                    arrivals.take(data)
                if watch is not None and system.jumped():
                    watch.clock.epoch = None
                if gpu_watch is not None and (use := gpu_watch.take()) is not None:
                    yield GpuSample(phase, use)
                if time.monotonic() - beat > HEARTBEAT_S:
                    beat = time.monotonic()
                    yield Heartbeat(phase, beat - started)
    finally:
        if supervised.bad:
            time.sleep(POLL_S)  # what the script says of it is worth having
        supervised.stop()
        if supervised.bad or halted:
            last = {}
        if report is not None:
            isolation = report.close()
        for other in (gpu_watch, cpu_watch):
            if other is not None:
                other.stop()
        if not last:
            kill_marked(env[MARKER])
    if not last:
        yield from _rest(phase, log, logged)
    wall = float(last.get("wall_seconds", time.monotonic() - started))
    late = float(last.get("late_events" if watch is None else "late", 0.0))
    reads = files.reads.since(begun)
    if watch is not None:
        assert arrivals is not None
        arrivals.finish()
        official = strict = None
        watch.reads, watch.late = reads, late
        watch.writes = {name: round(when - begun, 3) for name, when in files.writes.items()}
        watch.cpu = None if cpu_watch is None else cpu_watch.busy.since(begun)
        busy = None if gpu_watch is None else gpu_watch.activity(begun, begun + wall)
        watch.gpu = None if busy is None else busy.since(begun)
    else:
        official, strict = train_clocks(stamps) if phase == "train" else eval_clocks(stamps, wall)
        official, strict = widened(official, late), strict if phase == "eval" else widened(strict, late)
    result = PhaseResult(
        phase=phase,
        command=["python", *command[1:]],
        returncode=last.get("returncode"),
        wall_seconds=wall,
        events=first_times(stamps),
        clock=with_earlier(official, [life.clock for life in earlier]) if earlier else official,
        strict_clock=with_earlier(strict, [life.strict_clock for life in earlier]) if earlier else strict,
        earlier=list(earlier),
        paused_seconds=paused_in_training(stamps) if watch is None and phase == "train" else None,
        late_seconds=late,
        irregular=irregularity(stamps) if watch is None else "",
        isolated=True if isolation is not None and isolation.layer == "namespaces" else None,
        isolation=isolation,
        first_train_read=reads.first,
        last_train_read=reads.last,
        reads_watched=files.reads_watched,
        peak_rss_mib=last.get("peak_rss_mib"),
    )
    if not last:
        return result, "lost", supervised.bad or halted or "its supervisor was killed"
    if last["survivors"]:
        return result, "failed", f"{last['survivors']} processes could not be killed"
    if last["reason"]:
        return result, "timeout" if last["over_limit"] else "failed", str(last["reason"])
    if result.returncode != 0:
        return result, "failed", f"the {phase} process ended with exit code {result.returncode}"
    return result, "completed", ""


def _rest(phase: Phase, log: Path, begin: int) -> Iterator[LogChunk]:
    """What a log holds beyond so many bytes: last words of an attempt that was lost."""
    with contextlib.suppress(UserError), opened(log) as reading:
        reading.seek(begin)
        while data := reading.read(PIECE):
            yield LogChunk(phase, data)
