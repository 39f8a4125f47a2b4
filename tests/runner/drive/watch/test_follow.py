"""The last lines of a log, and the log of a seed whose training and evaluation are of two attempts."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.drive.watch import follow
from runner.drive.watch.follow import PIECE, SeedLog, last_lines
from runner.folder.paths import RunFolder
from runner.job.open_data import DataRequest
from tests.runner.drive.test_orders import fails, scored, without_processes
from tests.runner.logs.test_exceptions import BUG, footer


def told(run: RunFolder, seed: int | None = 1, tail: int | None = None) -> list[str]:
    found = bytearray()
    follow.follow(run, seed, found.extend, until_end=False, tail=tail)
    return found.decode().splitlines()


@pytest.fixture(scope="module")
def scored_apart(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Seeds 1 and 2: attempt 1 trained, its evaluation failed, attempt 2 scored."""
    output = tmp_path_factory.mktemp("apart")
    how = lambda spec: fails(spec) if spec.attempt == 1 else scored(spec)  # noqa: E731
    return without_processes(tiny_data, output, how, (1, 2)).folder


TRAINED = ["seed:1", "step:5/5 train_loss:2.5 train_time:9ms step_avg:9ms"]
SCORED = "final_score rule:plain tokens:9 bytes:9 val_loss:2.5 val_bpb:1.5"


def test_the_log_of_a_seed_is_that_of_its_training_and_of_its_evaluation(scored_apart: RunFolder) -> None:
    assert told(scored_apart) == [*TRAINED, SCORED]
    log = SeedLog(scored_apart, 1)
    log.attempt = scored_apart.attempt(1, 1)  # as when it was followed from its first attempt on
    assert b"".join(log.lines()).decode().splitlines() == [*TRAINED, SCORED]
    assert list(log.lines()) == []


def test_the_last_lines_are_those_of_both_logs_together_and_of_each_seed(scored_apart: RunFolder) -> None:
    assert told(scored_apart, tail=2) == [TRAINED[1], SCORED]
    assert told(scored_apart, tail=99) == [*TRAINED, SCORED]
    assert told(scored_apart, None, tail=1) == [f"seed 1 | {SCORED}", f"seed 2 | {SCORED}"]


def test_what_comes_after_the_last_lines_is_followed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    log = run.new_attempt(1).log("train")
    log.write_bytes(b"one\ntwo\nthree\n")
    following = SeedLog(run, 1)
    assert following.last(2) == [b"two\n", b"three\n"]
    log.write_bytes(b"one\ntwo\nthree\nfour\n")
    assert list(following.lines()) == [b"four\n"]
    assert SeedLog(run, 2).last(2) == []


def test_torchruns_own_words_are_not_the_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(BUG + footer())
    assert last_lines(tmp_path / "log", 2)[1] == [line.encode() + b"\n" for line in BUG.splitlines()[-2:]]


@pytest.mark.parametrize("lines", [0, 1, 7, 3000])
def test_a_log_of_any_length_is_read_from_its_end(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "log"
    whole = [b"line %d " % number + b"x" * 100 + b"\n" for number in range(lines)]
    path.write_bytes(b"".join(whole))
    assert last_lines(path, 5) == (path.stat().st_size, whole[-5:])


def test_of_a_line_without_measure_the_end_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "TAIL_BYTES", 2 * PIECE)
    path = tmp_path / "log"
    path.write_bytes(b"y" * 9 * PIECE)
    (line,) = last_lines(path, 5)[1]
    assert 2 * PIECE <= len(line) <= 5 * PIECE
