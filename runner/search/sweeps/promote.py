"""The best trials as jobs of their own: written out, and run anew on seeds that the sweep has never seen.

What a sweep picked was picked for its luck, too: the mean on fresh seeds is what it is worth, and the difference to
its score in the sweep is told as the winner's curse. Running them is the caller's, who writes records.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from runner.errors import UserError
from runner.files import write_atomic
from runner.job.spec import DataSpec, JobSpec, resolved
from runner.results.record import RecordData
from runner.search.sweeps.facts import Promoted, SweepFacts, TrialFacts
from runner.search.sweeps.file import trial_name
from runner.search.sweeps.folder import SweepFolder, read_about, read_promoted, write_promoted
from runner.untrusted import read_json


def chosen(facts: SweepFacts, count: int, seeds: Sequence[int]) -> list[TrialFacts]:
    """The `count` best trials; UserError where there are fewer, or where a seed is not fresh."""
    used = [seed for seed in seeds if seed in facts.seeds]
    if used:
        listed = ", ".join(map(str, used))
        raise UserError(f"--seeds: the sweep's trials were chosen by seed {listed}; give seeds that it has not seen")
    if len(facts.ranked) < count:
        told = f"{len(facts.ranked)} of its {len(facts.trials)} trials have a score under the cap"
        raise UserError(f"--promote {count}: {Path(facts.folder).name}: {told}")
    return facts.ranked[:count]


def write_jobs(
    folder: SweepFolder, facts: SweepFacts, trials: Sequence[TrialFacts], seeds: Sequence[int]
) -> list[Path]:
    """Write a job file for each trial, and note that it is promoted; the files."""
    about, promoted, paths = read_about(folder), read_promoted(folder), []
    for trial in trials:
        name = f"{facts.name}-best-t{trial.number:04d}"
        path = folder.promoted_job(name)
        write_atomic(path, job_text(folder, about, facts, trial, name, seeds))
        if trial.bpb is not None and not any(_is(one, trial.number, seeds) for one in promoted):
            where = path.relative_to(folder.path).as_posix()
            promoted.append(Promoted(trial=trial.number, sweep_bpb=trial.bpb, job=where, seeds=list(seeds)))
        paths.append(path)
    write_promoted(folder, promoted)
    return paths


def note_record(folder: SweepFolder, number: int, data: RecordData, record: Path) -> Promoted:
    """Store what a promoted trial reached on its seeds."""
    seeds = [int(seed) for seed in data.job["seeds"]]
    scores = {
        str(result.seed): result.final_score.val_bpb
        for result in data.results
        if result.status == "completed" and result.final_score is not None
    }
    promoted = read_promoted(folder)
    noted = next(one for one in reversed(promoted) if one.trial == number)
    done = noted.model_copy(
        update={"seeds": seeds, "scores": scores, "verdict": data.verdict.status, "record": str(record)}
    )
    write_promoted(folder, [done if one is noted else one for one in promoted])
    return done


def _is(one: Promoted, number: int, seeds: Sequence[int]) -> bool:
    return one.trial == number and one.seeds == list(seeds)


def job_text(
    folder: SweepFolder,
    about: Mapping[str, Any],
    facts: SweepFacts,
    trial: TrialFacts,
    name: str,
    seeds: Sequence[int],
) -> str:
    """A promoted trial's job as YAML: what it has other than golf's defaults, on fresh seeds.

    UserError where the trial's job cannot be read.
    """
    stored = read_json(folder.job(trial_name(facts.name, trial.number)), 16 << 20)
    if not isinstance(stored, dict):
        raise UserError(f"{folder.path}: the job of trial {trial.number} is not as golf wrote it; restore it")
    scored = ", ".join(map(str, facts.seeds))
    note = (
        f"Chosen among {len(facts.trials)} trials of the sweep {facts.name} by {trial.bpb:.4f} bpb on seed {scored}; "
        "the seeds here are fresh."
    )
    full = {**stored, **about["judged"], "name": name, "seeds": list(seeds), "notes": [note]}
    base = Path(about["base_file"])
    if base.is_file():
        full["base"] = os.path.relpath(base, folder.promoted_job(name).parent)
    plain = differing(full, _defaults())
    first = ("name", "track", "hardware", "seeds", "base", "notes")
    ordered = {key: plain[key] for key in (*first, *plain) if key in plain}
    head = f"# Trial {trial.number} of the sweep {facts.name}, as golf sweep best wrote it.\n"
    text: str = yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=118, default_flow_style=None)
    return head + text


def _defaults() -> dict[str, Any]:
    data = DataSpec(corpus="asv")
    bare = JobSpec(name="x", track="local", seeds=(1,), data=data)
    whole = {**bare.model_dump(mode="json"), **resolved(bare)}
    return {key: value for key, value in whole.items() if key not in ("name", "track", "seeds", "data")}


def differing(value: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """What of a nested mapping is other than the default; keys that are None and have no default are left out."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        other = default.get(key)
        if isinstance(inner, Mapping) and isinstance(other, Mapping):
            below = differing(inner, other)
            if below:
                found[key] = below
        elif key in default:
            if inner != other:
                found[key] = inner
        elif isinstance(inner, Mapping):
            found[key] = {name: one for name, one in inner.items() if one is not None}
        elif inner is not None:
            found[key] = inner
    return found
