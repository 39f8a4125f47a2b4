"""An audit in words and cells: what the terminal and the review comment have in common."""

from __future__ import annotations

from collections import Counter

from reports.numbers import MISSING, NOT_DEFINED, beside, count, fixed, mean_and_std
from runner.audit.facts import LIMIT_S, Audit, Run, Severity
from runner.listing import counted

NAMES: dict[Severity, str] = {"error": "error", "warn": "warning", "info": "note"}


def headline(audit: Audit) -> str:
    """One sentence: how many findings of which severity, or that there is none."""
    if not audit.findings:
        if audit.claimed.val_bpb is None:
            return "no findings, but no score is claimed that logs could show"
        return "no findings: the logs show what is claimed"
    counts = Counter(one.severity for one in audit.findings)
    return ", ".join(counted(counts[key], name) for key, name in NAMES.items() if counts[key])


def verdict(audit: Audit) -> str:
    """What a reviewer would say first: whether the entry holds, and how much was found."""
    counts = Counter(one.severity for one in audit.findings)
    if counts["error"]:
        words = "Does not hold as it stands"
    elif audit.claimed.val_bpb is None or not audit.n_primary_runs:
        words = "Cannot be confirmed: " + (
            "no score is claimed" if audit.claimed.val_bpb is None else "no log shows a claimed run"
        )
    else:
        runs = counted(audit.n_primary_runs, "run")
        words = f"The logs of {runs} show the claimed {_exact(audit.claimed.val_bpb)}"
    return f"{words} – {headline(audit)}." if audit.findings else f"{words}."


def run_columns() -> list[str]:
    """Heads of the table of runs."""
    return ["log", "role", "seed", "steps", "train s", "eval s", "total B", "bpb"]


def run_rows(audit: Audit) -> list[list[str]]:
    """One row of cells for each run."""
    return [
        [
            _name(run, audit),
            f"{run.role} (scoring)" if run.scores_run_of else run.role,
            MISSING if run.seed is None else str(run.seed),
            count(run.steps),
            beside(run.train_seconds, LIMIT_S),
            beside(run.eval_seconds, LIMIT_S, 1),
            count(run.total_bytes),
            fixed(run.final_val_bpb, 6),
        ]
        for run in audit.runs
    ]


def _name(run: Run, audit: Audit) -> str:
    several = sum(other.log == run.log for other in audit.runs) > 1
    return f"{run.log} #{run.run_index + 1}" if several else run.log


def claim_rows(audit: Audit) -> list[list[str]]:
    """Claims beside what the primary runs show."""
    sizes = sorted({run.total_bytes for run in audit.runs if run.role == "primary" and run.total_bytes is not None})
    shown = (
        MISSING if not sizes else count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
    )
    claimed, known = audit.claimed, seeds(audit)
    named = MISSING if audit.n_primary_runs and not known else count(known)  # runs whose logs print no seed have one
    return [
        ["bpb", _exact(claimed.val_bpb), score(audit)],
        ["bytes", count(claimed.bytes_total), shown],
        ["seeds", count(claimed.n_seeds), named],
    ]


def score(audit: Audit) -> str:
    """Mean ± sample standard deviation over the primary runs."""
    if audit.n_primary_runs == 1:
        return f"{_exact(audit.mean_val_bpb)} ± {NOT_DEFINED}"
    return mean_and_std(audit.mean_val_bpb, audit.std_val_bpb)


def seeds(audit: Audit) -> int:
    """Different seeds that the primary runs print."""
    return len({run.seed for run in audit.runs if run.role == "primary" and run.seed is not None})


def _exact(value: float | None) -> str:
    return MISSING if value is None else f"{value:.8g}"
