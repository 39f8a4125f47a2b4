"""Files that are read and written, seen by the kernel: real files, real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.node import read_watch
from runner.node.read_watch import FileWatch, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify")


def settle() -> None:
    time.sleep(0.25)


def between(before: float, when: float | None, after: float) -> bool:
    return when is not None and before <= when <= after + 0.25


def test_the_first_and_the_last_reading_of_a_file_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"x" * 1000)
    with watched([path]) as watch:
        assert watch.reads_watched
        first = time.monotonic()
        path.read_bytes()
        time.sleep(0.5)
        last = time.monotonic()
        path.read_bytes()
        settle()
    assert between(first, watch.reads.first, first)
    assert between(last, watch.reads.last, last)


def test_what_is_not_read_is_not_seen_and_a_missing_file_leaves_reads_unknown(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"x")
    with watched([path], tmp_path) as watch:
        path.stat()
        settle()
    assert (watch.reads.first, watch.reads_watched) == (None, True)
    with watched([path, tmp_path / "absent"]) as watch:
        assert not watch.reads_watched


def test_a_file_is_written_when_its_content_changes_and_not_when_it_is_dated(tmp_path: Path) -> None:
    path = tmp_path / "artifact"
    with watched([], tmp_path) as watch:
        path.write_bytes(b"first")
        time.sleep(0.3)
        written = time.monotonic()
        with path.open("ab") as file:
            file.write(b"more")
        time.sleep(0.4)
        os.utime(path, (0, 0))
        path.read_bytes()
        settle()
    assert between(written, watch.writes["artifact"], written)


def test_files_in_folders_that_are_made_later_and_files_that_are_moved_there_are_seen(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    work = tmp_path / "work"
    (work / "there").mkdir(parents=True)
    with watched([], work) as watch:
        begun = time.monotonic()
        (work / "there" / "a").write_bytes(b"x")
        (work / "new" / "deep").mkdir(parents=True)
        (work / "new" / "deep" / "b").write_bytes(b"x")
        outside.rename(work / "c")
        settle()
        after = time.monotonic()
    assert sorted(watch.writes) == ["c", "new/deep/b", "there/a"]
    assert all(between(begun, when, after) for when in watch.writes.values())


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    work.mkdir()
    (work / "before").symlink_to(outside)
    with watched([], work) as watch:
        (work / "after").symlink_to(outside)
        (outside / "x").write_bytes(b"x")
        settle()
    assert "before/x" not in watch.writes
    assert "after/x" not in watch.writes


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_FOLDERS"])
def test_of_a_script_that_writes_too_much_nothing_is_known(
    tmp_path: Path, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_watch, limit, 3)
    with watched([], tmp_path) as watch:
        for number in range(5):
            (tmp_path / f"folder{number}").mkdir()
            (tmp_path / f"file{number}").write_bytes(b"x")
        settle()
    assert watch.writes == {}


def test_a_lost_event_leaves_writes_unknown_and_may_have_been_a_reading() -> None:
    watch = FileWatch()
    watch.writes["a"] = 1.0
    watch._take(read_watch.HEAD.pack(-1, read_watch.IN_Q_OVERFLOW, 0, 0), 5.0)
    assert (watch.writes, watch.reads.last) == ({}, 5.0)


READS = "import sys\nfor _ in range(200_000):\n    open(sys.argv[1], 'rb', 0).read(1)\n"


def test_a_script_that_reads_all_the_time_keeps_nobody_busy(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"x" * 100)
    with watched([path]) as watch:
        reader = subprocess.Popen([sys.executable, "-c", READS, str(path)])
        time.sleep(0.5)
        before, begun = time.thread_time(), time.process_time()
        time.sleep(1.0)
        spent = time.process_time() - begun - (time.thread_time() - before)
        reader.kill()
        reader.wait()
    assert spent < 0.3
    assert len(watch.reads.begins) == 1
