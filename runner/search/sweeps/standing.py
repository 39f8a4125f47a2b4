"""How a sweep stands, by what lies in its folder: trials, budget, what was spent, whether a driver is at work."""

from __future__ import annotations

from pydantic import ValidationError

from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.folder.runs import driver_of
from runner.search.sweeps.facts import Budget, SweepFacts, TrialFacts
from runner.search.sweeps.folder import SweepFolder, read_about, read_promoted, spent_seconds
from runner.untrusted import read_json


def facts_of(folder: SweepFolder, trials: list[TrialFacts]) -> SweepFacts:
    """A sweep as it stands on disk. trials: of its journal."""
    about, driver = read_about(folder), driver_of(RunFolder(folder.path))
    lives = False if driver is None else driver.lives()
    try:
        return SweepFacts(
            name=about["name"],
            folder=str(folder.path),
            sampler=about["sampler"]["name"],
            pruner=about["pruner"]["name"],
            seeds=about["seeds"],
            space=about["space"],
            trials=trials,
            budget=Budget.model_validate(about["budget"]),
            spent=spent_of(trials, spent_seconds(folder)),
            lives=lives,
            parallel=about["parallel"],
            promoted=read_promoted(folder),
            ended=_ended(folder),
        )
    except (KeyError, TypeError, ValidationError):
        raise UserError(
            f"{folder.about}: is not as golf wrote it; restore it, or move the sweep's folder aside"
        ) from None


def spent_of(trials: list[TrialFacts], seconds: float) -> Budget:
    """What was spent: by the trials that have ended, and by drivers that were at work for so many seconds."""
    priced = [trial.dollars for trial in trials if trial.dollars is not None]
    return Budget(
        trials=len(trials),
        hours=seconds / 3600,
        gpu_hours=sum(trial.gpu_seconds for trial in trials) / 3600,
        dollars=sum(priced) if priced else None,
    )


def _ended(folder: SweepFolder) -> str:
    try:
        return str(read_json(folder.ended, 1 << 16)["reason"]) if folder.ended.exists() else ""
    except (UserError, KeyError, TypeError):
        return ""
