"""Many audits as one table, a row for each record folder, in CSV or parquet; and a summary of them all."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.audit.terminal import STYLES
from reports.audit.words import seeds
from runner.audit.facts import Audit
from runner.errors import UserError
from runner.files import write_atomic
from runner.listing import counted

COLUMNS = {
    "folder": "string",
    "track": "string",
    "claimed_val_bpb": "Float64",
    "claimed_bytes_total": "Int64",
    "claimed_n_seeds": "Int64",
    "mean_val_bpb": "Float64",
    "std_val_bpb": "Float64",
    "n_primary_runs": "Int64",
    "n_seeds": "Int64",
    "n_runs": "Int64",
    "max_total_bytes": "Int64",
    "max_train_seconds": "Float64",
    "max_eval_seconds": "Float64",
    "errors": "Int64",
    "warnings": "Int64",
    "notes": "Int64",
    "kinds": "string",
    "problem": "string",
}
"""Column -> its type; what a folder does not say is empty."""


def audit_frame(found: Sequence[tuple[Path, Audit | str]]) -> pd.DataFrame:
    """One row for each folder; one that could not be read has only its `problem`."""
    rows = [
        _row(audit) if isinstance(audit, Audit) else {"folder": str(path), "problem": audit} for path, audit in found
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _row(audit: Audit) -> dict[str, object]:
    counted = [run for run in audit.runs if run.role == "primary"]
    severities = Counter(one.severity for one in audit.findings)
    return {
        "folder": audit.folder,
        "track": audit.track,
        "claimed_val_bpb": audit.claimed.val_bpb,
        "claimed_bytes_total": audit.claimed.bytes_total,
        "claimed_n_seeds": audit.claimed.n_seeds,
        "mean_val_bpb": audit.mean_val_bpb,
        "std_val_bpb": audit.std_val_bpb,
        "n_primary_runs": audit.n_primary_runs,
        "n_seeds": seeds(audit),
        "n_runs": len(audit.runs),
        "max_total_bytes": max((run.total_bytes for run in counted if run.total_bytes is not None), default=None),
        "max_train_seconds": max(
            (run.train_seconds for run in counted if run.train_seconds is not None), default=None
        ),
        "max_eval_seconds": max((run.eval_seconds for run in counted if run.eval_seconds is not None), default=None),
        "errors": severities["error"],
        "warnings": severities["warn"],
        "notes": severities["info"],
        "kinds": " ".join(dict.fromkeys(one.kind for one in audit.findings)),
    }


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` to `path`, whole or not at all, as its ending says."""
    require_table(path)
    if path.suffix == ".csv":
        write_atomic(path, frame.to_csv(index=False))
    else:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        write_atomic(path, buffer.getvalue())


def require_table(path: Path) -> None:
    """UserError unless a table can be written in the way that the ending of `path` names."""
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path}: the table is written as .csv or .parquet")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise UserError(f"{path}: parquet needs the package pyarrow; install it, or write a .csv")


def summary(found: Sequence[tuple[Path, Audit | str]]) -> RenderableType:
    """How many folders have which finding, the commonest first."""
    audits = [audit for _, audit in found if isinstance(audit, Audit)]
    errors = sum(any(one.severity == "error" for one in audit.findings) for audit in audits)
    clean = sum(not audit.findings for audit in audits)
    counts = Counter(pair for audit in audits for pair in {(one.kind, one.severity) for one in audit.findings})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("finding")
    table.add_column("severity")
    table.add_column("folders", justify="right")
    for (kind, severity), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(kind, Text(severity, STYLES[severity]), f"{number:,}")
    unreadable = len(found) - len(audits)
    folders = counted(len(found), "folder")
    line = f"{folders}: {errors:,} with errors, {clean:,} without findings, {unreadable:,} unreadable"
    return Group(Text(line, "bold"), *([table] if counts else []))
