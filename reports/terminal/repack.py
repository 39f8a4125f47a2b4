"""What `golf repack` prints: one line for each export of the same weights."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.markdown import one_line
from reports.numbers import MISSING, count, fixed, mean_and_std, signed
from reports.tables import figure, seed_table, summary_table
from runner.results.record import RecordData

OFF_CLOCK = (
    "Packed from kept weights, off the clock of any track: the verdict is `repacked`, and no such result is a record "
    "of a timed track, whatever its checks say."
)


@dataclass(frozen=True)
class Packed:
    """One export and what came of it."""

    name: str
    data: RecordData


def penalty(one: RecordData, reference: RecordData | None) -> float | None:
    """How much worse the same weights score than as fp16, bits per byte: the mean over seeds that both have."""
    if reference is None:
        return None
    base = {result.seed: result.final_score.val_bpb for result in reference.results if result.final_score}
    apart = [
        result.final_score.val_bpb - base[result.seed]
        for result in one.results
        if result.final_score is not None and result.seed in base
    ]
    return statistics.fmean(apart) if apart else None


def terminal_repack(run: str, exports: Sequence[Packed], reference: RecordData | None) -> RenderableType:
    """The table; reference: the same weights as fp16, where they could be packed so."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    heads = ("export", "bpb (seeds)", "vs fp16", "bytes", "headroom", "pack s", "score s", "checks")
    for head in heads:
        drawn.add_column(
            Text(head), justify="left" if head in ("export", "checks") else "right", no_wrap=head != "export"
        )
    rows = [*([Packed("fp16, the reference", reference)] if reference else []), *exports]
    for one in rows:
        seeds = seed_table(one.data)
        summary = summary_table(seeds)
        scored = int(figure(summary, "n", "val_bpb"))
        score = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
        total = seeds["total_bytes"].max() if seeds["total_bytes"].notna().any() else None
        packing = one.data.repacked.seconds.values() if one.data.repacked else ()
        open_checks = len(one.data.verdict.reasons)
        drawn.add_row(
            Text(one_line(one.name)),
            f"{score} ({scored})" if scored else MISSING,
            signed(penalty(one.data, reference), 5),
            MISSING if total is None else count(int(total)),
            MISSING if total is None else f"{int(one.data.limits['cap_bytes']) - int(total):,}",
            fixed(sum(packing), 1),
            fixed(figure(summary, "mean", "eval_wall_seconds") * scored, 1),
            Text("all pass", "green") if not open_checks else Text(f"{open_checks} open", "yellow"),
        )
    parts: list[RenderableType] = [
        Text.assemble((one_line(run), "bold"), ": the same weights, packed otherwise"),
        Text(),
    ]
    parts.append(drawn)
    if reference is None:
        parts.append(Text("No penalty is shown: this configuration cannot be stored as fp16.", "yellow"))
    parts += [
        Text(f"{one_line(one.name)}: {one_line(reason)}", "yellow")
        for one in exports
        for reason in one.data.verdict.reasons
    ]
    parts.append(Text(OFF_CLOCK.replace("`", ""), "dim"))
    return Group(*parts)
