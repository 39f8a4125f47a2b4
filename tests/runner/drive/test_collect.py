"""The driver's side of an attempt: whole files, one result, nothing counted that is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.drive.collect import Collector, finished_attempt, read_result
from runner.files import sha256_bytes, sha256_file
from runner.folder.paths import RunFolder
from runner.folder.trainings import read_trained, train_log, whole_training
from runner.node.messages import (
    ArtifactBytes,
    Event,
    Finished,
    KeptBytes,
    KeptEnded,
    LeftBehind,
    LogChunk,
    Started,
    TrainingEnded,
)
from runner.results.nodes import Host
from runner.results.runs import Failure, LeftFile, Leftovers, RunResult
from tests.fixtures.results import phase
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


TRACE = b"""Traceback (most recent call last):
  File "/w/eval/train_gpt.py", line 120, in evaluate
ValueError: bad shape
"""
TORCHRUNS = b"E1128 13:26:35.5 29077 torch/distributed/elastic/multiprocessing/api.py:1002] "


def failed(
    taking: Collector, eval_code: int | None = None, train_code: int = 0, reason: str = "it ended"
) -> RunResult:
    scored = None if eval_code is None else phase("eval", 1.0, returncode=eval_code)
    taking.take(Finished("failed", reason, phase("train", 1.0, returncode=train_code), scored, HOST))
    assert taking.result is not None
    return taking.result


def test_the_exception_that_the_script_ended_by_comes_first_and_is_kept_as_a_value(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(LogChunk("train", TRACE.replace(b"ValueError", b"KeyError")))
    taking.take(LogChunk("eval", b"scoring\n" + TRACE))
    result = failed(taking, 1, reason="the eval process ended with exit code 1")
    assert result.reason.splitlines()[:3] == [
        "ValueError: bad shape (train_gpt.py:120 in evaluate)",
        "the eval process ended with exit code 1",
        "| scoring",
    ]
    assert result.failure == Failure(
        phase="eval",
        exit_code=1,
        seconds=10.5,
        error="ValueError",
        message="bad shape",
        place="train_gpt.py:120 in evaluate",
    )


@pytest.mark.parametrize(
    ("log", "code", "reason", "failure"),
    [
        (b"", 7, ["it ended with exit code 7"], (7, "")),
        (b"", -9, ["it ended with exit code -9"], (-9, "")),
        (TRACE, -9, ["it ended with exit code -9"], (-9, "")),
        (TRACE, 0, ["it ended with exit code 0"], (0, "")),
        (
            TORCHRUNS + b"failed (exitcode: -9) x\n",
            1,
            ["it ended with exit code 1: torchrun tells of signal 9 (SIGKILL) in the rank that failed first"],
            (-9, ""),
        ),
        (
            TORCHRUNS + b"failed (exitcode: 2) x\n",
            1,
            ["it ended with exit code 1: torchrun tells of exit code 2 in the rank that failed first"],
            (2, ""),
        ),
    ],
)
def test_without_an_exception_the_end_is_told_as_it_was_seen(
    tmp_path: Path, log: bytes, code: int, reason: list[str], failure: tuple[int, str]
) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(LogChunk("train", log))
    result = failed(taking, train_code=code, reason=f"it ended with exit code {code}")
    assert [line for line in result.reason.splitlines() if not line.startswith("| ")] == reason
    assert result.failure is not None
    assert (result.failure.exit_code, result.failure.error) == failure


def test_what_was_not_the_scripts_end_is_no_failure_of_the_script(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(LogChunk("train", TRACE))
    assert taking.finish("lost", "its node died").failure is None
    refused = collector(RunFolder(tmp_path))
    refused.take(Finished("failed", "data on this node: none", None, None, HOST))
    assert refused.result is not None
    assert (refused.result.reason, refused.result.failure) == ("data on this node: none", None)


def left(data: bytes = b"weights") -> LeftBehind:
    files = [LeftFile(name="../list.json", bytes=7), LeftFile(name="log.txt", bytes=2)]
    return LeftBehind(Leftovers(wanted="*.ptz", files=files, kept="../list.json"), data)


def test_what_training_left_is_kept_and_named(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path / "runs" / "fake-00000000"))
    taking.take(left())
    result = failed(taking, reason="it wrote no artifact (*.ptz)")
    place = "runs/fake-00000000/seeds/42/attempt-1/left/kept-list.json"
    assert result.reason.splitlines() == [
        "it wrote no artifact (*.ptz)",
        "it left 2 files: ../list.json (7 B), log.txt (2 B); the largest of at most 134,217,728 B is kept: " + place,
    ]
    assert (tmp_path / place).read_bytes() == b"weights"
    assert result.leftovers is not None
    assert result.leftovers.kept_as == "left/kept-list.json"
    listed = (taking.folder.left / "list.json").read_bytes()
    assert Leftovers.model_validate_json(listed) == result.leftovers


def test_what_training_left_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=(1 << 30) + 6))
    taking = collector(RunFolder(tmp_path))
    taking.take(left())
    result = failed(taking)
    assert sorted(path.name for path in taking.folder.left.iterdir()) == ["list.json"]
    assert result.reason.splitlines()[1].endswith(
        "none is kept: this disk has 1,073,741,830 bytes free, and 1,073,741,824 are to stay so"
    )


def test_a_training_that_ended_well_is_kept_as_soon_as_its_artifact_is_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    taking = collector(folder)
    taking.take(Started("node", "folder"))
    taking.take(LogChunk("train", b"seed:42\nscore rule:plain tokens:10 bytes:24 val_loss:2.5 val_bpb:1.5\n"))
    taking.take(LogChunk("train", b"device:cuda:0 name:A GPU precision:bfloat16\n"))
    taking.take(ArtifactBytes("model.ptz", b"weights", sha256_bytes(b"weights")))
    taking.take(TrainingEnded(phase("train", 1.0), HOST))
    kept = read_trained(taking.folder.trained)
    assert kept == taking.trained
    assert kept is not None
    assert (kept.seed, kept.script_sha256, kept.by.attempt, kept.log.seed) == (42, SCRIPT_SHA, 1, 42)
    assert kept.by.host.device == "A GPU"
    assert kept.score is not None
    assert whole_training(taking.folder, 42, SCRIPT_SHA) == kept
    assert whole_training(taking.folder, 43, SCRIPT_SHA) is None
    taking.close()

    scoring = Collector(replace(spec_for(b"script", job="fake", attempt=2), trained=kept), folder.new_attempt(42))
    scoring.take(Started("node", "folder"))
    scoring.take(ArtifactBytes("model.ptz", b"weights", sha256_bytes(b"weights")))
    scoring.take(LogChunk("eval", b"final_score rule:plain tokens:10 bytes:24 val_loss:2.5 val_bpb:1.5\n"))
    scoring.take(Finished("completed", "", kept.train, phase("eval", 1.0), HOST))
    result = scoring.result
    assert result is not None
    assert (result.status, result.attempt, result.training) == ("completed", 2, kept.by)
    assert (result.train_score, result.log.seed, result.artifact) == (kept.score, 42, kept.artifact)
    assert train_log(folder, 42, scoring.folder) == taking.folder.log("train")
    assert train_log(folder, 42, taking.folder) == taking.folder.log("train")


def test_a_training_whose_artifact_came_damaged_is_not_kept(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(ArtifactBytes("model.ptz", b"weights", "0" * 64))
    taking.take(TrainingEnded(phase("train", 1.0), HOST))
    assert taking.trained is None
    assert not taking.folder.trained.exists()


def test_kept_weights_come_whole_or_not_at_all_and_the_training_names_their_hash(tmp_path: Path) -> None:
    for data, sha256 in ((b"kept", sha256_bytes(b"kept")), (b"kept", "0" * 64)):
        taking = collector(RunFolder(tmp_path))
        taking.take(Started("node", "folder"))
        taking.take(ArtifactBytes("model.ptz", b"weights", sha256_bytes(b"weights")))
        taking.take(KeptBytes(data[:2]))
        taking.take(KeptBytes(data[2:]))
        taking.take(KeptEnded(len(data), sha256))
        taking.take(TrainingEnded(phase("train", 3.0), HOST))
        taking.close()
        whole = sha256 == sha256_bytes(data)
        trained = read_trained(taking.folder.trained)
        assert trained is not None
        assert (trained.kept is not None and trained.kept.sha256 == sha256) is whole
        assert taking.folder.kept.is_file() is whole
        assert not list(taking.folder.path.glob(".kept*"))


def test_weights_that_were_cut_off_leave_nothing(tmp_path: Path) -> None:
    taking = collector(RunFolder(tmp_path))
    taking.take(KeptBytes(b"half"))
    taking.finish("lost", "its node died")
    assert not [path for path in taking.folder.path.iterdir() if "kept" in path.name]
