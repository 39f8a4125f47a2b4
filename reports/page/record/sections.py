"""One record's page, section by section."""

from __future__ import annotations

from reports.page.record.attempts import attempts_section
from reports.page.record.changes import changes_section
from reports.page.record.clocks import clocks_section
from reports.page.record.losses import losses_section
from reports.page.record.scores import scores_section
from reports.page.record.sizes import sizes_section
from reports.page.record.steps import steps_section
from reports.page.record.verdict import verdict_section
from reports.page.section import Section
from runner.results.record import RecordData

SECTIONS = (
    verdict_section,
    scores_section,
    losses_section,
    clocks_section,
    sizes_section,
    steps_section,
    changes_section,
    attempts_section,
)


def record_sections(data: RecordData) -> list[Section]:
    """All sections, in the order in which a reviewer asks."""
    return [section(data) for section in SECTIONS]
