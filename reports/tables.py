"""A record's numbers as pandas tables: one row per seed, and n, mean and sample standard deviation over them.

A seed that measured nothing has missing values, never zeros. Column names carry their unit. Here is no layout:
readme.py and summary.py pick columns and format them, results.csv is the seed table as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from runner.results.frozen import Interval
from runner.results.phases import Score
from runner.results.record import RecordData
from runner.results.runs import RunResult
from runner.results.verdicts import Verification

LARGEST = 2**63 - 1
LARGEST_REAL = 1e150


@dataclass(frozen=True)
class SeedRow:
    """What is known of one seed."""

    result: RunResult
    counted: Verification | None
    cap_bytes: int

    @property
    def total_bytes(self) -> int | None:
        """Script plus artifact on the referee's disk, bytes."""
        if self.counted is None or self.counted.artifact_bytes is None:
            return None
        return self.counted.code_bytes + self.counted.artifact_bytes


def official(name: str) -> Callable[[SeedRow], Interval | None]:
    """The limited time of the phase of that name as the referee knows it."""
    return lambda row: phase.clock if (phase := getattr(row.result, name)) is not None else None


def strict(name: str) -> Callable[[SeedRow], Interval | None]:
    """The same by the strict clock."""
    return lambda row: phase.strict_clock if (phase := getattr(row.result, name)) is not None else None


CLOCKS: dict[str, Callable[[SeedRow], Interval | None]] = {
    "train_seconds": official("train"),
    "eval_seconds": official("eval"),
    "strict_train_seconds": strict("train"),
    "strict_eval_seconds": strict("eval"),
}
"""Durations that may be known as an interval only: beside the column itself stand `_low` and `_high`."""
EXACT_S = 0.5
"""An interval that is no wider counts as a measured number, its upper end; of a wider one there is no number."""


def measured(interval: Interval | None) -> float | None:
    """A duration as one number, where it is known well enough for that."""
    return None if interval is None or not interval.high - interval.low <= EXACT_S else interval.high


def _number(clock: Callable[[SeedRow], Interval | None]) -> Callable[[SeedRow], float | None]:
    return lambda row: measured(clock(row))


def _end(clock: Callable[[SeedRow], Interval | None], end: str) -> Callable[[SeedRow], float | None]:
    return lambda row: None if (interval := clock(row)) is None else float(getattr(interval, end))


def plain_score(result: RunResult) -> Score | None:
    """The compressed weights' score without a sliding window, from the fresh process where there is one."""
    scores = (result.eval_score, result.train_score)
    return next((score for score in scores if score is not None and score.rule == "plain"), None)


def quantisation_gap(result: RunResult) -> float | None:
    """Bits per byte that compression cost: the same plain score after it and before it."""
    after, before = plain_score(result), result.log.live_val_bpb
    return None if after is None or before is None else after.val_bpb - before


WHOLE: dict[str, Callable[[SeedRow], int | None]] = {
    "steps": lambda row: row.result.log.steps,
    "code_bytes": lambda row: row.counted.code_bytes if row.counted else None,
    "artifact_bytes": lambda row: row.counted.artifact_bytes if row.counted else None,
    "total_bytes": lambda row: row.total_bytes,
    "headroom_bytes": lambda row: None if row.total_bytes is None else row.cap_bytes - row.total_bytes,
    "peak_memory_mib": lambda row: row.result.log.peak_memory_mib,
}
REAL: dict[str, Callable[[SeedRow], float | None]] = {
    "step_avg_ms": lambda row: row.result.log.step_avg_ms,
    "live_val_loss": lambda row: row.result.log.live_val_loss,
    "live_val_bpb": lambda row: row.result.log.live_val_bpb,
    "quant_val_loss": lambda row: score.val_loss if (score := plain_score(row.result)) else None,
    "quant_val_bpb": lambda row: score.val_bpb if (score := plain_score(row.result)) else None,
    "quant_gap_bpb": lambda row: quantisation_gap(row.result),
    "val_loss": lambda row: row.result.final_score.val_loss if row.result.final_score else None,
    "val_bpb": lambda row: row.result.final_score.val_bpb if row.result.final_score else None,
    **{name: _number(clock) for name, clock in CLOCKS.items()},
    **{f"{name}_low": _end(clock, "low") for name, clock in CLOCKS.items()},
    **{f"{name}_high": _end(clock, "high") for name, clock in CLOCKS.items()},
    "train_wall_seconds": lambda row: row.result.train.wall_seconds if row.result.train else None,
    "eval_wall_seconds": lambda row: row.result.eval.wall_seconds if row.result.eval else None,
    "peak_rss_mib": lambda row: row.result.train.peak_rss_mib if row.result.train else None,
}
NUMBERS = (
    "steps", "step_avg_ms", "live_val_loss", "live_val_bpb",
    "quant_val_loss", "quant_val_bpb", "quant_gap_bpb", "val_loss", "val_bpb",
    "code_bytes", "artifact_bytes", "total_bytes", "headroom_bytes",
    "train_seconds", "eval_seconds", "strict_train_seconds", "strict_eval_seconds",
    "train_wall_seconds", "eval_wall_seconds", "peak_memory_mib", "peak_rss_mib",
    *(f"{name}_{end}" for name in CLOCKS for end in ("low", "high")),
)  # fmt: skip
"""Columns with numbers, in the order of results.csv."""


