"""Title and text of a pull request for a record, from its data alone. Text from outside is escaped."""

from __future__ import annotations

from reports.answers import worst_lines
from reports.markdown import Markdown, code, escaped, one_line, table
from reports.numbers import mean_and_std
from reports.record.readme import basis, byline
from reports.sections.results import costs_table, scores_table
from reports.tables import figure, seed_table, summary_table
from runner.listing import counted
from runner.results import RecordData

MOST_TITLE = 100
CONTENT = """\
The folder holds the script that ran in every seed, its readable twin, every seed's log, all that was measured
(`results.json`) and everything that was launched (`ledger.jsonl`). `sha256sum -c SHA256SUMS` checks its files,
`golf verify` all of it."""


def pr_title(data: RecordData) -> str:
    """One line of plain text; a commit's subject, too."""
    summary = summary_table(seed_table(data))
    score = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    seeds = counted(len(data.results), "seed")
    return f"{one_line(data.name)[:MOST_TITLE]}: {score} bpb, {seeds}, {one_line(data.track)}"


def pr_text(data: RecordData) -> str:
    """The text, with a newline at its end."""
    seeds = seed_table(data)
    summary = summary_table(seeds)
    score = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    answers = [[line.title, line.measured, line.limit, line.result] for line in worst_lines(data.verdict.checks)]
    rests_on = basis(int(figure(summary, "n", "val_bpb")), len(data.results))
    parts = [
        f"**{score} bits per byte** ({rests_on}), track {code(data.track)}.",
        byline(data),
        escaped(data.job.get("blurb") or ""),
        scores_table(data, seeds, summary),
        costs_table(data, seeds, summary),
        Markdown("What was checked, the worst answer over the seeds:"),
        table("llll", ["question", "measured", "limit", "result"], answers),
        CONTENT,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
