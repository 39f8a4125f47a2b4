"""What changes from one job to another: the tables of `golf model diff`.

Speaks of everything that has a say in a run, and leaves out the words that only describe one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import parameter_count, payload_bytes
from runner.job.base import flat_fields
from runner.job.spec import BESIDE_THE_RUN, JobSpec, resolved
from runner.plan.footprint import flops, memory, processes
from runner.plan.model_summary import MEBI, figures_table, job_forecast
from runner.plan.tensor_lines import folded, tensors_of

NOT_OF_THE_RUN = (
    *("name", "blurb", "base", "notes", "method", "claim", "reference", "author", "github_id"),
    *BESIDE_THE_RUN,
)
"""Fields that describe a job and change nothing in it."""


@dataclass(frozen=True)
class Side:
    """One of the two jobs."""

    title: str
    """Heads its columns."""
    job: JobSpec
    code_bytes: int
    """Of the script that is shipped."""


def changed_fields(one: JobSpec, other: JobSpec) -> list[tuple[str, Any, Any]]:
    """(field, value here, value there) of everything that differs and has a say in the run; absent is None."""
    here, there = (
        dict(flat_fields({name: value for name, value in resolved(job).items() if name not in NOT_OF_THE_RUN}))
        for job in (one, other)
    )
    return [(name, here.get(name), there.get(name)) for name in here | there if here.get(name) != there.get(name)]


def changed_tensors(one: GolfConfig, other: GolfConfig) -> list[tuple[str, str, str]]:
    """(tensors, shape and scheme here, there) of all that are not the same in both; '' where absent.

    Compared tensor by tensor and folded afterwards: two more blocks are two more blocks, and the others unchanged.
    """
    here, there = (
        {name: f"{tensor.shape_text} {tensor.scheme}" for name, tensor in tensors_of(config).items()}
        for config in (one, other)
    )
    both = {name: (here.get(name, ""), there.get(name, "")) for name in here | there}
    changed = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
    return [(line.title, *line.said) for line in folded(changed)]


def totals(side: Side) -> dict[str, int]:
    """The figures that two models are compared by."""
    config = side.job.config
    forecast = job_forecast(side.job, side.code_bytes)
    return {
        "parameters": parameter_count(config.model),
        "payload bytes": payload_bytes(config.model, config.export),
        "expected bytes": forecast.expected or 0,
        "expected bytes, least": forecast.low,
        "expected bytes, most": forecast.high,
        "FLOPs per token, forward": flops(config).forward,
        "memory estimate, MiB": memory(config, processes(side.job)).total // MEBI,
    }


def diff_tables(one: Side, other: Side) -> list[Table]:
    """Fields, tensors and totals that differ; [] where nothing does."""
    fields = changed_fields(one.job, other.job)
    if not fields:
        return []
    shown = [(name, shown_value(here), shown_value(there)) for name, here, there in fields]
    tensors = changed_tensors(one.job.config, other.job.config)
    tables = [changes_table("field", one, other, shown)]
    if tensors:
        tables.append(changes_table("tensor", one, other, tensors))
    return [*tables, totals_table(one, other)]


def changes_table(what: str, one: Side, other: Side, rows: list[tuple[str, str, str]]) -> Table:
    """What differs, both ways; a job's own words are shown as they are, never read as markup."""
    table = figures_table(what, one.title, other.title, texts=3)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def shown_value(value: Any) -> str:
    """A value of a job for people: as YAML would have it, and a dash where there is none."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "–" if value is None else str(value) or '""'


def totals_table(one: Side, other: Side) -> Table:
    """The totals of both, and the difference."""
    table = figures_table("total", one.title, other.title, "difference")
    here, there = totals(one), totals(other)
    for title, figure in here.items():
        table.add_row(title, f"{figure:,}", f"{there[title]:,}", f"{there[title] - figure:+,}")
    return table
