"""The files of a record that are made from its results.json alone: the same data give the same bytes."""

from __future__ import annotations

from reports.record.environment import environment_json, requirements_txt
from reports.record.loss_svg import loss_svg
from reports.record.readme import render_readme
from reports.record.submission import submission_json
from reports.tables import seed_table, to_csv
from runner.results.record import RecordData

PICTURE = "loss.svg"


def pages(data: RecordData) -> dict[str, bytes]:
    """File name -> content."""
    made = {
        "README.md": render_readme(data),
        "submission.json": submission_json(data),
        "results.csv": to_csv(seed_table(data)),
        "environment.json": environment_json(data),
        "requirements.txt": requirements_txt(data),
        PICTURE: loss_svg(data.curves),
    }
    return {name: text.encode() for name, text in made.items() if text}


def results_json(data: RecordData) -> str:
    """The whole data as JSON; read back and written again it is the same bytes."""
    return data.model_dump_json(indent=2) + "\n"
