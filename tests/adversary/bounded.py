"""A process that reads one spoiled file after the other, held to a GiB of memory and ten seconds for each.

    python -m tests.adversary.bounded BASE NUMBER

Takes lines `KIND SEED` and answers each with one line of JSON: what golf said, or what went wrong, and the peak of
memory so far. One that ends without an answer was ended by its limits, or brought down what it is written in.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.adversary.attacks import ATTACKS
from tests.adversary.subjects import CASES, World, WrongAccept, answer_to, begin_file

MOST_MEMORY = 1 << 30
"""Bytes beside what the interpreter and what it has imported take."""
PATIENCE_S = 300.0
"""Of the wall clock, on however busy a machine; what hangs takes no processor's time at all."""
REAPED_S = 10.0
"""An end is seen in the output before the system can tell how it came."""
WRONG = ("traceback", "hang", "memory", "wrong accept")


class Hang(BaseException):
    """It took too long."""


@dataclass(frozen=True)
class Outcome:
    """What came of one file."""

    kind: str
    seed: int
    answer: str
    """`refused`, `told`, `taken`, `right`, or one of WRONG."""
    words: str = ""
    peak_mib: float = 0.0


def import_all() -> None:
    """What readers import when they are first called belongs to no file."""
    import runner.audit.audit
    import runner.record.comparison_sources
    import runner.record.rescore_record  # noqa: F401


def limit_memory() -> None:
    """Hold this process to MOST_MEMORY from here on."""
    now = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmSize" in line
    )
    most = (now << 10) + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def peak_mib() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def outcome_of(kind: str, seed: int, ask: Callable[[], str]) -> Outcome:
    """Ask about one file, within the time for one."""
    begin_file()
    try:
        return Outcome(kind, seed, ask())
    except WrongAccept as error:
        return Outcome(kind, seed, "wrong accept", str(error))
    except MemoryError:
        return Outcome(kind, seed, "memory", traceback.format_exc(limit=-4))
    except Hang:
        return Outcome(kind, seed, "hang", traceback.format_exc(limit=-4))
    except Exception:
        return Outcome(kind, seed, "traceback", traceback.format_exc(limit=-6))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Hang


def serve(world: World) -> None:
    """Answer lines of stdin until there are no more."""
    faulthandler.enable()
    import_all()
    signal.signal(signal.SIGPROF, _stop)
    limit_memory()
    before = peak_mib()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        kind, _, number = line.strip().rpartition(" ")
        seed = int(number)
        if kind in CASES:
            found = outcome_of(kind, seed, lambda kind=kind, seed=seed: answer_to(world, kind, seed))  # type: ignore[misc]
        else:
            found = outcome_of(kind, seed, lambda kind=kind: ATTACKS[kind](world))  # type: ignore[misc]
        print(json.dumps({**found.__dict__, "peak_mib": round(peak_mib() - before, 1)}), flush=True)


class Worker:
    """Such a process, started again where it ended without an answer."""

    def __init__(self, base: Path, number: int) -> None:
        self.command = [sys.executable, "-m", "tests.adversary.bounded", str(base), str(number)]
        self.process: subprocess.Popen[str] | None = None

    def ask(self, kind: str, seed: int) -> Outcome:
        """What came of one file."""
        process = self.process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(f"{kind} {seed}\n")
            process.stdin.flush()
            said = self._line(process)
        except BrokenPipeError:  # it ended before it could be asked
            said = ""
        if not said:
            hung = said is None
            self.close(0.0 if hung else REAPED_S)
            words = "no answer" if hung else f"its process ended with {process.returncode}"
            return Outcome(kind, seed, "hang" if hung else "traceback", words)
        found = Outcome(**json.loads(said))
        if found.answer in WRONG or found.peak_mib > MOST_MEMORY / 2**21:
            self.close()  # what it did to its process belongs to no other file
        return found

    def _start(self) -> subprocess.Popen[str]:
        env = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
        )
        self._line(self.process)
        return self.process

    def _line(self, process: subprocess.Popen[str]) -> str | None:
        """Its next line of JSON; '' where it ends without one, None where none comes in time."""
        assert process.stdout is not None
        until = time.monotonic() + PATIENCE_S
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, until - time.monotonic())):
                line = process.stdout.readline()
                if not line or line.startswith("{"):
                    return line
        return None

    def close(self, wait_s: float = 0.0) -> None:
        """End the process; one that has closed its output is given `wait_s` to end by itself."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None


if __name__ == "__main__":
    serve(World(Path(sys.argv[1]), Path(sys.argv[1]) / f"work-{sys.argv[2]}"))
