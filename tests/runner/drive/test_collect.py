"""The driver's side of an attempt: whole files, one result, nothing counted that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.drive.collect import Collector, finished_attempt, read_result
from runner.files import sha256_bytes, sha256_file
from runner.folder.paths import RunFolder
from runner.node.messages import ArtifactBytes, Event, Finished, LogChunk, Started
from runner.results import Host
from tests.runner.node.test_attempt import spec_for

HOST = Host(node="here", hardware="cpu", device="some CPU", cpus=2, nproc=1)
SCRIPT_SHA = sha256_bytes(b"script")


def collector(folder: RunFolder) -> Collector:
    return Collector(spec_for(b"script", job="fake"), folder.new_attempt(42))


def finish_well(taking: Collector, data: bytes = b"weights", sha256: str | None = None) -> None:
    taking.take(Started("node", "folder"))
    taking.take(LogChunk("train", b"seed:42\nscore rule:plain tokens:10 bytes:24 val_"))
    taking.take(LogChunk("train", b"loss:2.5 val_bpb:1.5\n"))
    taking.take(Event("train", "train_end", 1.5))
    taking.take(LogChunk("eval", b"final_score rule:plain tokens:10 bytes:24 val_loss:2.5 val_bpb:1.5"))
    taking.take(ArtifactBytes("model.ptz", data, sha256 or sha256_bytes(data)))
    taking.take(Finished("completed", "", None, None, HOST))


def test_a_finished_attempt_is_on_disk_whole(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    finish_well(taking)
    result = read_result(taking.folder.result)
    assert result is not None
    assert result == taking.result
    assert result.status == "completed"
    assert result.train_score is not None
    assert result.train_score.val_loss == 2.5
    assert result.final_score is not None
    assert taking.folder.log("train").read_bytes().startswith(b"seed:42\nscore")
    assert taking.folder.artifact("model.ptz").read_bytes() == b"weights"
    assert '"train_end"' in taking.folder.events.read_text()


def test_the_cuda_version_that_the_script_names_stands_among_the_nodes_versions(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(LogChunk("train", b"driver:580.95.05 cuda:13.0 system:Linux 6.8\n"))
    finish_well(taking)
    assert taking.result is not None
    assert taking.result.host is not None
    assert taking.result.host.versions == {"cuda": "13.0"}


def test_an_artifact_with_another_hash_is_not_taken(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    finish_well(taking, sha256="0" * 64)
    assert taking.result is not None
    assert (taking.result.status, taking.result.artifact) == ("lost", None)
    assert "the artifact arrived damaged" in taking.result.reason


def test_a_failure_carries_the_last_log_lines(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(LogChunk("train", b"one\n\ntwo\nthe end"))
    result = taking.finish("lost", "its node died")
    assert result.reason.splitlines() == ["its node died", "| one", "| two", "| the end"]


def vouched(folder: RunFolder) -> set[str]:
    return {sha256_file(attempt.result) for attempt in folder.attempts(42) if attempt.result.exists()}


def test_only_a_completed_attempt_of_this_script_with_its_artifact_counts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert finished_attempt(folder.attempts(42), SCRIPT_SHA, vouched(folder)) is None
    collector(folder)  # cut off: no result
    lost = collector(folder)
    lost.finish("lost", "gone")
    assert finished_attempt(folder.attempts(42), SCRIPT_SHA, vouched(folder)) is None
    good = collector(folder)
    finish_well(good)
    found = finished_attempt(folder.attempts(42), SCRIPT_SHA, vouched(folder))
    assert found == good.result
    assert finished_attempt(folder.attempts(42), "another script", vouched(folder)) is None
    good.folder.artifact("model.ptz").write_bytes(b"changed")
    assert finished_attempt(folder.attempts(42), SCRIPT_SHA, vouched(folder)) is None


def test_a_result_that_was_edited_does_not_count(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    good = collector(folder)
    finish_well(good)
    known = vouched(folder)
    text = good.folder.result.read_text()
    good.folder.result.write_text(text.replace('"val_bpb": 1.5', '"val_bpb": 1.1'))
    assert finished_attempt(folder.attempts(42), SCRIPT_SHA, known) is None


@pytest.mark.parametrize("content", ["", "{", '{"job": "of another version"}', "[]"])
def test_an_unreadable_result_is_no_result(tmp_path: Path, content: str) -> None:
    folder = RunFolder(tmp_path)
    attempt = folder.new_attempt(42)
    attempt.result.write_text(content)
    (attempt.path.parent / "attempt-1.bak").mkdir()
    assert read_result(attempt.result) is None
    assert finished_attempt(folder.attempts(42), SCRIPT_SHA, vouched(folder)) is None


def test_attempts_are_numbered_as_numbers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for expected in range(1, 12):
        assert folder.new_attempt(7).number == expected
    assert [attempt.number for attempt in folder.attempts(7)] == list(range(1, 12))


def test_a_full_disk_reaches_the_driver(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    taking = collector(RunFolder(tmp_path))
    taking.folder.log("train").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        taking.take(LogChunk("train", b"x"))
    taking.close()
    assert not taking.folder.result.exists()
