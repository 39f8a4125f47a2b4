"""A ledger's last line that was cut off while it was written, and one that somebody changed: told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.drive.recovery import open_ledger
from runner.errors import UserError
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import audit_ledger
from runner.folder.paths import RunFolder
from tests.runner.drive.test_run import Screen
from tests.runner.folder.test_ledger import filled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of three entries."""
    filled(tmp_path / "ledger.jsonl")
    return tmp_path / "ledger.jsonl"


def test_a_line_torn_at_any_byte_is_set_aside_and_the_chain_goes_on(path: Path) -> None:
    data = path.read_bytes()
    begin = data[:-1].rfind(b"\n") + 1
    for end in range(begin + 1, len(data) - 1, 5):
        path.write_bytes(data[:end])
        ledger = Ledger(path)
        assert ledger.torn["line"] == 3
        aside = path.with_name(str(ledger.torn["aside"]))
        assert aside.read_bytes() == data[begin:end]
        aside.unlink()
        ledger.append("finished", seed=1, attempt=1, status="completed")
        assert [entry["seq"] for entry in check_chain(path)] == [1, 2, 3]


def test_a_whole_line_that_lacks_only_its_end_is_kept(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert Ledger(path).torn == {}
    assert path.read_bytes() == data


def test_blocks_that_a_power_cut_left_unwritten_are_nothing(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * 100)
    ledger = Ledger(path)
    assert ledger.torn["bytes"] == 0
    assert path.read_bytes() == data
    path.write_bytes(data + b'{"seq":4,"ti' + b"\0" * 100)
    assert Ledger(path).torn["bytes"] == len(b'{"seq":4,"ti')


@pytest.mark.parametrize(
    "rest",
    [
        b"x",
        b'{"seq":5,"time":"20',
        b'{"seq":4,"kind":"laun',
        b'{"seq":4,"time":"now","kind":"launched"}',
        b"\n",
        b"[]",
    ],
)
def test_what_is_not_the_beginning_of_the_next_line_was_written_by_somebody_else(path: Path, rest: bytes) -> None:
    with path.open("ab") as file:
        file.write(rest)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"ledger.jsonl:4: the ledger's chain is broken here"):
        Ledger(path)
    assert path.read_bytes().rstrip(b"\n") == before.rstrip(b"\n")


def test_a_changed_last_line_fails_with_and_without_its_end(path: Path) -> None:
    data = path.read_bytes().replace(b'"status":"completed"', b'"status":"failed"')
    for tampered in (data, data[:-1]):
        path.write_bytes(tampered)
        with pytest.raises(UserError, match=r"ledger.jsonl:3: "):
            Ledger(path)


def test_the_driver_says_what_it_set_aside_and_notes_it_in_the_chain(tmp_path: Path) -> None:
    folder, screen = RunFolder(tmp_path), Screen()
    filled(folder.ledger)
    with folder.ledger.open("ab") as file:
        file.write(b'{"seq":4,"time":"2026')
    open_ledger(folder, screen.console)
    assert "line 4 was cut off while it was written" in screen.text
    last = check_chain(folder.ledger)[-1]
    assert (last["kind"], last["bytes"]) == ("torn", 21)
    open_ledger(folder, screen.console)
    assert screen.text.count("was cut off") == 1


def test_a_look_from_outside_reads_up_to_the_torn_line_and_changes_nothing(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"seq":4,"time":"2026')
    before = path.read_bytes()
    audit = audit_ledger(path)
    assert audit.problems == []
    assert any("line 4 is cut off" in line for line in audit.lines)
    assert path.read_bytes() == before
    with pytest.raises(UserError, match=r"ledger.jsonl:4: "):
        check_chain(path)
