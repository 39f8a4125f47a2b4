"""One run as it stands: its seeds, how far their clocks are, and their losses so far.

What a log says is shown as it says it: a seed that runs has claims, no measurements. Unknown is a dash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.clock_cells import between
from reports.numbers import MISSING, beside, count, fixed
from reports.page.section import Cell, Kind, Picture, Section, Table, Words
from runner.listing import counted
from runner.results.runs import Curve
from runner.serving.facts import RunNow, SeedNow

LOOKS: dict[str, Kind] = {
    "completed": "good",
    "failed": "bad",
    "timeout": "bad",
    "lost": "bad",
    "unknown": "bad",
    "training": "open",
    "scoring": "open",
}
LATE = 3
"""The first 1 / LATE of the steps is the beginning, in which losses fall so far that the rest is flat beside it."""
FEWEST = 6
"""Losses of each seed behind the beginning, without which there is nothing to look at closely."""


def run_sections(run: RunNow, up: str) -> list[Section]:
    """What there is to see of a run. up: the way back to the list."""
    parts: list[Words | Table] = [Words("Back to the list", href=up), Words(told(run), _look(run))]
    if run.ahead:
        parts.append(Words(f"{run.ahead[0].upper()}{run.ahead[1:]}."))
    if run.problem:
        parts.append(Words(run.problem, "bad"))
    if run.stopped:
        parts.append(Words(f"It was stopped: {run.stopped}", "open"))
    if run.record:
        parts.append(Words(f"Its record: {run.verdict or 'no verdict'}", href=f"{up}record/{run.record}/"))
    if run.seeds:
        parts.append(seeds_table(run))
    if run.seeds_left_out:
        left = f"{counted(run.seeds_left_out, 'seed')} more: a run of so many shows those that run or ended badly."
        parts.append(Words(left, "muted"))
    sections = [Section("now", "Now", tuple(parts))]
    pictures = [made for made in (clocks(run), losses(run.curves)) if made is not None]
    if pictures:
        sections.append(Section("pictures", "Clocks and losses", tuple(pictures)))
    return sections


def told(run: RunNow) -> str:
    """Whether anybody is at work on it, and how many seeds stand where."""
    states = {"running": "It is running", "no driver": "Nobody is at work on it"}
    return f"{states.get(run.state, f'It is {run.state}')}: {run.counts}."


def _look(run: RunNow) -> Kind:
    return {"running": "open", "passed": "good", "rejected": "bad"}.get(run.state, "")  # type: ignore[return-value]


def seeds_table(run: RunNow) -> Table:
    """A line for each seed."""
    rows: list[list[str | Cell]] = [
        [
            Cell(str(seed.seed), seed.seed),
            count(seed.attempt),
            Cell(seed.state, kind=LOOKS.get(seed.state, "")),
            Cell(count(seed.step), seed.step),
            Cell(fixed(seed.loss, 4), seed.loss),
            Cell(fixed(seed.bpb, 4), seed.bpb),
            Cell(clock_words(seed, run.train_limit), seed.clock_high),
            seed.note,
        ]
        for seed in run.seeds
    ]
    limit = "" if run.train_limit is None else f" of {run.train_limit:,.0f}"
    heads = ("seed", "try", "state", "step", "loss (nats/token)", "bpb", f"train s{limit}", "")
    return Table(heads, "rrlrrrrl", rows, sortable=True)


def clock_words(seed: SeedNow, limit: float | None) -> str:
    """Training time so far, or between what it lies; never rounded across the limit."""
    if seed.clock_low is None or seed.clock_high is None:
        return MISSING
    ends = (seed.clock_low, seed.clock_high)
    return between(*(fixed(end, 1) if limit is None else beside(end, limit, 1) for end in ends))


def clocks(run: RunNow) -> Picture | None:
    """Each seed's training clock as a bar against the limit; None where no clock, or no limit, is known."""
    known = [seed for seed in run.seeds if seed.clock_low is not None and seed.clock_high is not None]
    limit = run.train_limit
    if not known or limit is None:
        return None
    names = [f"seed {seed.seed}" for seed in known]
    least = [seed.clock_low or 0.0 for seed in known]
    between_ = [(seed.clock_high or 0.0) - (seed.clock_low or 0.0) for seed in known]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": "training clock",
            "x": least,
            "y": names,
            "marker": {"color": [colour_of(seed, limit) for seed in known]},
            "text": [f"{name}: {clock_words(seed, limit)} s" for name, seed in zip(names, known, strict=True)],
            "textposition": "none",
            "hovertemplate": "%{text}",
        }
    ]
    if any(between_):
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": "as much more as it may be",
                "x": between_,
                "y": names,
                "marker": {"color": "@band"},
                "hoverinfo": "skip",
            }
        )
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": limit, "x1": limit, "y0": 0, "y1": 1}
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": f"training clock (seconds); limit {limit:,.0f} s"}, "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "title": {"text": "seed"}, "type": "category"},
        "shapes": [{**line, "line": {"color": "@bad", "width": 1.5, "dash": "dash"}}],
    }
    rows: list[list[str | Cell]] = [
        [name, clock_words(seed, limit), f"{limit:,.0f}"] for name, seed in zip(names, known, strict=True)
    ]
    return Picture(
        {"data": traces, "layout": layout},
        Table(("seed", "train s", "limit s"), "lrr", rows),
        f"Training clocks of {counted(len(known), 'seed')} against the limit of {limit:,.0f} seconds.",
        title="Training clock against its limit",
        height=100 + 30 * len(known),
    )


