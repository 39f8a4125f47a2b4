"""Which layer held, as the process that entered it told before the script began; and what a node would allow."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runner.node.isolation.bounds import LAYERS, Bounds
from runner.node.isolation.enter import command_in
from runner.node.isolation.places import SHARED_PLACES, hidden_places, interpreter_places
from runner.results.phases import Isolation

MOST = 4096
TRIAL_S = 30.0
NOT_LINUX = "this system is not Linux"
SILENT = "the process that was to isolate it said nothing"


class Report:
    """The FIFO for one phase: made when this is, and gone when it is closed."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.told = b""
        self.descriptor = -1
        if sys.platform == "linux":
            Path(bounds.report).unlink(missing_ok=True)
            os.mkfifo(bounds.report, 0o600)
            self.descriptor = os.open(bounds.report, os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> Isolation:
        """What held."""
        if self.descriptor < 0:
            return Isolation(layer="none", refused={"namespaces": NOT_LINUX}, network=self.bounds.network)
        with contextlib.suppress(BlockingIOError):
            self.told = os.read(self.descriptor, MOST)
        os.close(self.descriptor)
        Path(self.bounds.report).unlink(missing_ok=True)
        found = _of_lines(self.told.decode("utf-8", "replace").partition("\n\n")[0])
        return found.model_copy(update={"network": self.bounds.network})


def _of_lines(text: str) -> Isolation:
    """What `enter` told, a name and a value a line."""
    told = dict(line.partition(" ")[::2] for line in text.splitlines())
    layer = told.get("layer")
    if layer not in ("namespaces", "landlock", "none"):
        return Isolation(layer="none", refused={"namespaces": SILENT})
    return Isolation(
        layer=layer,
        second_uid=told.get("second_uid") == "1",
        landlock_abi=int(told.get("landlock_abi", "0")),
        refused={name.removeprefix("refused."): why for name, why in told.items() if name.startswith("refused.")},
    )


def trial(layers: Sequence[str] = LAYERS) -> Isolation:
    """What this node allows: a process that does nothing, in the bounds that a phase would have."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name).resolve()
        folder = base / "work"
        folder.mkdir()
        bounds = Bounds(
            hide=[str(path) for path in hidden_places(base)],
            keep=[str(path) for path in interpreter_places()],
            write=[str(folder)],
            private=[str(path) for path in SHARED_PLACES],
            let_pass=[str(base)],
            layers=tuple(layers),
            report=str(base / "layer"),
        )
        return run_within(bounds, [sys.executable, "-I", "-S", "-c", ""], folder)[0]


def run_within(
    bounds: Bounds, command: Sequence[str], folder: Path
) -> tuple[Isolation, subprocess.CompletedProcess[str]]:
    """Run a command within bounds to its end; what held, and how it ended."""
    bounds = bounds.but(report=bounds.report or f"{folder}.layer")
    report = Report(bounds)
    try:
        done = subprocess.run(
            command_in(command, bounds),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRIAL_S,
            check=False,
        )
    finally:
        found = report.close()
    if done.returncode != 0 and found.layer != "none":
        said = (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]
        found = found.model_copy(update={"refused": {**found.refused, "trial": said}})
    return found, done
