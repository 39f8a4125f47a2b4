"""What a ledger's readers say and where they stop, each with its exact words and one case on either side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.files import sha256_bytes, sha256_file
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import audit_ledger, audit_run, hash_of, is_known
from runner.folder.paths import RunFolder
from runner.folder.recorded import note_record, record_of
from runner.folder.trainings import read_trained
from runner.results.runs import EvidenceFile
from tests.fixtures.results import run_result
from tests.runner.folder.test_ledger import filled
from tests.runner.folder.test_trainings import trained_in

MIB = 1_048_576


def sparse(path: Path, size: int) -> Path:
    """A file of so many zeros, which takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_every_line_that_is_told_of_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1, 2])
    ledger.append("launched", seed=1, attempt=1)
    ledger.append("finished", seed=1, attempt=1, status="failed")
    ledger.append("launched", seed=1, attempt=2, trained_by=1)
    ledger.append("stopped", reason="x" * 400)
    ledger.append("stopped", reason="y" * 401)
    ledger.append("registered", seeds=[7])
    ledger.append("launched", seed=7, attempt=1, trained_by="b" * 20)
    ledger.append("launched", seed=7, attempt=2, trained_by="c" * 21)
    times = [entry["time"] for entry in ledger.entries]
    open_end = "no end noted: its driver was killed, or runs still"
    audit = audit_ledger(ledger.path)
    assert audit.problems == []
    assert audit.lines == [
        f"{ledger.path}: 9 entries, chain whole, head {ledger.entries[-1]['hash'][:16]}",
        f"registered {times[0]}: seeds 1, 2",
        f"registered {times[6]} (later): seeds 7",
        f"launched {times[1]}: seed 1 attempt 1: failed",
        f"launched {times[3]}: seed 1 attempt 2, scores attempt 1's artifact: {open_end}",
        f"stopped {times[4]}: {'x' * 400}",
        f"stopped {times[5]}: {'y' * 397}...",
        f"launched {times[7]}: seed 7 attempt 1, scores attempt {'b' * 20}'s artifact: {open_end}",
        f"launched {times[8]}: seed 7 attempt 2, scores attempt {'c' * 17}...'s artifact: {open_end}",
    ]


def test_a_seed_that_was_launched_before_it_was_registered_or_without_is_a_problem(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1])
    for seed in (1, 2, 3):
        ledger.append("launched", seed=seed, attempt=1)
    ledger.append("registered", seeds=[2])
    ledger.append("launched", seed=1, attempt=2)
    assert audit_ledger(ledger.path).problems == [
        f"{ledger.path}: entry 3: seed 2 was launched and only later registered",
        f"{ledger.path}: entry 4: seed 3 was launched and never registered",
    ]


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        ({"kind": "noted", "time": "now"}, True),
        ({"kind": "noted", "time": 7}, False),
        ({"kind": "noted"}, False),
        ({"kind": None, "time": "now"}, False),
        ({"kind": "noted", "time": "now", "seeds": "all"}, True),
        ({"kind": "registered", "time": "now", "seeds": []}, True),
        ({"kind": "registered", "time": "now", "seeds": [1, 2]}, True),
        ({"kind": "registered", "time": "now", "seeds": [1, "2"]}, False),
        ({"kind": "registered", "time": "now", "seeds": [True]}, False),
        ({"kind": "registered", "time": "now", "seeds": 1}, False),
        ({"kind": "launched", "time": "now", "seed": 1, "attempt": 1}, True),
        ({"kind": "launched", "time": "now", "seed": 1, "attempt": "1"}, False),
        ({"kind": "look", "time": "now", "seeds": [1], "p": 0.5, "level": 0.1, "decision": "on"}, True),
        ({"kind": "look", "time": "now", "seeds": ["1"], "p": 0.5, "level": 0.1, "decision": "on"}, False),
        ({"kind": "design", "time": "now", "seeds": [1], "looks": [], "levels": []}, True),
        ({"kind": "design", "time": "now", "seeds": [1.5], "looks": [], "levels": []}, False),
    ],
)
def test_an_entry_is_known_where_it_has_what_its_kind_has(entry: dict[str, Any], known: bool) -> None:
    assert is_known(entry) is known


def test_the_first_strange_entry_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1])
    ledger.append("launched", seed="1", attempt=1)
    ledger.append("launched", seed="2", attempt=1)
    told = f"{ledger.path}: entry 2: is none that golf writes, though its hash is right"
    assert audit_ledger(ledger.path).problems == [told]


def test_of_what_is_no_file_or_cannot_be_read_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"no such file; give a ledger.jsonl, or a run$"):
        audit_ledger(tmp_path / "none")
    path = sparse(tmp_path / "ledger.jsonl", 256 * MIB + 1)
    with pytest.raises(
        UserError, match=r"268,435,457 bytes; at most 268,435,456 are read; give a ledger.jsonl, or a run"
    ):
        audit_ledger(path)

    def closed(*given: Any) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("runner.untrusted.os.open", closed)
        with pytest.raises(UserError, match=r"cannot be read: Permission denied; give a ledger.jsonl, or a run$"):
            audit_ledger(path)
    assert hash_of(sparse(tmp_path / "result.json", 64 * MIB + 1)) == ""


