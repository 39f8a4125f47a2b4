"""What `golf run` prints at the end: the seeds, their mean, the checks, the yardsticks, where the record is.

Plain words and marks carry the meaning; colour only underlines it. Text from outside goes in as text, never as
markup. The record's README is the longer version of this.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.answers import MARKS, notes, worst_lines
from reports.clock_cells import mean_cell, seed_cell, std_cell
from reports.markdown import one_line
from reports.numbers import fixed, mean_and_std
from reports.sections.comparable import compare
from reports.sections.published import overall_bpb, reference_of
from reports.sections.results import narrowed_sentence
from reports.tables import figure, incomplete, never_ran, seed_table, seeds_asked, summary_table
from reports.terminal.comparison import outcome_lines
from reports.text_words import text_mark
from runner.listing import MOST, SHOWN, few, listed
from runner.results.frozen import Status, VerdictStatus
from runner.results.record import RecordData
from runner.results.runs import RunResult

STYLES: dict[Status, str] = {"pass": "green", "fail": "bold red", "unknown": "yellow"}
VERDICT_STYLES: dict[VerdictStatus, str] = {
    "passed": "bold green",
    "rejected": "bold red",
    "unverified": "bold yellow",
    "repacked": "bold cyan",
}

COLUMNS: dict[str, tuple[str, int]] = {
    "steps": ("steps", 0),
    "step_avg_ms": ("ms/step", 1),
    "live_val_bpb": ("live bpb", 4),
    "val_loss": ("loss", 4),
    "val_bpb": ("bpb", 4),
    "total_bytes": ("total B", 0),
    "headroom_bytes": ("headroom B", 0),
    "train_seconds": ("train s", 2),
    "eval_seconds": ("eval s", 2),
}
"""Column of the seed table -> its head and how many decimals it shows; all fit 100 columns."""
MOST_WORDS = 600
"""Characters that are shown of a seed's reason."""
SPARED_FIRST = ("headroom_bytes", "live_val_bpb", "step_avg_ms", "val_loss", "steps", "eval_seconds", "train_seconds")
"""What a narrow terminal goes without, in this order: a number is left out, never cut off."""


def terminal_summary(data: RecordData, folder: Path) -> RenderableType:
    """A renderable of the whole outcome; `folder` is where the record lies."""
    parts: list[RenderableType] = [Text(), _headline(data), Text(), SeedRows(data)]
    bad = [result for result in data.results if result.status != "completed"]
    parts += [Text(line, "red") for line in _ends(few(bad))]
    parts += [Text(f"and {len(bad) - SHOWN:,} more that did not complete", "red")] if len(bad) > MOST else []
    if bad:
        parts.append(Text(f"how the log of seed {bad[0].seed} ends: {_logs_command(data, bad[0].seed, folder)}"))
    if data.stopped:
        never = f" Never started: seed {listed(seeds)}." if (seeds := never_ran(data)) else ""
        parts.append(Text(f"Stopped: {one_line(data.stopped)}.{never}", "red"))
    narrowed = narrowed_sentence(data.results)
    parts += [Text(), Text(one_line(narrowed), "dim")] if narrowed else []
    parts += [Text(), _checks(data)]
    parts += [Text(one_line(note), "dim") for note in few(notes(data.verdict.checks))]
    if data.yardsticks:
        parts += [Text(), _yardsticks(data)]
    parts += _published(data)
    if data.comparison is not None:
        parts += [Text(), outcome_lines(data.comparison)]
    parts += [Text(), _verdict(data)]
    if data.score_alone:
        parts += [Text(), *(Text(line) for line in data.score_alone), Text()]
    parts += [Text.assemble("Record: ", (str(folder), "bold"), overflow="fold")]
    return Group(*parts)


def _ends(bad: Sequence[RunResult]) -> list[str]:
    """How seeds ended and why, those that ended alike together."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for result in bad:
        seeds.setdefault((result.status, _why(result)), []).append(result.seed)
    return [
        f"seed{'s' if len(same) > 1 else ''} {listed(same)} {status}: {why}" for (status, why), same in seeds.items()
    ]


def _why(result: RunResult) -> str:
    """A seed's reason without the log's lines."""
    told = [line for line in result.reason.splitlines() if line and not line.startswith("| ")]
    return one_line("; ".join(told))[:MOST_WORDS] or "no reason was given"


def _logs_command(data: RecordData, seed: int, folder: Path) -> str:
    """What to type to see how a seed's log ends; a record lies three folders below where its run is kept."""
    root = folder.parents[2] if len(folder.parents) > 2 else Path()
    there = "" if root == Path() else f" --output {shlex.quote(str(root))}"
    return f"golf logs {data.run}/{seed} --tail 15{there}"


def _headline(data: RecordData) -> Text:
    summary = summary_table(seed_table(data))
    scored, seeds = int(figure(summary, "n", "val_bpb")), seeds_asked(data)
    number = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    of = f"{scored} of {seeds} seeds" if scored != seeds else f"{seeds} seed" + ("s" if seeds != 1 else "")
    hardware = ", ".join(dict.fromkeys(result.host.hardware for result in data.results if result.host)) or "unknown"
    mark, name = text_mark(data), one_line(data.data.name)
    on = f" on {name}" if mark else ""
    claimed = ", as the script claims" if data.only_claimed else ""
    rest = f" bpb{claimed}{on}, mean ± sample std of {of} · track {one_line(data.track)} · {one_line(hardware)}"
    told = (f"\n{name} is {mark}", "yellow") if mark else ""
    return Text.assemble((one_line(data.name), "bold"), ": ", (number, "bold"), rest, told)


