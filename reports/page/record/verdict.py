"""The verdict: what it is and why, what the run reached, and every check with its measurement and limit."""

from __future__ import annotations

from reports.answers import AnswerLine, answer_lines, notes
from reports.markdown import one_line
from reports.numbers import mean_and_std
from reports.page.section import Cell, Kind, Part, Section, Table, Words
from reports.tables import figure, incomplete, seed_table, seeds_asked, summary_table
from reports.text_words import text_mark
from runner.listing import counted, few, listed
from runner.results.frozen import Status, VerdictStatus
from runner.results.record import RecordData

KINDS: dict[Status, Kind] = {"pass": "good", "fail": "bad", "unknown": "open"}
VERDICTS: dict[VerdictStatus, tuple[str, Kind]] = {
    "passed": ("✓ PASSED: every check that the track requires is pass.", "good"),
    "rejected": ("✗ REJECTED: a check that the track requires fails.", "bad"),
    "unverified": ("? UNVERIFIED: nothing fails, but something that the track requires is not known.", "open"),
    "repacked": ("REPACKED: the artifact was packed off the clock, so this is no record.", "open"),
}


def verdict_section(data: RecordData) -> Section:
    """The first section of a record's page."""
    said, kind = VERDICTS[data.verdict.status]
    if missing := incomplete(data):
        said, kind = f"INCOMPLETE: seed {listed(missing)} never ran; golf resume {data.run} goes on.", "open"
    reasons = list(few(data.verdict.reasons))
    more = len(data.verdict.reasons) - len(reasons)
    parts: list[Part] = [Words(said, kind), Words(headline(data)), Words(about(data), "muted")]
    parts += [Words(reason) for reason in reasons]
    parts += [Words(f"and {counted(more, 'more reason')} in results.json")] if more > 0 else []
    parts += [Words(f"Stopped: {data.stopped}", "open")] if data.stopped else []
    parts += [checks_table(data)]
    parts += [Words(note, "muted") for note in few(notes(data.verdict.checks))]
    return Section("verdict", "Verdict", tuple(parts))


def headline(data: RecordData) -> str:
    """The score in one sentence."""
    seeds = seed_table(data)
    summary = summary_table(seeds)
    scored, asked = int(seeds["val_bpb"].notna().sum()), seeds_asked(data)
    if not scored:
        return f"No score: none of {counted(asked, 'seed')} was scored."
    number = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    of = counted(scored, "seed") if scored == asked else f"{scored:,} of {counted(asked, 'seed')}"
    mark = text_mark(data)
    text = f", {mark}" if mark else ""
    claimed = ", as the script claims" if data.only_claimed else ""
    return f"{number} bits per byte{claimed} (mean ± sample std of {of}) on {data.data.name}{text}."


def about(data: RecordData) -> str:
    """Whose run it is, of which track, when and on what."""
    hardware = ", ".join(dict.fromkeys(one.host.device for one in data.results if one.host is not None))
    author = str(data.job.get("author") or "")
    facts = (
        f"run {data.run}",
        f"track {data.track}",
        data.date or "no date",
        hardware or "hardware unknown",
        f"by {author}" if author else "",
    )
    return one_line(" · ".join(fact for fact in facts if fact))


def checks_table(data: RecordData) -> Table:
    """Every question with each of its answers."""
    rows = [_row(check) for check in answer_lines(data.verdict.checks)]
    return Table(("result", "check", "measured", "limit"), "llll", rows, "Checks")


def _row(check: AnswerLine) -> list[str | Cell]:
    kind = KINDS[check.status] if check.required or check.status == "pass" else "muted"
    return [Cell(check.result, kind=kind), check.title, check.measured, check.limit]