def test_a_note_of_a_training_is_read_up_to_sixteen_megabytes(tmp_path: Path) -> None:
    attempt = RunFolder(tmp_path).new_attempt(7)
    note = trained_in(attempt, by=1)
    text = attempt.trained.read_text()
    attempt.trained.write_text(text.ljust(16 * MIB))
    assert read_trained(attempt.trained) == note
    attempt.trained.write_text(text.ljust(16 * MIB + 1))
    assert read_trained(attempt.trained) is None


def test_a_note_of_a_record_counts_for_its_ledger_and_is_small(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "a-1")
    Ledger(run.ledger).append("registered", seeds=[1])
    place = tmp_path / "passed" / "a"
    place.mkdir(parents=True)
    note_record(run, "passed", place)
    assert record_of(run) is None, "there is no record"
    (place / "results.json").write_text("{}")
    noted = record_of(run)
    assert noted is not None
    assert (noted.verdict, noted.place, noted.ledger_bytes) == ("passed", "passed/a", run.ledger.stat().st_size)
    text = run.recorded.read_text()
    run.recorded.write_text(text.ljust(65_536))
    assert record_of(run) == noted
    run.recorded.write_text(text.ljust(65_537))
    assert record_of(run) is None


def test_an_append_that_fails_leaves_a_new_ledger_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "deep" / "run" / "ledger.jsonl")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("runner.folder.ledger.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            ledger.append("registered", seeds=[1])
    assert ledger.path.read_bytes() == b""
    assert ledger.entries == []


def test_in_somebodys_copy_nothing_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    assert Ledger(path, read_only=True).torn == {}
    rest = b'{"seq":4,"time":"20'
    with path.open("ab") as file:
        file.write(rest)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"ledger.jsonl:4: "):
        Ledger(path, read_only=True)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.jsonl"]
    digest = sha256_bytes(rest)
    aside = f"ledger.torn-4-{digest[:8]}"
    assert Ledger(path).torn == {"line": 4, "bytes": 19, "sha256": digest, "aside": aside}


def test_a_line_of_the_next_number_alone_may_be_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    whole = path.read_bytes()
    for rest, entries in ((b'{"seq":4,"ti', 3), (b"{", 3), (b"\0\0", 3), (b'{"seq":5,"ti', None), (b"[", None)):
        path.write_bytes(whole + rest)
        if entries is None:
            with pytest.raises(UserError, match=r"ledger.jsonl:4: "):
                check_chain(path, unfinished_ok=True)
        else:
            assert len(check_chain(path, unfinished_ok=True)) == entries
        with pytest.raises(UserError, match=r"ledger.jsonl:4: "):
            check_chain(path)


def test_a_whole_line_without_its_end_gets_one_in_place_of_blocks_that_were_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path)
    whole = path.read_bytes()
    brought: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", brought.append)
        for end in (b"", b"\0" * 100):
            path.write_bytes(whole[:-1] + end)
            assert Ledger(path).torn == {}
            assert path.read_bytes() == whole
    assert len(brought) == 2, "each brought to the device"


def test_what_ended_and_what_is_vouched_for_and_how_often(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1, 2])
    ledger.append("registered", seeds=[3])
    for seed, attempt, status, sha in (
        (1, 1, "failed", "a"),
        (1, 2, "completed", "b"),
        (1, 3, "completed", "c"),
        (2, 1, "lost", None),
        (3, 1, "completed", "d"),
        (3, 2, "failed", "e"),
    ):
        ledger.append("launched", seed=seed, attempt=attempt)
        told = {} if sha is None else {"result_sha256": sha}
        ledger.append("finished", seed=seed, attempt=attempt, status=status, **told)
    assert ledger.completed() == {1: 3, 3: 1}
    assert ledger.finished_hashes() == {"a", "b", "c", "d", "e"}
    assert ledger.counts() == {"registrations": 2, "launches": 6, "completed": 3, "failed": 2, "lost": 1}
    assert ledger.registered_seeds() == [1, 2, 3]


def test_a_run_whose_last_line_is_cut_off_is_held_against_what_came_before(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    ledger, attempt = Ledger(run.ledger), run.new_attempt(7)
    ledger.append("registered", seeds=[7])
    for kind in ("queued", "launched"):
        ledger.append(kind, seed=7, attempt=1)
    noted = [EvidenceFile(name="n" * 600, bytes=5, sha256="ab")]
    attempt.result.write_text(run_result(7, evidence=noted).model_dump_json())
    ledger.append("finished", seed=7, attempt=1, status="completed", result_sha256=sha256_file(attempt.result))
    with run.ledger.open("ab") as file:
        file.write(b'{"seq":5,"time":"20')
    told = audit_run(run)
    assert any("line 5 is cut off" in line for line in told.lines)
    (problem,) = told.problems
    place, _, why = problem.partition(": ")
    assert (len(place), place[-6:], why) == (
        400,
        "nnn...",
        "is no file of the seed's attempts; the result vouches for it",
    )
    attempt.result.write_text("{}")
    assert audit_run(run).problems == [
        f"{attempt.result}: was changed after the ledger vouched for it; it counts no more"
    ]