@dataclass(frozen=True)
class SeedRows:
    """The table per seed with as many columns as the terminal has room for."""

    data: RecordData

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = dict(COLUMNS)
        for name in SPARED_FIRST:
            if (
                console.measure(_seeds(self.data, columns), options=options.update(width=1000)).maximum
                <= options.max_width
            ):
                break
            del columns[name]
        yield _seeds(self.data, columns)


def _seeds(data: RecordData, columns: Mapping[str, tuple[str, int]]) -> Table:
    seeds = seed_table(data)
    summary = summary_table(seeds)
    table = _table(["seed", *(head for head, _ in columns.values())], "r" * (len(columns) + 1))

    for row in few(seeds.to_dict("records")):
        table.add_row(
            str(row["seed"]),
            *(seed_cell(row, name, digits, data.limits.get(name)) for name, (_, digits) in columns.items()),
        )
    if len(seeds) > MOST:
        table.add_row("…", *("" for _ in columns))
        least, most = seeds.min(numeric_only=True), seeds.max(numeric_only=True)
        for title, found in (("least", least), ("most", most)):
            table.add_row(title, *(seed_cell(found.to_dict(), name, digits) for name, (_, digits) in columns.items()))
    table.add_section()
    table.add_row("mean", *(mean_cell(summary, name, digits) for name, (_, digits) in columns.items()))
    table.add_row("std", *(std_cell(summary, name, digits) for name, (_, digits) in columns.items()))
    return table


def _checks(data: RecordData) -> RenderableType:
    table = _table(["", "check", "measured", "limit"], "llll")
    for line in worst_lines(data.verdict.checks):
        style = STYLES[line.status] if line.required else "dim"
        title = line.title if line.required else f"{line.title} *"
        table.add_row(Text(MARKS[line.status], style), Text(title), Text(one_line(line.measured)), Text(line.limit))
    if all(check.required for check in data.verdict.checks):
        return table
    return Group(table, Text("* shown, not required by the track", "dim"))


def _yardsticks(data: RecordData) -> Table:
    bpb = seed_table(data)["val_bpb"]
    table = _table(["", "yardstick on the same text", "bpb", "nats/token", "beaten by"], "llrrr")
    for item in data.yardsticks:
        beaten = int((bpb < item.bpb).sum())
        status: Status = "pass" if beaten == len(bpb) > 0 else "fail"
        table.add_row(
            Text(MARKS[status], STYLES[status]),
            Text(one_line(item.name)),
            fixed(item.bpb, 4),
            fixed(item.nats_per_token, 4),
            f"{beaten} of {len(bpb)} seeds",
        )
    return table


def _published(data: RecordData) -> list[RenderableType]:
    """The published run that the job reproduces, and whether ours may be set against it."""
    reference = reference_of(data)
    if reference is None:
        return []
    line, found = overall_bpb(data, reference), compare(data, reference)
    difference = f", difference {line.difference}" if line.difference else ""
    told = f"{reference['source']} on {reference['hardware']}: bpb {line.theirs.shown}{difference}"
    if found.differ:
        caution = f"not comparable: other {', '.join(found.differ)}"
    else:
        caution = f"not known: {', '.join(found.unknown)}" if found.unknown else ""
    return [Text(), Text(one_line(told)), *([Text(f"  {caution}", "yellow")] if caution else [])]


def _verdict(data: RecordData) -> RenderableType:
    """The verdict and why; of a rejected run only what failed, since that decides."""
    verdict = data.verdict
    word = Text(verdict.status.upper(), VERDICT_STYLES[verdict.status])
    if missing := incomplete(data):
        word = Text("INCOMPLETE", VERDICT_STYLES["unverified"])
        word.append(f": seed {listed(missing)} never ran, so it stands below rejected/; ", "default")
        word.append(f"golf resume {data.run} goes on", "default")
    failed = len({check.name for check in verdict.checks if check.required and check.status == "fail"})
    shown = few(verdict.reasons[:failed] if failed else verdict.reasons)
    lines = [Padding(Text(f"- {one_line(reason)}"), (0, 0, 0, 2)) for reason in shown]
    more = len(verdict.reasons) - len(shown)
    kind = "more" if len(shown) < failed or not failed else "unknown"
    where = "README.md" if len(verdict.reasons) <= MOST else "results.json"
    rest = [Text(f"  and {more:,} {kind}, listed in the record's {where}", "dim")] if more else []
    return Group(word, *lines, *rest)


def _table(heads: Sequence[str], align: str) -> Table:
    """An open table without vertical lines."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head, side in zip(heads, align, strict=True):
        # Numbers are never broken; words may be.
        table.add_column(Text(head), justify="right" if side == "r" else "left", no_wrap=side == "r")
    return table
