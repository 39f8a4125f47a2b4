"""Audit findings on a page: counted, listed with their places, the gravest first, and hostile text as text."""

from __future__ import annotations

from pathlib import Path

from reports.page.frame import page
from reports.page.many import audits as many_audits
from reports.page.many.audits import audit_sections, findings_parts, folder_sections, kinds_picture, summary
from reports.page.section import Cell, Table
from runner.audit.facts import Audit, Claims, Finding, Severity

HOSTILE = "</script><img src=x onerror=alert(1)>"


def finding(kind: str = "over_cap", severity: Severity = "error", detail: str = "too large") -> Finding:
    return Finding(kind=kind, severity=severity, detail=detail, evidence=("README.md:3", "a.log:7"))


def audit(folder: str = "theirs/one", *findings: Finding) -> Audit:
    return Audit(
        folder=folder,
        track=None,
        claimed=Claims(val_bpb=1.1, bytes_total=None, n_seeds=None),
        runs=(),
        mean_val_bpb=None,
        std_val_bpb=None,
        n_primary_runs=0,
        findings=findings,
    )


def test_folders_are_counted_and_nothing_found_is_no_acquittal() -> None:
    found: list[tuple[Path, Audit | str]] = [
        (Path("a"), audit("a", finding())),
        (Path("b"), audit("b")),
        (Path("c"), "c: unreadable"),
    ]
    assert summary(found) == (
        "3 folders: 1 with errors, 1 without findings, 1 unreadable. Nothing of them was executed; a folder without "
        "findings may still be wrong in what no file of it says."
    )
    assert audit_sections([]) == []
    assert [one.anchor for one in audit_sections(found)] == ["audits", "findings"]


def test_bars_count_folders_and_not_findings() -> None:
    made = kinds_picture([audit("a", finding(), finding(detail="again")), audit("b", finding(severity="warn"))])
    assert made is not None
    assert [(trace["name"], trace["x"], trace["y"]) for trace in made.figure["data"]] == [
        ("error", [1], ["over_cap"]),
        ("warning", [1], ["over_cap"]),
    ]
    assert kinds_picture([audit()]) is None


def test_the_gravest_come_first_and_of_very_many_the_rest_is_counted() -> None:
    few = [audit("a", finding("x", "info"), finding("y", "error"), finding("z", "warn"))]
    (table,) = findings_parts(few)
    assert isinstance(table, Table)
    assert list(table.heads) == ["severity", "finding", "what", "where"], "of one folder it need not be told"
    assert [row[1] for row in table.rows] == ["y", "z", "x"]
    assert table.rows[0][3] == "README.md:3; a.log:7"
    many = [audit(f"f{number}", *[finding()] * 100) for number in range(many_audits.MOST_FINDINGS // 100 + 1)]
    words, table = findings_parts(many)
    assert isinstance(table, Table)
    assert len(table.rows) == many_audits.MOST_FINDINGS
    assert getattr(words, "text", "").startswith("100 lighter findings are not listed")


def test_of_very_many_folders_the_gravest_are_listed_and_the_rest_counted() -> None:
    audits = [audit(f"f{number}", *([finding()] if number == 350 else [])) for number in range(400)]
    section = audit_sections([(Path(one.folder), one) for one in audits])[0]
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    assert len(table.rows) == 300
    assert table.rows[0][0] == "f350"
    told = [getattr(part, "text", "") for part in section.parts]
    assert "100 more are not listed: name fewer folders to see them." in told


def test_one_folders_page_says_what_a_reviewer_would() -> None:
    sections = folder_sections(audit("theirs/one", finding()))
    assert [one.anchor for one in sections] == ["verdict", "findings"]
    assert getattr(sections[0].parts[0], "text", "") == "Does not hold as it stands – 1 error."


def test_hostile_text_stays_text_in_tables_and_figures() -> None:
    bad = audit(f"theirs/{HOSTILE}", finding(kind=HOSTILE, detail=HOSTILE))
    made = page("x", audit_sections([(Path("x"), bad)]))
    assert "<img" not in made
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in made


def test_a_long_detail_is_cut() -> None:
    (table,) = findings_parts([audit("a", finding(detail="x" * 2_000))])
    assert isinstance(table, Table)
    cell = table.rows[0][2]
    assert len(cell.text if isinstance(cell, Cell) else cell) == 400
