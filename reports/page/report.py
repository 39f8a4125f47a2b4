"""`golf report --format html`: one record's page."""

from __future__ import annotations

from pathlib import Path

from reports.page.frame import page
from reports.page.record.sections import record_sections
from reports.record.rebuild import BENT
from runner.errors import UserError
from runner.results.record import RecordData


def record_page(data: RecordData, folder: Path) -> bytes:
    """The page of one record. UserError where its results hold what no page can be made of."""
    try:
        return page(f"{data.name}: {data.verdict.status}", record_sections(data)).encode("utf-8", "replace")
    except BENT as error:
        raise UserError(f"{folder}: no page can be made of it ({type(error).__name__}: {error})") from error
