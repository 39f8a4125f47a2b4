"""One sweep's page: how it stands, its trials, and Optuna's own plots in the page's look.

Optuna says what is drawn and where; of its colours nothing is left, so that a plot fits light, dark and print. Names
and reasons come from jobs and logs: the frame escapes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from reports.numbers import count, fixed
from reports.page.frame import page
from reports.page.section import Cell, Kind, Picture, Section, Table, Words
from runner.search.sweeps.facts import SweepFacts, TrialFacts

NOTE = (
    "A score here chose the trial that has it, and is no record's: golf sweep best --promote runs the best on fresh "
    "seeds. A bpb in brackets does not count: its trial is over the cap, or was ended early."
)
LOOKS: dict[str, Kind] = {"best": "good", "infeasible": "open", "pruned": "muted", "failed": "bad"}
FEW = 12
"""So few trials need no field to search them."""
MOST_POINTS = 600
"""Lines of the table behind a plot."""
STYLE = re.compile(r"colou?r|template|showscale", re.IGNORECASE)
"""What of a figure is Optuna's taste."""
EXTRA = "<extra></extra>"


class Figure(Protocol):
    """One plot: title, what it shows, plotly's JSON or '' and the problem."""

    @property
    def title(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def figure(self) -> str: ...
    @property
    def problem(self) -> str: ...


def sweep_page(facts: SweepFacts, plots: Sequence[Figure], summary: Sequence[str]) -> bytes:
    """The page. summary: lines for people, the best first."""
    told = [Words(line) for line in summary]
    sections = [
        Section("standing", "How it stands", (*told, Words(NOTE, "muted"))),
        Section("trials", "Trials", (trials_table(facts),)),
        *(_section(f"plot-{number}", plot) for number, plot in enumerate(plots, start=1)),
    ]
    return page(f"Sweep {facts.name}", sections).encode("utf-8", "replace")


def trials_table(facts: SweepFacts) -> Table:
    """Every trial, a column for each field that is searched."""
    paths = [str(dimension["path"]) for dimension in facts.space]
    rows = [list(_cells(trial, trial == facts.best, paths)) for trial in facts.trials]
    heads = ("trial", "state", "bpb", "bytes", "headroom", *paths, "seconds", "reason")
    align = "rlrrr" + "r" * len(paths) + "rl"
    return Table(heads, align, rows, sortable=True, filterable=len(rows) > FEW)


def _cells(trial: TrialFacts, is_best: bool, paths: Sequence[str]) -> Iterator[str | Cell]:
    state = "best" if is_best else trial.state
    score = "" if trial.bpb is None else fixed(trial.bpb, 4)
    room = None if trial.total_bytes is None or trial.cap_bytes is None else trial.cap_bytes - trial.total_bytes
    yield Cell(str(trial.number), trial.number)
    yield Cell(state, kind=LOOKS.get(state, ""))
    yield Cell(score if trial.state == "scored" or not score else f"({score})", trial.bpb)
    yield Cell(count(trial.total_bytes), trial.total_bytes)
    yield Cell(count(room), room)
    for path in paths:
        value = trial.params.get(path)
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        yield Cell(_value(value) if path in trial.params else "-", number)
    yield Cell(f"{trial.seconds:.0f}" if trial.seconds else "", trial.seconds or None)
    yield trial.reason


def _value(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _section(anchor: str, plot: Figure) -> Section:
    if not plot.figure:
        return Section(anchor, plot.title, (Words(plot.about), Words(plot.problem, "muted")))
    figure = json.loads(plot.figure)
    pictures = list(_by_field(figure, plot)) if _is_split(figure) else [_picture(figure, plot, "")]
    return Section(anchor, plot.title, (Words(plot.about), *pictures))


def _is_split(figure: dict[str, Any]) -> bool:
    """Whether it is several plots side by side."""
    return any(trace.get("xaxis", "x") != "x" for trace in figure["data"])


def _by_field(figure: dict[str, Any], plot: Figure) -> Iterator[Picture]:
    """Each of several plots as a picture of its own: where there is no room for all in a row they stand below each
    other."""
    axes = list(dict.fromkeys(trace.get("xaxis", "x") for trace in figure["data"]))
    for axis in axes:
        given = figure["layout"].get(f"xaxis{axis[1:]}", {})
        kept = {name: given[name] for name in ("title", "type") if name in given}
        first = figure["layout"].get("yaxis", {}).get("title", {})
        traces = [
            {name: value for name, value in trace.items() if name not in ("xaxis", "yaxis")}
            for trace in figure["data"]
            if trace.get("xaxis", "x") == axis
        ]
        alone = {"data": traces, "layout": {"xaxis": kept, "yaxis": {"title": first}}}
        yield _picture(alone, plot, str(given.get("title", {}).get("text", plot.title)), half=True)


def _picture(figure: dict[str, Any], plot: Figure, title: str, *, half: bool = False) -> Picture:
    layout = _plain({name: value for name, value in figure.get("layout", {}).items() if name != "title"})
    for shape in layout.get("shapes", ()):
        shape.setdefault("line", {})["color"] = "@muted"
    for note in layout.get("annotations", ()):
        note.setdefault("font", {})["color"] = "@muted"
    seen = [
        trace for trace in figure["data"] if any(x is not None for x in trace.get("x", ()))
    ]  # no keys to a legend
    traces = [_trace(_plain(trace), index) for index, trace in enumerate(seen)]
    lines = [trace for trace in traces if "customdata" in trace and trace.get("line", {}).get("dash") != "dot"]
    for trace in sorted(lines, key=lambda one: one["y"][0])[:1]:
        trace |= {"line": {"color": "@good", "width": 3}, "opacity": 1.0}
    drawn = {"data": traces, "layout": {**layout, "showlegend": False}}
    return Picture(drawn, _behind(traces, layout), plot.about, title=title, half=half)


def _trace(trace: dict[str, Any], index: int) -> dict[str, Any]:
    """In the page's colours: by place, and what is infeasible as everywhere."""
    over = "nfeasible" in str(trace.get("name", "")) or trace.get("line", {}).get("dash") == "dot"
    colour = "@open" if over else "@1" if "customdata" in trace else f"@{index % 8 + 1}"
    marker = {**trace.get("marker", {}), "color": colour}
    if over:
        marker["symbol"] = "triangle-up"
    return {**trace, "marker": marker, "line": {**trace.get("line", {}), "color": colour}}


def _plain(value: Any) -> Any:
    """Without Optuna's colours, and with line breaks as the frame has them."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if not STYLE.search(name)}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return value.replace(EXTRA, "").replace("<br>", "\n")
    return value


def _behind(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> Table:
    """The same in text."""
    if traces and "customdata" in traces[0]:
        heads = [str(name) for name, _ in traces[0]["customdata"]]
        listed = [[str(value) for _, value in trace["customdata"]] for trace in traces]
        return Table(heads, "r" * len(heads), listed[:MOST_POINTS])
    heads = [str(layout.get(axis, {}).get("title", {}).get("text", axis[0])) for axis in ("xaxis", "yaxis")]
    points: list[list[str | Cell]] = [
        [str(trace.get("name", "")), _value(x), _value(y)]
        for trace in traces
        for x, y in zip(trace.get("x", ()), trace.get("y", ()), strict=False)
        if x is not None and y is not None
    ]
    return Table(("series", *heads), "lrr", points[:MOST_POINTS])
