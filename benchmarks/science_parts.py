"""What benchmarks/science.py has found so far, seed by seed, in a folder: written after every score, so that a run
that is killed goes on, and several processes can share the seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.science_models import Trained
from golf_model.training.calibration import Seen


class Parts:
    """Scores of one seed, and its trained weights."""

    def __init__(self, folder: Path, seed: int, settings: Mapping[str, Any]) -> None:
        """settings: what all parts of a folder must have in common; ValueError where a part has others."""
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self.kept = folder / f"seed-{seed}.json", folder / f"seed-{seed}.pt"
        self.found: dict[str, Any] = {"settings": dict(settings), "cpu_seconds": 0.0, "bpb": {}, "bytes": {}}
        if self.file.is_file():
            self.found = json.loads(self.file.read_text(encoding="utf-8"))
            if self.found["settings"] != settings:
                raise ValueError(f"{self.file}: of other settings: {self.found['settings']}; take another folder")
        self.bpb: dict[str, float] = self.found["bpb"]
        self.sizes: dict[str, int] = self.found["bytes"]

    def has(self, arm: str) -> bool:
        """Whether that arm is scored."""
        return arm in self.bpb

    def note(self, arm: str, bpb: float, size: int | None, cpu_seconds: float) -> None:
        """One arm's score, the bytes that it was packed in if any, and the CPU time that it took; on disk at once."""
        self.bpb[arm] = bpb
        if size is not None:
            self.sizes[arm] = size
        self.found["cpu_seconds"] = round(self.found["cpu_seconds"] + cpu_seconds, 1)
        aside = self.file.with_suffix(".aside")
        aside.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        aside.replace(self.file)

    def keep(self, model: Trained) -> None:
        """The weights, for packings that are still to be made."""
        aside = self.kept.with_suffix(".aside")
        seen = (
            None if model.seen is None else {"hessians": dict(model.seen.hessians), "fisher": dict(model.seen.fisher)}
        )
        torch.save({"weights": model.weights, "live": model.live, "averages": model.averages, "seen": seen}, aside)
        aside.replace(self.kept)

    def model(self) -> Trained | None:
        """The weights that were kept."""
        if not self.kept.is_file():
            return None
        kept = torch.load(self.kept, weights_only=True)
        seen = None if kept["seen"] is None else Seen(**kept["seen"])
        return Trained(kept["weights"], kept["live"], kept["averages"], seen)
