"""The table of docs/jobs.md in which plans stand beside published figures: of plans it says what golf says."""

from __future__ import annotations

import pytest

from golf_model.shapes import parameter_count
from runner.job.hardware import PROFILES
from runner.job.load import load_job
from runner.plan.footprint import memory, processes, step_flops
from runner.plan.model_summary import job_forecast
from runner.plan.step_time import on_accelerators
from tests.fixtures.places import DOCS, JOBS

CODE = 46_000
"""About what the scripts take."""
COLUMNS = {"pr1394": 1, "frontier": 3, "frontier_caseops": 3}


def rows() -> dict[str, list[str]]:
    """What a row is of -> its cells, from 1 on."""
    lines = (DOCS / "jobs.md").read_text(encoding="utf-8").partition("### The plan beside")[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row for row in cells[2:]}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_table_says_what_is_planned(name: str) -> None:
    job, table = load_job(JOBS / f"{name}.yaml"), {title: row[COLUMNS[name]] for title, row in rows().items()}
    step = on_accelerators(job.config, PROFILES[job.hardware], processes(job))
    assert step.seconds is not None
    assert table["parameters"] == f"{parameter_count(job.config.model):,}"
    assert table["FLOPs a step"] == f"{step_flops(job.config):.3e}"
    assert table["a step, ms"] == f"{1000 * step.seconds:.0f}"
    assert table["memory of a process, MiB"] == f"{memory(job.config, processes(job)).total / (1 << 20):,.0f}"
    documented = int(table["bytes with script, likeliest"].removeprefix("about ").replace(",", ""))
    forecast = job_forecast(job, CODE)
    assert forecast.expected == pytest.approx(documented, rel=1e-3)
    if job.config.export.solves_factor or job.config.export.solves_step:
        assert table["bytes, certain range"] == f"{forecast.low:,} to {forecast.high:,}"
    else:
        assert table["bytes, certain range"] == f"{forecast.low / 1e6:.1f} to {forecast.high / 1e6:.1f} million"
