"""Title and text of a pull request for a record, from its data alone. Text from outside is escaped."""

from __future__ import annotations

from reports.answers import open_questions, worst_lines
from reports.markdown import Markdown, code, escaped, one_line, table
from reports.numbers import mean_and_std
from reports.record.readme import basis, byline, method
from reports.sections.results import costs_table, scores_table
from reports.tables import figure, seed_table, summary_table
from reports.text_words import on_text, other_text, text_mark
from runner.listing import counted, few, listed
from runner.results.record import RecordData

MOST_TITLE = 100
"""Characters of a job's name in a title, and of the questions that are open."""
MOST_METHOD = 20_000
"""Characters of the author's words that a pull request shows; it takes 65,536 in all."""
CONTENT = (  # one line: GitHub breaks those of a pull request where they are broken
    "The folder holds {script}, every seed's log, all that was measured (`results.json`) and everything that was "
    "launched (`ledger.jsonl`). `sha256sum -c SHA256SUMS` checks its files, `golf verify` all of it."
)


def pr_title(data: RecordData, *, non_record: bool = False) -> str:
    """One line of plain text; a commit's subject, too. non_record: it goes where no record is claimed."""
    summary = summary_table(seed_table(data))
    score = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    seeds = counted(len(data.results), "seed")
    other = f" on {other_text(data)}" if text_mark(data) else ""
    title = f"{one_line(data.name)[:MOST_TITLE]}: {score} bpb{other}, {seeds}, {one_line(data.track)}"
    title += " (as non-record)" if non_record else ""
    return f"{title}, {data.verdict.status}{_open(data)}" if data.verdict.status != "passed" else title


def _open(data: RecordData) -> str:
    """The open questions for a title: as many as fit, and how many more there are."""
    titles = open_questions(data.verdict.checks)
    shown = [one for index, one in enumerate(titles) if len(" ".join(titles[: index + 1])) <= MOST_TITLE]
    more = f" and {len(titles) - len(shown)} more" if len(shown) < len(titles) else ""
    return f" (open: {one_line(' '.join(shown))}{more})" if titles else ""


def pr_text(data: RecordData, *, non_record: str = "") -> str:
    """The text, with a newline at its end. non_record: why it goes where no record is claimed."""
    seeds = seed_table(data)
    summary = summary_table(seeds)
    score = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    answers = [[line.title, line.measured, line.limit, line.result] for line in worst_lines(data.verdict.checks)]
    rests_on = basis(int(figure(summary, "n", "val_bpb")), len(data.results))
    parts = [
        f"**{score} bits per byte**{on_text(data)} ({rests_on}), track {code(data.track)}.",
        _reservations(data),
        escaped(f"Submitted as a non-record: {non_record}.") if non_record else "",
        byline(data),
        escaped(data.job.get("blurb") or ""),
        _method(data),
        scores_table(data, seeds, summary),
        costs_table(data, seeds, summary),
        Markdown("What was checked, the worst answer over the seeds:"),
        table("llll", ["question", "measured", "limit", "result"], answers),
        CONTENT.format(script=_script(data)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _reservations(data: RecordData) -> str:
    """What is open of a record that is unverified; empty for one that passed."""
    if data.verdict.status == "passed":
        return ""
    asked: dict[tuple[str, str, str], list[int]] = {}
    for check in data.verdict.checks:
        if check.required and check.status == "unknown":
            seeds = asked.setdefault((check.title, check.measured, check.detail), [])
            seeds += [] if check.seed is None else [check.seed]
    lines = [f"- {_open_line(*what, seeds)}" for what, seeds in few(list(asked.items()))]
    lines += [f"- and {len(asked) - len(lines)} more"] if len(lines) < len(asked) else []
    said = "**Not verified.** Nothing failed, but these questions, which the track requires, are open:"
    return "\n".join([said, "", *lines])


def _open_line(title: str, measured: str, detail: str, seeds: list[int]) -> str:
    """One open question, the seeds that it is open of, and why."""
    of = f" (seed {listed(seeds)})" if seeds else ""
    why = f": {escaped(detail)}" if detail else ""
    return f"**{escaped(title)}** {escaped(measured)}{of}{why}"


def _method(data: RecordData) -> str:
    """The author's words under a heading of their own, or where they stand."""
    told = method(data)
    if len(told) > MOST_METHOD:
        return "How it works, in the author's words, stands in the folder's `README.md`."
    return (
        f"## Method\n\nIn the author's words, of which nothing was checked:\n\n{told}\n\n## Results" if told else ""
    )


def _script(data: RecordData) -> str:
    """What ran, and what lies beside it."""
    if not data.job.get("script"):
        return "the script that ran in every seed and its readable twin"
    beside = ", with what lay beside it" if data.job.get("files") else ""
    return f"the author's own script as it ran in every seed{beside}"
