"""A foreign script that first misbehaves in the way that HOW names, and then does its work as usual."""

from __future__ import annotations

from pathlib import Path

from runner.jobdata import DataRequest
from tests.foreign import SCRIPT
from tests.test_runs import write_foreign_job

BEFORE = r"""
import os as _os, signal as _signal, sys as _sys, time as _time
_how = _os.environ.get("HOW", "")

def _write(data):
    while data:
        data = data[_os.write(1, data):]

if _how == "floods":                     # 200 MB of log
    for _ in range(200):
        _write((b"x" * 999 + b"\n") * 1000)
if _how == "chatters":                   # 100,000 lines a second for three seconds, each by itself
    _begun = _time.monotonic()
    for _number in range(300_000):
        _os.write(1, b"line %d of many\n" % _number)
        if _number % 1000 == 0:
            _time.sleep(max(0.0, _begun + _number / 100_000 - _time.monotonic()))
if _how == "never ends a line":          # 100 MB without a line's end
    for _ in range(100):
        _write(b"step:9/9 train_loss:1.0 train_time:1ms step_avg:1ms" + b"y" * 1_000_000)
    _write(b"\n")
if _how == "makes noise":                # every byte there is, escapes that clear screens and set titles
    _write(bytes(range(256)) * 4096 + b"\n\x1b[2J\x1b]0;owned\x07\x1b[31mred\n")
if _how == "leaves daemons":             # in sessions of their own, deaf to SIGTERM, with the output held open
    for _ in range(3):
        if _os.fork() == 0:
            _os.setsid()
            _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)
            _os.fork()
            _time.sleep(600)
            _os._exit(0)                 # or it would go on with the loop, and with the work below
if _how == "hangs":                      # deaf to everything that can be ignored
    for _number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
        _signal.signal(_number, _signal.SIG_IGN)
    print("about to hang", flush=True)
    _time.sleep(600)
if _how in ("makes noise and fails", "fails"):
    _write(b"last words \x1b[2J\x1b]0;owned\x07 \x9b31m of the script\n" if "noise" in _how else b"last words\n")
    _sys.exit(1)
"""


def write_misbehaving_job(folder: Path, data: DataRequest, how: str, more: str = "", seeds: str = "[1]") -> Path:
    """The job's YAML in `folder`."""
    path = write_foreign_job(folder, data, "odd", seeds, f"env: {{HOW: '{how}', PACE: '0.02'}}\n{more}")
    (folder / "their_train.py").write_text(BEFORE + SCRIPT)
    return path
