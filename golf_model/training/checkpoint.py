"""Checkpoints of a long run: everything that the next step depends on, so that a killed run goes on where it was.

Each process writes its own file (momentum is dealt out among processes); a marker that is written last, by process
0, makes a checkpoint whole. Files are written aside and renamed, the last two checkpoints stay, and reading runs
torch.load with weights_only. A checkpoint belongs to one script, seed and number of processes; others are not
looked at. What a resumed run's clock must count is told by the referee (environment.py), who saw the run die.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from golf_model.process.distributed import World
from golf_model.process.errors import ScriptError
from golf_model.process.files import write_durably

KEPT = 2
MARKER_NAME = "whole.json"


@dataclass(frozen=True)
class Checkpoints:
    """Where the checkpoints of one run lie, and whose they are."""

    folder: Path
    owner: str
    """Hash of script, seed and number of processes."""
    world: World

    def path(self, step: int) -> Path:
        """Folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:09d}"

    def file(self, step: int) -> Path:
        """This process's file of a checkpoint."""
        return self.path(step) / f"rank{self.world.rank}.pt"

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then forget all but the last two; all processes call this together."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        self.path(step).mkdir(parents=True, exist_ok=True)
        write_durably(self.file(step), buffer.getvalue())
        self.world.barrier()
        if self.world.is_main:
            write_durably(self.path(step) / MARKER_NAME, json.dumps({"owner": self.owner, "step": step}).encode())
            for old in self.whole()[:-KEPT]:
                shutil.rmtree(self.path(old), ignore_errors=True)

    def whole(self) -> list[int]:
        """Steps of this run's whole checkpoints, in order."""
        found = []
        for marker in self.folder.glob(f"step-*/{MARKER_NAME}"):
            try:
                note = json.loads(marker.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(note, dict) and note.get("owner") == self.owner and isinstance(note.get("step"), int):
                found.append(note["step"])
        return sorted(found)

    def load_latest(self) -> dict[str, Any] | None:
        """This process's state at the newest whole checkpoint, tensors on the CPU; None where there is none."""
        steps = self.whole()
        if not steps:
            return None
        path = self.file(steps[-1])
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a damaged file provokes in torch's parser
            (path.parent / MARKER_NAME).unlink(missing_ok=True)  # or every further try would end here, too
            raise ScriptError(f"{path}: a damaged checkpoint; the next try goes on from the one before it") from error
        return dict(state)

    def forget(self) -> None:
        """Remove all checkpoints: the run is over."""
        if self.world.is_main:
            shutil.rmtree(self.folder, ignore_errors=True)


def owner_of(script: bytes, seed: int, world_size: int) -> str:
    """What a checkpoint must match to be this run's."""
    return hashlib.sha256(script + f"|seed {seed}|processes {world_size}".encode()).hexdigest()
