"""The README's section "Results": scores and sizes seed by seed, and what must be said beside them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import pandas as pd

from reports.clock_cells import mean_cell, seed_cell, std_cell
from reports.markdown import Markdown, table
from reports.numbers import fixed
from reports.tables import plain_score
from runner.listing import MOST, few, some
from runner.results.record import RecordData
from runner.results.runs import RunResult

SCORES: dict[str, tuple[str, int]] = {
    "live_val_loss": ("pre-quant loss", 4),
    "live_val_bpb": ("pre-quant bpb", 4),
    "quant_val_loss": ("post-quant loss", 4),
    "quant_val_bpb": ("post-quant bpb", 4),
    "quant_gap_bpb": ("gap bpb", 4),
    "val_loss": ("final loss", 6),
    "val_bpb": ("final bpb", 6),
}
COSTS: dict[str, tuple[str, int]] = {
    "steps": ("steps", 0),
    "step_avg_ms": ("ms/step", 2),
    "train_seconds": ("train s", 2),
    "eval_seconds": ("eval s", 2),
    "artifact_bytes": ("artifact B", 0),
    "total_bytes": ("total B", 0),
    "headroom_bytes": ("headroom B", 0),
    "peak_memory_mib": ("peak MiB", 0),
}
"""Column of the seed table -> its head in the README and how many decimals it shows."""


def scores_table(data: RecordData, seeds: pd.DataFrame, summary: pd.DataFrame) -> Markdown:
    """Losses and bits per byte before and after compression, and as published."""
    return _per_seed(SCORES, data, seeds, summary)


def costs_table(data: RecordData, seeds: pd.DataFrame, summary: pd.DataFrame) -> Markdown:
    """Steps, seconds, bytes and memory."""
    return _per_seed(COSTS, data, seeds, summary)


def _per_seed(
    columns: Mapping[str, tuple[str, int]], data: RecordData, seeds: pd.DataFrame, summary: pd.DataFrame
) -> Markdown:
    """One row per seed, then mean and sample standard deviation."""
    rows: list[list[object]] = [
        [row["seed"], *(seed_cell(row, name, digits, data.limits.get(name)) for name, (_, digits) in columns.items())]
        for row in few(seeds.to_dict("records"))
    ]
    if len(seeds) > MOST:
        least, most = seeds.min(numeric_only=True), seeds.max(numeric_only=True)
        rows.append(["…", *("" for _ in columns)])
        rows += [
            [title, *(seed_cell(found.to_dict(), name, digits) for name, (_, digits) in columns.items())]
            for title, found in (("least", least), ("most", most))
        ]
    means = [mean_cell(summary, name, digits) for name, (_, digits) in columns.items()]
    rows.append([Markdown("**mean**"), *means])
    rows.append([Markdown("**std**"), *(std_cell(summary, name, digits) for name, (_, digits) in columns.items())])
    return table("r" * (len(columns) + 1), ["seed", *(head for head, _ in columns.values())], rows)


NAMELESS = "script"
"""The rule of a score whose line names none (runner.logs.log_facts)."""


def gap_sentence(data: RecordData) -> str:
    """What beside compression the gap holds; empty where nothing does."""
    config = data.job.get("config") or {}
    average = (config.get("average") or {}).get("kind", "off")
    told = []
    if average != "off":
        told.append(
            f"What is stored is an average of the weights ({average}), what was validated before it the live ones: "
            "the gap is what averaging and compression did together."
        )
    if (config.get("qat") or {}).get("active") in ("until_export", "always"):
        told.append("The validation before compression saw the matrices on their grid already.")
    return " ".join(told)


def rule_sentence(data: RecordData) -> str:
    """By which rule the final score was made; empty where nothing was scored."""
    scored = [result for result in data.results if result.final_score is not None]
    rules = list(dict.fromkeys(result.final_score.rule for result in scored if result.final_score))
    if rules == ["plain"]:
        same = all(result.final_score == plain_score(result) for result in scored)
        beside = ", and the same as the post-quant score" if same else ""
        return f"The final score is the plain one: whole sequences side by side{beside}."
    if rules == [NAMELESS]:
        return "The final score is made by the script's own rule, which it does not name."
    return f"The final score is made by the rule {' and '.join(rules)}." if rules else ""


def strict_sentence(seeds: pd.DataFrame) -> str:
    """The strict clocks, in the order of the seeds; empty where none was seen."""
    if len(seeds) > MOST:
        return ""  # a column of results.csv
    phases = {"Training": "strict_train_seconds", "evaluation": "strict_eval_seconds"}
    if seeds[[f"{name}_high" for name in phases.values()]].isna().all(axis=None):
        return ""
    rows = seeds.to_dict("records")
    taken = [
        f"{phase} took {' / '.join(seed_cell(row, name, 2) for row in rows)} s" for phase, name in phases.items()
    ]
    return (
        f"{' and '.join(taken)}, seed by seed, by the strict clock: warm-up and mid-run validation count "
        "as training, the whole process as evaluation."
    )


def narrowed_sentence(results: Sequence[RunResult]) -> str:
    """Whose clocks rest on the script's own word as well, and what the referee saw without it; empty for none."""
    told = [
        f"seed {result.seed}'s {name} from {fixed(seen.low, 2)} to {fixed(seen.high, 2)} s by {phase.narrowed_by}"
        for result in results
        for name, phase in (("training", result.train), ("evaluation", result.eval))
        if phase is not None and (seen := phase.arrival_clock) is not None
    ]
    if not told:
        return ""
    return f"Narrowed by what the script says itself, within what the referee saw arrive: {some(told, '; ')}."


def resumed_sentence(results: Sequence[RunResult]) -> str:
    """Which seeds were killed and went on, and that all their lives count; empty where none was."""
    lives = {result.seed: len(result.train.earlier) + 1 for result in results if result.train is not None}
    resumed = [f"{seed} ({count} lives)" for seed, count in lives.items() if count > 1]
    if not resumed:
        return ""
    return (
        f"Killed and resumed from a checkpoint: seed {some(resumed, ', ')}. The training time counts every life, "
        "work that was lost included."
    )


def scored_apart_sentence(results: Sequence[RunResult]) -> str:
    """Which seeds were trained by one attempt and scored by a later one; empty where none was."""
    apart = [
        f"{result.seed} (trained by attempt {result.training.attempt}, scored by attempt {result.attempt})"
        for result in results
        if result.training is not None
    ]
    if not apart:
        return ""
    return (
        f"Trained once and scored again, because an evaluation came to nothing: seed {some(apart, ', ')}. Training "
        "and its clock are the earlier attempt's, and so are the bytes that were scored."
    )


def idle_sentence(results: Sequence[RunResult]) -> str:
    """How long nodes stood idle between two seeds; empty where no node ran two in a row."""
    stood = [result.idle_seconds for result in results if result.idle_seconds]
    if len(stood) > MOST:
        middle, longest = fixed(statistics.median(stood), 1), fixed(max(stood), 1)
        return (
            f"Between two seeds their node stood idle, {len(stood):,} times: median {middle} s, at most {longest} s."
        )
    idle = [
        f"{fixed(result.idle_seconds, 1)} s before seed {result.seed}" for result in results if result.idle_seconds
    ]
    return f"Between two seeds their node stood idle: {', '.join(idle)}." if idle else ""
