"""What a run takes from its environment, and the refusal of what it does not.

Honoured: SEED, DATA_PATH, TOKENIZER_PATH, RUN_ID, GOLF_PHASE, GOLF_EVENTS, GOLF_CHECKPOINTS,
GOLF_EARLIER_S, GOLF_KEEP (and torchrun's own). Every other variable of the official script is baked into the
configuration; setting one is an error, not silence.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from golf_model.config.official import REFUSED_VARIABLES
from golf_model.process.errors import ScriptError

RunPhase = Literal["", "train", "eval"]


@dataclass(frozen=True)
class RunEnvironment:
    """Everything a run is told by its surroundings."""

    seed: int
    data_path: Path
    """Folder with fineweb_train_*.bin and fineweb_val_*.bin."""
    tokenizer_path: Path
    run_id: str
    """Name of the log file, without ending."""
    phase: RunPhase
    """Empty: train, pack and score in one process."""
    events_path: Path | None
    """FIFO that hears the events."""
    checkpoints: Path | None = None
    """Folder of checkpoints where the configuration makes some; None takes ./checkpoints."""
    earlier_seconds: float = 0.0
    """Training time of this run's earlier lives, by the clock of whoever saw them die."""
    keep: Path | None = None
    """File that what was packed is kept in; None keeps nothing."""


def read_environment(variables: Mapping[str, str]) -> RunEnvironment:
    """Parse the environment; ScriptError names every variable that cannot be used."""
    refused = [name for name in REFUSED_VARIABLES if name in variables]
    if refused:
        raise ScriptError(
            f"this script's configuration is baked in; unset {', '.join(refused)} "
            "(honoured: SEED, DATA_PATH, TOKENIZER_PATH, RUN_ID)"
        )
    seed = variables.get("SEED", "1337")
    if not seed.isascii() or not seed.isdigit() or int(seed) >= 2**32:
        raise ScriptError(f"SEED={seed!r} is not a whole number from 0 to 4294967295")
    phase = variables.get("GOLF_PHASE", "")
    if phase not in ("", "train", "eval"):
        raise ScriptError(f"GOLF_PHASE={phase!r} is none of '', 'train', 'eval'")
    run_id = variables.get("RUN_ID") or str(uuid.uuid4())
    if Path(run_id).name != run_id:
        raise ScriptError(f"RUN_ID={run_id!r} is not a plain file name")
    events = variables.get("GOLF_EVENTS")
    checkpoints = variables.get("GOLF_CHECKPOINTS")
    earlier, keep = variables.get("GOLF_EARLIER_S", "0"), variables.get("GOLF_KEEP")
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", earlier, re.ASCII):
        raise ScriptError(f"GOLF_EARLIER_S={earlier!r} is not a number of seconds")
    return RunEnvironment(
        seed=int(seed),
        data_path=Path(variables.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024")),
        tokenizer_path=Path(variables.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_1024_bpe.model")),
        run_id=run_id,
        phase=cast(RunPhase, phase),
        events_path=Path(events) if events else None,
        checkpoints=Path(checkpoints) if checkpoints else None,
        earlier_seconds=float(earlier),
        keep=Path(keep) if keep else None,
    )
