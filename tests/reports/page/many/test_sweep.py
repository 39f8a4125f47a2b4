"""A sweep's page: needs nothing else, says what counts, and lets no name or reason become markup."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from reports.across.sweep_page import sweep_page
from runner.search.sweeps.facts import TrialFacts
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
    assert re.search(r'<tr class="best"><td>2</td><td>scored</td><td>1\.1000</td>', page)
    assert '<tr class="infeasible"><td>3</td><td>infeasible</td><td>(0.5000)</td>' in page
    assert "not drawn: too few" in page
    assert "Plotly" not in page


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    drawn = Plot(figure=json.dumps({"data": [{"y": [1, 2]}], "layout": {}}))
    page = sweep_page(facts(Path("x"), 1.3), [drawn], []).decode()
    ours = page.split("<script>", 1)[0] + page.rsplit("</script>", 2)[1]
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", ours)
    assert "default-src 'none'" in page
    assert 'Plotly.newPlot("plot-1"' in page
    assert len(page) > 1_000_000  # plotly itself


def test_what_others_wrote_stays_text() -> None:
    trial = TrialFacts(number=0, state="failed", params={HOSTILE: HOSTILE}, reason=HOSTILE)
    sweep = facts(Path("x"), 1.3).model_copy(
        update={"trials": [trial], "space": [{"path": HOSTILE}], "name": HOSTILE}
    )
    drawn = Plot(title=HOSTILE, about=HOSTILE, figure=json.dumps({"data": [{"name": HOSTILE}], "layout": {}}))
    page = sweep_page(sweep, [drawn], [HOSTILE]).decode()
    assert HOSTILE not in page
    assert page.count("alert(1)") > 5
