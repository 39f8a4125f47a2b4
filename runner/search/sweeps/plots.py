"""Optuna's own plots of a sweep, as plotly figures in JSON: history, importance, parallel coordinates, slices.

The other file that imports Optuna. What is made of the figures is the reporter's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.search.sweeps.study import INSTALL, quiet, read_study

TARGET = "bits per byte"


@dataclass(frozen=True)
class Plot:
    """One figure, or why there is none."""

    title: str
    about: str
    figure: str
    """plotly's JSON; '' where it could not be drawn."""
    problem: str = ""


def plots_of(journal: Path) -> list[Plot]:
    """Every plot of a journal. UserError where plotly is not installed."""
    try:
        with quiet():
            import plotly  # noqa: F401
            from optuna import importance, visualization
    except ImportError:
        raise UserError(f"{journal}: {INSTALL}; the plots need plotly, too") from None
    study = read_study(journal)
    if study is None:
        return []
    drawn: list[tuple[str, str, Callable[[], Any]]] = [
        (
            "History",
            "Each trial's score, and the best until then.",
            lambda: visualization.plot_optimization_history(study, target_name=TARGET),
        ),
        (
            "Importance",
            "How much each field has to do with being among the better trials (PED-ANOVA); no measure of its effect.",
            lambda: visualization.plot_param_importances(
                study, evaluator=importance.PedAnovaImportanceEvaluator(), target_name=TARGET
            ),
        ),
        (
            "Parallel coordinates",
            "A line a trial, through the values that it had.",
            lambda: visualization.plot_parallel_coordinate(study, target_name=TARGET),
        ),
        (
            "Slices",
            "Each field by itself against the score.",
            lambda: visualization.plot_slice(study, target_name=TARGET),
        ),
    ]
    if any(len(trial.intermediate_values) > 1 for trial in study.get_trials(deepcopy=False)):
        drawn.append(
            (
                "Validations in mid-run",
                "What the pruner saw, by step.",
                lambda: visualization.plot_intermediate_values(study),
            )
        )
    return [_plot(title, about, draw) for title, about, draw in drawn]


def _plot(title: str, about: str, draw: Callable[[], Any]) -> Plot:
    try:
        with quiet():
            figure = draw()
            if not figure.data:
                return Plot(title, about, "", "not drawn: too few trials have a score")
            return Plot(title, about, figure.to_json())
    except (ValueError, RuntimeError) as error:  # Optuna's words for too few trials, or trials that are all alike
        return Plot(title, about, "", f"not drawn: {error}")
