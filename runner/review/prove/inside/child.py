"""The program of the cut-off room: runs one script as often as it is told, each time in a process of its own.

`child.py`, then a line of standard input for each run: the path of a JSON file with `script`, `folder`, `report`,
`env`, `data` ({path: role}), `seconds`, `clock`, `gpu`, `ledger` and `own`. It answers `ended CODE` on standard
output. torch is imported once; each run is a fork in which nothing has been computed yet. It lies beside `watch`,
`torch_watch`, `own_watch`, `gpu_stand_ins`, `smoke_child`, `stand_ins` and `pep701`; nothing of golf is imported. A
report is the word of a process in which somebody else's code ran.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
import types
from pathlib import Path
from typing import Any

MOST_MEMORY, MOST_FILE, MOST_PROCESSES = 12 << 30, 64 << 20, 256
MOST_PACKAGES = 12


def main() -> None:
    """`child.py`: serve until standard input ends."""
    orders, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    smoke = importlib.import_module("smoke_child")
    torch = smoke.prepared_torch() if sys.argv[1] else None
    with contextlib.suppress(ImportError):  # once, not in each run
        importlib.import_module("numpy")
    with os.fdopen(orders) as lines:
        for line in lines:
            code = run_apart(line.strip(), torch, (lines.fileno(), answers))
            os.write(answers, f"ended {code}\n".encode())


def run_apart(order: str, torch: Any, ours: tuple[int, ...]) -> int:
    """One run in a fork, killed with all that it started when its time is over; its exit code, -9 where it was."""
    spec = json.loads(Path(order).read_text())
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for number in ours:
                os.close(number)
            run(spec, torch)
        except BaseException:
            with contextlib.suppress(BaseException):
                Path(spec["report"] + ".broken").write_text(traceback.format_exc()[-2000:])
        os._exit(3)
    until = time.monotonic() + float(spec["seconds"])
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            code = -9
            break
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return code


def run(spec: dict[str, Any], torch: Any) -> None:
    """The script as `__main__` in its folder, watched; writes the report and ends this process."""
    for limit, most in (
        (resource.RLIMIT_CPU, int(spec["seconds"]) + 5),
        (resource.RLIMIT_FSIZE, MOST_FILE),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_AS, MOST_MEMORY),
    ):
        resource.setrlimit(limit, (most, most))
    os.chdir(spec["folder"])
    output = os.open(spec["report"] + ".out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = sys.stdout
    os.environ.clear()
    os.environ.update(spec["env"])
    sys.path.insert(0, spec["folder"])
    stand_ins = importlib.import_module("stand_ins")
    finder = stand_ins.install(stand_ins.GPU_ONLY)
    importlib.import_module("smoke_child").read_newer_pythons()
    watch = importlib.import_module("watch").Watch(spec)
    if torch is not None:
        if spec["gpu"]:
            importlib.import_module("gpu_stand_ins").install(torch, finder)
        importlib.import_module("torch_watch").install(torch, watch, spec)
        if spec["own"]:
            importlib.import_module("own_watch").install(torch, watch, spec)
    report = Path(spec["report"])
    with report.open("w") as file:  # opened before the script can wish that it were not
        why = execute(spec["script"], finder, watch)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        watch.quiet = True
        json.dump({"ok": not why, "why_not": why, "stubs": finder.used, **watch.told(spec["folder"])}, file)
    os._exit(0)


def execute(script: str, finder: Any, watch: Any) -> str:
    """Run the script; empty where it came to its end, else why not. Packages that are missing are stood in for."""
    text = Path(script).read_bytes()
    for _ in range(MOST_PACKAGES):
        module = types.ModuleType("__main__")
        module.__file__ = script
        sys.modules["__main__"] = module
        sys.argv = [script]
        watch.start(module)
        try:
            code = builtins.compile(text, script, "exec")
            builtins.exec(code, module.__dict__)
        except ModuleNotFoundError as error:
            first = (error.name or "").partition(".")[0]
            if not first or first in finder.names or first in ("torch", "numpy"):
                return failed(error, script)
            finder.names.add(first)
            continue
        except SystemExit as error:
            return "" if error.code in (None, 0) else failed(error, script)
        except BaseException as error:
            return failed(error, script)
        return ""
    return "it asks for ever more packages"


def failed(error: BaseException, script: str) -> str:
    """The error in a line, and the line of the script that it came through last."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in (script, "<string>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"line {line}: " if line is not None else ""
    return f"{where}{type(error).__name__}: {error}"[:400]


if __name__ == "__main__":
    main()
