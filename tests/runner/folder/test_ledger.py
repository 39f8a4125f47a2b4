"""The ledger's chain: append-only, checked, and safe against a truncated last line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.folder.ledger import GENESIS, Ledger, check_chain


def filled(path: Path) -> Ledger:
    ledger = Ledger(path)
    ledger.append("registered", seeds=[1, 2])
    ledger.append("launched", seed=1, attempt=1)
    ledger.append("finished", seed=1, attempt=1, status="completed")
    return ledger


def test_entries_are_chained_and_counted(tmp_path: Path) -> None:
    ledger = filled(tmp_path / "ledger.jsonl")
    entries = check_chain(tmp_path / "ledger.jsonl")
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert entries[0]["prev"] == GENESIS
    assert entries[2]["prev"] == entries[1]["hash"]
    assert ledger.counts() == {"registrations": 1, "launches": 1, "completed": 1}


KEPT = (
    b'{"seq": 1, "time": "2026-01-02T03:04:05Z", "kind": "registered", "seeds": [1337, 42], '
    b'"prev": "0000000000000000000000000000000000000000000000000000000000000000", '
    b'"hash": "2a1a88ab0100ec5cdfa6887fd531ba41fba25d507d2e1addc3ad30ac36ad50db"}\n'
    b'{"seq": 2, "time": "2026-01-02T03:04:05Z", "kind": "launched", "seed": 1337, "attempt": 1, '
    b'"node": "n\\u00e9", '
    b'"prev": "2a1a88ab0100ec5cdfa6887fd531ba41fba25d507d2e1addc3ad30ac36ad50db", '
    b'"hash": "e7920b9bb8ed3e482b8ddbaa2f6dfdfef653a71daf9fa34a493de71873b22f45"}\n'
)
"""A ledger whose hashes were computed apart from this code: SHA-256 over an entry without its hash, keys sorted, as
compact ASCII JSON; the first one follows on 64 zeros."""


def test_a_ledger_of_fixed_bytes_is_read_and_goes_on_in_ten_years_as_today(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(KEPT)
    ledger = Ledger(path)
    assert [entry["kind"] for entry in ledger.entries] == ["registered", "launched"]
    assert ledger.entries[1]["node"] == "né"
    ledger.append("finished", seed=1337, attempt=1, status="completed")
    assert path.read_bytes().startswith(KEPT)
    assert check_chain(path)[2]["prev"] == "e7920b9bb8ed3e482b8ddbaa2f6dfdfef653a71daf9fa34a493de71873b22f45"
    last = path.read_bytes().splitlines()[2]
    assert last.startswith(b'{"seq":3,"time":"20')
    assert b", " not in last
    for old, new in ((b"0000", b"0001"), (b"1337, 42", b"1337,42 "), (b'"seq": 2', b'"seq": 3')):
        path.write_bytes(KEPT.replace(old, new, 1))
        if new == b"1337,42 ":
            assert len(check_chain(path)) == 2, "how it is spaced says nothing"
        else:
            with pytest.raises(UserError, match="chain is broken"):
                check_chain(path)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_changed_line_is_named(tmp_path: Path, number: int) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    lines = path.read_text().splitlines()
    entry = json.loads(lines[number])
    entry["time"] = "2001-01-01T00:00:00Z"
    lines[number] = json.dumps(entry)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=f"ledger.jsonl:{number + 1}: "):
        Ledger(path)


def test_a_dropped_line_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    with pytest.raises(UserError, match=r"ledger.jsonl:2: "):
        check_chain(path)


def test_a_torn_last_line_is_cut_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    with path.open("ab") as handle:
        handle.write(b'{"seq":4,"time":"20')
    ledger = Ledger(path)
    ledger.append("launched", seed=2, attempt=1)
    assert [entry["kind"] for entry in check_chain(path)] == ["registered", "launched", "finished", "launched"]


def test_an_append_that_fails_leaves_the_chain_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = filled(tmp_path / "ledger.jsonl")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("runner.folder.ledger.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            ledger.append("launched", seed=2, attempt=1)
    ledger.append("launched", seed=2, attempt=1)
    assert [entry["seq"] for entry in check_chain(tmp_path / "ledger.jsonl")] == [1, 2, 3, 4]


def test_the_ledger_knows_every_seed_ever_registered(tmp_path: Path) -> None:
    ledger = filled(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[7])
    assert ledger.registered_seeds() == [1, 2, 7]


def test_many_entries_at_once_are_one_chain_with_those_before_and_after(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1, 2, 3])
    ledger.extend("queued", [{"seed": seed} for seed in (1, 2, 3)])
    ledger.extend("queued", [])
    ledger.append("launched", seed=1)
    entries = check_chain(ledger.path)
    assert [entry["kind"] for entry in entries] == ["registered", "queued", "queued", "queued", "launched"]
    assert entries == Ledger(ledger.path).entries == ledger.entries
