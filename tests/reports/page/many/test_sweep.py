"""A sweep's page: needs nothing else, says what counts, and lets no name or reason become markup."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from reports.page.many.sweep import sweep_page
from runner.search.sweeps.facts import TrialFacts
from runner.search.sweeps.plots import plots_of
from tests.runner.search.sweeps.test_plots import journal_of
from tests.runner.search.sweeps.test_promote import facts


@dataclass(frozen=True)
class Plot:
    title: str = "History"
    about: str = "Scores."
    figure: str = ""
    problem: str = "not drawn: too few"


HOSTILE = "</script><script>alert(1)</script>"


def test_the_page_marks_the_best_and_brackets_what_does_not_count() -> None:
    page = sweep_page(facts(Path("x"), 1.3, None, 1.1), [Plot()], ["best: trial 2"]).decode()
    assert re.search(r'<td class="r" data-order="2">2</td><td class="good">best</td><td [^>]*>1\.1000</td>', page)
    assert re.search(r'<td class="open">infeasible</td><td [^>]*>\(0\.5000\)</td>', page)
    assert "not drawn: too few" in page
    assert 'class="plot"' not in page


def test_it_has_the_frame_and_the_navigation_of_every_page() -> None:
    drawn = Plot(figure=json.dumps({"data": [{"type": "scatter", "x": [0, 1], "y": [1, 2]}], "layout": {}}))
    page = sweep_page(facts(Path("x"), 1.3), [drawn], ["best: trial 0"]).decode()
    assert re.findall(r'<li><a href="#([a-z0-9-]+)">([^<]+)</a></li>', page) == [
        ("standing", "How it stands"),
        ("trials", "Trials"),
        ("plot-1", "History"),
    ]
    assert "sha256-" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", page.split("<script>", 1)[0])


def test_optunas_plots_are_drawn_in_the_pages_colours_and_slices_each_alone(tmp_path: Path) -> None:
    plots = plots_of(journal_of(tmp_path, 6))
    page = sweep_page(facts(tmp_path, 1.3), plots, []).decode()
    figures = [
        json.loads(text)
        for text in re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    ]
    assert len(figures) == 4 + 3  # three fields are searched
    colours = re.findall(r'"(?:\w*)color": ?"([^"]*)"', json.dumps(figures))
    assert colours
    assert all(re.fullmatch(r"@([1-8]|good|open|muted)", colour) for colour in colours)
    assert "extra" not in json.dumps(figures[2])
    assert [figure["data"][0].get("xaxis") for figure in figures] == [None] * 7
    assert sum("@good" in json.dumps(figure) for figure in figures) == 1


def test_what_others_wrote_stays_text() -> None:
    trial = TrialFacts(number=0, state="failed", params={HOSTILE: HOSTILE}, reason=HOSTILE)
    sweep = facts(Path("x"), 1.3).model_copy(
        update={"trials": [trial], "space": [{"path": HOSTILE}], "name": HOSTILE}
    )
    drawn = Plot(title=HOSTILE, about=HOSTILE, figure=json.dumps({"data": [{"name": HOSTILE}], "layout": {}}))
    page = sweep_page(sweep, [drawn], [HOSTILE]).decode()
    assert HOSTILE not in page
    assert page.count("alert(1)") > 5
