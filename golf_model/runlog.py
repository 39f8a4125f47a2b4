"""The log of a run: each line on stdout and in logs/<RUN_ID>.txt, flushed at once, from rank 0 only.

The first lines prove what ran: the script's hash, versions, device and the full configuration.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch

from golf_model.config import GolfConfig


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


def device_name(device: torch.device) -> str:
    """Marketing name of the device, or the CPU's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def log_head(
    log: RunLog, config: GolfConfig, script: bytes, device: torch.device, precision: torch.dtype, *, compiled: bool
) -> None:
    """Write the lines that prove what runs where."""
    log.line(f"script_sha256:{hashlib.sha256(script).hexdigest()} code_bytes:{len(script)}")
    log.line(f"python:{platform.python_version()} torch:{torch.__version__} numpy:{np.__version__}")
    log.line(
        f"device:{device} name:{device_name(device)} precision:{str(precision).removeprefix('torch.')} "
        f"compile:{'on' if compiled else 'off'} threads:{torch.get_num_threads()}"
    )
    log.line(f"config:{json.dumps(asdict(config), separators=(',', ':'))}")
