"""The leaderboard: what passed leads, unknown is a dash, an interval stays one, and hostile names are text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reports.page.many.entries import Entry, entry_of_audit, entry_of_record, labels, ranked
from reports.page.many.leaderboard import HEADS, headline, interval, leaderboard, row_of
from reports.page.section import Cell, Table
from runner.results.frozen import Interval
from runner.results.record import RecordData
from tests.fixtures.results import failed_result, failed_verification, phase, record, run_result, verification
from tests.reports.record.test_readme import hostile
from tests.runner.audit.entries import audited, write_entry


def entry(data: RecordData | None = None, folder: str = "records/one") -> Entry:
    return entry_of_record(Path(folder), data or record())


def cells(one: Entry) -> dict[str, str]:
    return {
        head: cell.text if isinstance(cell, Cell) else cell for head, cell in zip(HEADS, row_of(one), strict=True)
    }


def test_a_line_says_what_the_record_says() -> None:
    assert cells(entry()) == {
        "record": "quickstart",
        "verdict": "passed",
        "bpb": "1.7445 ± 0.0045",
        "seeds": "3",
        "95 % t interval": "1.7333 to 1.7557",
        "nats/token": "3.69917",
        "bytes": "1,553,389",
        "headroom B": "14,446,611",
        "train s": "57.9 to 58.0",
        "track": "local",
        "text": "asv (not shown to be the challenge's text)",
        "who says so": "measured",
        "date": "2026-01-02",
        "folder": "records/one",
    }


def test_what_is_not_known_is_a_dash_and_never_nothing() -> None:
    empty = record([failed_result(1337)], [failed_verification(1337)], seeds=(1337,))
    told = cells(entry(empty))
    assert {told[head] for head in ("bpb", "95 % t interval", "nats/token", "bytes", "headroom B", "train s")} == {
        "–"
    }
    assert (told["seeds"], told["verdict"]) == ("0 of 1", "rejected")
    row = row_of(entry(empty))
    assert [cell.order for cell in row if isinstance(cell, Cell)][2] is None


def test_the_size_is_unknown_where_one_seeds_is() -> None:
    data = record(verifications=[verification(1337), verification(42, artifact_bytes=None), verification(2024)])
    assert cells(entry(data))["bytes"] == "–"


def test_a_clock_that_is_an_interval_is_shown_as_one_and_not_rounded_across_its_limit() -> None:
    wide = phase("train", 58.0, clock=Interval(low=58.0, high=60.04))
    assert cells(entry(record([run_result(1337, train=wide)])))["train s"] == "58.0 to 60.04"


def test_one_seed_has_no_interval() -> None:
    assert interval(entry(record(seeds=(1337,)))) == "n/a"


def test_a_rejected_record_leads_nothing_whatever_it_scores() -> None:
    base = entry()
    assert base.sample is not None
    best = dataclasses.replace(
        base, name="best", standing="rejected", sample=base.sample.model_copy(update={"mean": 0.1})
    )
    stranger = dataclasses.replace(base, name="stranger", standing="claimed")
    assert [one.name for one in ranked([best, stranger, base])] == ["quickstart", "stranger", "best"]
    assert headline([best, stranger, base]) == "3 records: 1 passed, 1 audit: no error, 1 rejected."


def test_a_strangers_folder_is_told_as_its_logs_say(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "2026-01-01_Entry")
    told = cells(entry_of_audit(folder, audited(folder)))
    assert told["verdict"] in ("audit: no error", "audit: errors")
    assert told["bpb"] == "1.15102 ± 0.00093"
    assert told["bytes"] == "15,500,038"
    assert told["train s"] == "600.05"
    assert (told["who says so"], told["text"], told["date"]) == ("its logs say so", "–", "–")


def test_names_that_several_have_are_told_apart() -> None:
    one, two, three = entry(folder="a/x"), entry(folder="b/x"), entry(folder="b/y")
    assert labels([one, two, three]) == ["quickstart (a/x)", "quickstart (b/x)", "quickstart (y)"]
    assert labels([one]) == ["quickstart"]


def test_hostile_names_are_one_line_of_text() -> None:
    (_, table) = leaderboard([entry(hostile())]).parts
    assert isinstance(table, Table)
    (row,) = table.rows
    assert all("\n" not in (cell.text if isinstance(cell, Cell) else cell) for cell in row)
