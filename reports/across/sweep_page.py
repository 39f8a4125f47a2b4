"""A sweep as one HTML page that needs nothing else: trials, winner's curse, and Optuna's plots with plotly inside.

Figures come as plotly's JSON. Names and reasons come from jobs and logs, and are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runner.search.sweeps.facts import SweepFacts, TrialFacts

HTML = Environment(loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined)


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
    from plotly.offline import get_plotlyjs

    paths = [dimension["path"] for dimension in facts.space]
    best = facts.best
    rows = [(trial, trial == best, _cells(trial, paths)) for trial in facts.trials]
    heads = ("trial", "state", "bpb", "bytes", "headroom", *paths, "seconds", "reason")
    page = HTML.get_template("sweep.html.j2").render(
        facts=facts,
        summary=summary,
        heads=heads,
        rows=rows,
        plots=[(plot, Markup(_embedded(plot.figure)) if plot.figure else "") for plot in plots],
        plotly=Markup(get_plotlyjs()) if any(plot.figure for plot in plots) else "",
    )
    return (page + "\n").encode()


def _embedded(figure: str) -> str:
    """JSON that cannot end the script element in which it stands."""
    return (
        json.dumps(json.loads(figure))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _cells(trial: TrialFacts, paths: Sequence[str]) -> list[str]:
    room = None if trial.total_bytes is None or trial.cap_bytes is None else trial.cap_bytes - trial.total_bytes
    score = "" if trial.bpb is None else f"{trial.bpb:.4f}"
    return [
        str(trial.number),
        trial.state,
        score if trial.state == "scored" or not score else f"({score})",
        _count(trial.total_bytes),
        _count(room),
        *(_value(trial.params[path]) if path in trial.params else "-" for path in paths),
        f"{trial.seconds:.0f}" if trial.seconds else "",
        trial.reason,
    ]


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _value(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