def colour_of(seed: SeedNow, limit: float) -> str:
    """Of a clock: within its limit, beyond it, or nobody can tell."""
    low, high = seed.clock_low or 0.0, seed.clock_high or 0.0
    return "@1" if high <= limit else "@bad" if low > limit else "@open"


def losses(curves: Sequence[Curve]) -> Picture | None:
    """Training losses over steps, validation marked; None where no log shows a loss."""
    traces: list[dict[str, Any]] = []
    rows: list[list[str | Cell]] = []
    for number, curve in enumerate(curves):
        colour, seed = f"@{number % 8 + 1}", f"seed {curve.seed}"
        line: dict[str, Any] = {"color": colour, "width": 1.5}
        if curve.steps:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": seed,
                    "legendgroup": seed,
                    "x": curve.steps,
                    "y": curve.losses,
                    "line": line,
                    "hovertemplate": f"{seed}, step %{{x}}\ntraining loss %{{y:.4f}}",
                }
            )
        if curve.val_steps:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": seed,
                    "legendgroup": seed,
                    "showlegend": not curve.steps,
                    "x": curve.val_steps,
                    "y": curve.val_losses,
                    "marker": {"color": colour, "size": 8, "symbol": "diamond"},
                    "hovertemplate": f"{seed}, step %{{x}}\nvalidation loss %{{y:.4f}}",
                }
            )
        last = curve.steps[-1] if curve.steps else None
        rows.append(
            [
                Cell(str(curve.seed), curve.seed),
                count(last),
                fixed(curve.losses[-1] if curve.losses else None, 4),
                count(curve.val_steps[-1] if curve.val_steps else None),
                fixed(curve.val_losses[-1] if curve.val_losses else None, 4),
            ]
        )
    if not traces:
        return None
    layout = {
        "xaxis": {"title": {"text": "step (number)"}},
        "yaxis": {"title": {"text": "loss (nats per token)"}},
    }
    heads = ("seed", "last step", "training loss", "validated after step", "validation loss")
    return Picture(
        {"data": traces, "layout": layout, "views": views(curves)},
        Table(heads, "rrrrr", rows),
        "Training losses over steps, one line a seed; diamonds are validations in mid-run.",
        title="Loss over steps, by the logs",
        height=360,
    )


def views(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """All of it, and its last two thirds, where the first steps do not squash the rest."""
    points = [pair for one in curves for pair in (*zip(one.steps, one.losses, strict=True),)]
    points += [pair for one in curves for pair in zip(one.val_steps, one.val_losses, strict=True)]
    end = max(step for step, _ in points)
    late = [loss for step, loss in points if step * LATE >= end]
    everything = {"label": "all", "relayout": {"xaxis.autorange": True, "yaxis.autorange": True}}
    if len(late) < FEWEST * len(curves) or min(late) == max(late):
        return [everything]
    room = 0.06 * (max(late) - min(late))
    near = {"xaxis.range": [end / LATE, end * 1.02], "yaxis.range": [min(late) - room, max(late) + room]}
    return [{"label": "without the beginning", "relayout": near}, everything]
