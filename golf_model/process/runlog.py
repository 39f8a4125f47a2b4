"""The log of a run: each line on stdout and in logs/<RUN_ID>.txt, flushed at once, from rank 0 only.

The first lines prove what ran: the script's hash, versions, device, driver, command, the full configuration, and the
hashes of the data.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch

from golf_model.config.golf_config import GolfConfig
from golf_model.process.devices import Abilities, device_name, driver_version

ENDS = 1 << 20
"""Bytes at each end of a shard that go into its digest."""


class RunLog:
    """Writes lines to `stream` and to a file under `folder`; silent where `is_main` is false."""

    def __init__(self, stream: TextIO, folder: Path, run_id: str, *, is_main: bool) -> None:
        self.stream = stream
        self.path = folder / f"{run_id}.txt"
        self.is_main = is_main
        if is_main:
            folder.mkdir(parents=True, exist_ok=True)

    def line(self, text: str) -> None:
        """Write one line."""
        if not self.is_main:
            return
        print(text, file=self.stream, flush=True)
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(text + "\n")


def log_head(log: RunLog, config: GolfConfig, script: bytes, device: torch.device, how: Abilities) -> None:
    """Write the lines that prove what runs where."""
    log.line(f"script_sha256:{hashlib.sha256(script).hexdigest()} code_bytes:{len(script)}")
    log.line(f"python:{platform.python_version()} torch:{torch.__version__} numpy:{np.__version__}")
    log.line(
        f"device:{device} name:{device_name(device)} precision:{str(how.precision).removeprefix('torch.')} "
        f"compile:{'on' if how.compiled else 'off'} threads:{torch.get_num_threads()}"
    )
    log.line(f"driver:{driver_version(device)} system:{platform.system()} {platform.release()}")
    log.line(f"command:{' '.join(sys.orig_argv)}")
    log.line(f"config:{json.dumps(asdict(config), separators=(',', ':'))}")
    for fallback in how.fallbacks:
        log.line(f"fallback:{fallback}")


def log_file(log: RunLog, what: str, path: Path) -> None:
    """Write the name, size and hash of a file that the run depends on."""
    if log.is_main:
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        log.line(f"file:{what} name:{path.name} bytes:{path.stat().st_size} sha256:{digest}")


def log_shards(log: RunLog, what: str, paths: Sequence[Path]) -> None:
    """Write one digest over names, sizes, first and last MiB of many shards: whole hashes would take minutes."""
    if not log.is_main:
        return
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as handle:
            digest.update(handle.read(ENDS))
            handle.seek(max(0, size - ENDS))
            digest.update(handle.read(ENDS))
    log.line(f"shards:{what} files:{len(paths)} sha256_of_ends:{digest.hexdigest()}")
