"""A record as pandas tables, for notebooks: every one a function of results.json alone.

A value that was not measured is missing, never zero. Column names carry their unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports.tables import seed_table, summary_table
from runner.results.frozen import VerdictStatus
from runner.results.record import RecordData


@dataclass(frozen=True)
class RecordFrames:
    """One record; each table is made when it is asked for."""

    data: RecordData
    """All of results.json, as values."""

    @property
    def verdict(self) -> VerdictStatus:
        """passed, rejected, unverified or repacked."""
        return self.data.verdict.status

    @cached_property
    def seeds(self) -> pd.DataFrame:
        """One row per seed: scores in bpb and nats/token, bytes, steps, seconds; as results.csv has them."""
        return seed_table(self.data)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Rows n, mean and std (sample, n - 1) over the seeds, a column for each number."""
        return summary_table(self.seeds)

    @cached_property
    def checks(self) -> pd.DataFrame:
        """One row per question that was asked: name, seed (missing where it is of all), status, required, measured,
        limit."""
        checks = self.data.verdict.checks
        return pd.DataFrame(
            {
                "name": pd.Series([check.name for check in checks], dtype="str"),
                "seed": pd.Series([check.seed for check in checks], dtype="Int64"),
                "status": pd.Series([check.status for check in checks], dtype="str"),
                "required": pd.Series([check.required for check in checks], dtype="bool"),
                "measured": pd.Series([check.measured for check in checks], dtype="str"),
                "limit": pd.Series([check.limit for check in checks], dtype="str"),
            }
        )

    @cached_property
    def losses(self) -> pd.DataFrame:
        """Losses of each seed by its own log, nats/token: seed, step, split (`train` or `val`), loss. Long curves are
        thinned in the record."""
        rows = [
            (curve.seed, step, split, loss)
            for curve in self.data.curves
            for split, steps, losses in (
                ("train", curve.steps, curve.losses),
                ("val", curve.val_steps, curve.val_losses),
            )
            for step, loss in zip(steps, losses, strict=False)
        ]
        frame = pd.DataFrame(rows, columns=["seed", "step", "split", "loss"])
        return frame.astype({"seed": "int64", "step": "int64", "split": "str", "loss": "float64"})

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """Every attempt that was started on a node, by the ledger: seed, attempt, status (missing where no end was
        noted), seconds."""
        launches = self.data.launches
        return pd.DataFrame(
            {
                "seed": pd.Series([one.seed for one in launches], dtype="int64"),
                "attempt": pd.Series([one.attempt for one in launches], dtype="int64"),
                "status": pd.Series([one.status for one in launches], dtype="str"),
                "seconds": pd.Series([one.seconds for one in launches], dtype="float64"),
            }
        )
