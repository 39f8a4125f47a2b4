"""Optuna's own plots of a journal: all that can be drawn, and why the others cannot."""

from __future__ import annotations

import json
from pathlib import Path

from runner.search.sweeps.plots import plots_of
from runner.search.sweeps.study import Study
from tests.runner.search.sweeps.test_study import SPACE, scored, spec


def journal_of(folder: Path, trials: int) -> Path:
    journal = folder / "journal.log"
    study = Study(journal, spec(), SPACE)
    for index in range(trials):
        number, params = study.ask()
        study.report(number, 1, 2.0)
        study.report(number, 2, 1.5)
        study.tell(scored(number, params, 1.2 + (index % 3) / 10, size=900 if index else 1100))
    return journal


def test_every_plot_is_drawn_of_a_sweep_with_a_few_trials(tmp_path: Path) -> None:
    plots = plots_of(journal_of(tmp_path, 6))
    titles = ["History", "Importance", "Parallel coordinates", "Slices", "Validations in mid-run"]
    assert [plot.title for plot in plots] == titles
    assert [plot.problem for plot in plots] == [""] * 5
    assert all(json.loads(plot.figure)["data"] for plot in plots)


def test_of_too_few_trials_it_is_said_why_a_plot_is_missing(tmp_path: Path) -> None:
    plots = {plot.title: plot for plot in plots_of(journal_of(tmp_path, 0))}
    assert plots["Importance"].figure == ""
    assert plots["Importance"].problem == "not drawn: too few trials have a score"
    assert plots_of(tmp_path / "none.log") == []