def seed_rows(data: RecordData) -> list[SeedRow]:
    """Results with their counts, in the record's order."""
    counted = {item.seed: item for item in data.verifications}
    cap = int(data.limits["cap_bytes"])
    return [SeedRow(result, counted.get(result.seed), cap) for result in data.results]


def seeds_asked(data: RecordData) -> int:
    """How many seeds belong to the record, whether they ran or not."""
    return max(len(data.results), len(data.job.get("seeds") or []))


def never_ran(data: RecordData) -> list[int]:
    """Seeds that belong to the record and left no result."""
    ran = {result.seed for result in data.results}
    return [seed for seed in data.job.get("seeds") or [] if seed not in ran]


def incomplete(data: RecordData) -> list[int]:
    """Seeds that never ran, where that alone keeps the record from passing: it was interrupted, and can go on."""
    failed = {check.name for check in data.verdict.checks if check.required and check.status == "fail"}
    whole = all(result.status == "completed" for result in data.results)
    return never_ran(data) if failed == {"seeds_complete"} and whole and not data.stopped else []


def seed_table(data: RecordData) -> pd.DataFrame:
    """One row per seed: seed, attempt, status, then NUMBERS (Int64 or float64, missing where not measured)."""
    return seed_frame(seed_rows(data))


def seed_frame(rows: Sequence[SeedRow]) -> pd.DataFrame:
    """The same of any rows, of one record or of many."""
    columns: dict[str, pd.Series] = {
        "seed": pd.Series([row.result.seed for row in rows], dtype="int64"),
        "attempt": pd.Series([row.result.attempt for row in rows], dtype="int64"),
        "status": pd.Series([row.result.status for row in rows], dtype="str"),
    }
    for name in NUMBERS:
        if name in WHOLE:
            columns[name] = pd.Series([_whole(WHOLE[name](row)) for row in rows], dtype="Int64")
        else:
            columns[name] = pd.Series([_real(REAL[name](row)) for row in rows], dtype="float64")
    return pd.DataFrame(columns)


def summary_table(seeds: pd.DataFrame) -> pd.DataFrame:
    """Rows n, mean and std (sample, n - 1) for each of NUMBERS; missing values do not count."""
    numbers = seeds[list(NUMBERS)].astype("float64")
    return pd.DataFrame({"n": numbers.count(), "mean": numbers.mean(), "std": numbers.std(ddof=1)}).T


def figure(summary: pd.DataFrame, row: str, column: str) -> float:
    """One number of a summary table; NaN where it is not defined."""
    return float(summary[column].astype("float64").loc[row])


def to_csv(seeds: pd.DataFrame) -> str:
    """The seed table as CSV: full precision, empty where nothing was measured."""
    return seeds.to_csv(index=False, lineterminator="\n")


def _whole(value: int | None) -> int | None:
    """A log may claim any number; what no column can hold is as good as not said."""
    return value if value is not None and abs(value) <= LARGEST else None


def _real(value: float | None) -> float:
    """The same for a number whose square no column can hold."""
    return value if value is not None and abs(value) < LARGEST_REAL else math.nan
