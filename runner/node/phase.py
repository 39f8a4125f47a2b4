"""One supervised process of an attempt: its log and events as messages, its clocks and its end as a result.

Starts the supervisor (runner.node.supervise), tails the log that it writes and stamps nothing itself. What the phase
means, and what follows from how it ended, is the attempt's affair.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Any

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
    with_earlier,
)
from runner.node.activity import CpuWatch, GpuWatch
from runner.node.isolate import can_isolate, isolated
from runner.node.messages import Event, GpuSample, Heartbeat, LogChunk, Message, Phase
from runner.node.orphans import MARKER, SUPERVISES, kill_marked
from runner.node.read_watch import watched
from runner.node.sightings import Sightings
from runner.node.supervise import Deadline, Order, order_line
from runner.results import PhaseResult, RunStatus, Segment
from runner.wallclock import WallClock

POLL_S = 0.25
HEARTBEAT_S = 2.0
PIECE = 1 << 20
FRAMES = 1000
"""Frames that are looked at before the log again, and frames that may wait before notes of the log are joined."""
JOINED_S = 0.02
"""Of a log that comes faster than we read, lines within so long are stamped as one."""


class Supervised:
    """A running supervisor: frames come out of a queue, closing its stdin kills everything."""

    def __init__(self, order: Order) -> None:
        supervise = Path(__file__).with_name("supervise.py")
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(supervise)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, SUPERVISES: order.env[MARKER]},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin: IO[bytes] = self.process.stdin
        self.supervisor: int | None = None
        """Its process, once it has said so: the one that we started was only to detach it."""
        self.frames: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        self.stdin.write(order_line(order))
        self.stdin.flush()

    def _read(self, stream: IO[bytes]) -> None:
        held, noted = None, -JOINED_S
        for line in stream:
            if not line.endswith(b"\n"):
                break  # killed while it told this
            frame = json.loads(line)
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
            self.frames.put(frame)
        stream.close()
        if held is not None:
            self.frames.put(held)
        self.frames.put(None)

    def stop(self) -> None:
        """Kill whatever still runs and wait until it is gone."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        if self.supervisor is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor, signal.SIGCONT)  # one that somebody halted would never hear of it
        self.reader.join(timeout=10)
        self.process.wait()


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
    hide: Sequence[Path] | None = None,
    shards: Sequence[Path] = (),
    gpus: bool = False,
    announces: bool = True,
    keep: Sequence[Path] = (),
) -> Generator[Message, None, tuple[PhaseResult, RunStatus, str]]:
    """Run one supervised process; yields its log and events, returns what was seen, how it ended and why.

    journal: where its clock is noted while it lives; earlier: lives that its clocks count as well. watch: takes what
    is seen of somebody else's script, whose clocks the result leaves open. announces: whether there is a pipe for
    events. hide: what the process must not reach, nor the network where the phase is `eval`; None hides nothing.
    keep: what stays where it is in hidden folders. shards: files whose reading is noted. gpus: also tell how busy the
    node's GPUs are.
    """
    log = folder.parent / f"{phase}.log"
    events = folder.parent / f"{phase}.events"
    cut_off = hide is not None and can_isolate(hide, keep)
    order = Order(
        command=isolated(command, hide, keep, network=phase == "train") if cut_off and hide is not None else command,
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
    begun = 0.0
    gpu_watch, cpu_watch, system = GpuWatch() if gpus else None, None, WallClock()
    supervised = Supervised(order)
    try:
        with log.open("rb") as reading, watched(shards, None if watch is None else folder) as files:
            over = more = False
            while not over or more:
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
                            begun = time.monotonic() - frame["t"]
                            if watch is not None:
                                watch.clock.epoch = system.now() - frame["t"]
                                cpu_watch = None if gpus else CpuWatch(frame["supervisor"])
                # One piece a round, so that a script that never falls silent is not read ahead of its clock.
                data = reading.read(PIECE)
                more = len(data) == PIECE
                if data:
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
        supervised.stop()
        for other in (gpu_watch, cpu_watch):
            if other is not None:
                other.stop()
        if not last:
            kill_marked(env[MARKER])
    wall = float(last.get("wall_seconds", time.monotonic() - started))
    reads = files.reads.since(begun)
    if watch is not None:
        assert arrivals is not None
        arrivals.finish()
        official = strict = None
        watch.reads = reads
        watch.writes = {name: round(when - begun, 3) for name, when in files.writes.items()}
        watch.cpu = None if cpu_watch is None else cpu_watch.busy.since(begun)
        busy = None if gpu_watch is None else gpu_watch.activity(begun, begun + wall)
        watch.gpu = None if busy is None else busy.since(begun)
    else:
        official, strict = train_clocks(stamps) if phase == "train" else eval_clocks(stamps, wall)
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
        irregular=irregularity(stamps) if watch is None else "",
        isolated=True if cut_off else None,
        first_train_read=reads.first,
        last_train_read=reads.last,
        reads_watched=files.reads_watched,
        peak_rss_mib=last.get("peak_rss_mib"),
    )
    if not last:
        return result, "lost", "its supervisor was killed"
    if last["survivors"]:
        return result, "failed", f"{last['survivors']} processes could not be killed"
    if last["reason"]:
        return result, "timeout" if last["over_limit"] else "failed", str(last["reason"])
    if result.returncode != 0:
        return result, "failed", f"the {phase} process ended with exit code {result.returncode}"
    return result, "completed", ""
