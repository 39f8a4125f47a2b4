"""What is remembered about big shards, and when it no longer holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runner.data.cache import cache_root, note_path, remember, remembered, remembered_bytes, shard_facts
from runner.data.shards import write_shard
from runner.errors import DataError, UserError
from runner.files import sha256_file


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "fineweb_train_000000.bin"
    write_shard(path, np.array([1, 9, 4]))
    return path


def test_the_cache_root_is_the_argument_then_the_environment_then_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLF_CACHE", str(tmp_path / "named"))
    assert cache_root(tmp_path / "given") == tmp_path / "given"
    assert cache_root() == tmp_path / "named"
    monkeypatch.delenv("GOLF_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "golf"


def test_a_shard_is_hashed_counted_and_searched_for_its_largest_id(shard: Path, tmp_path: Path) -> None:
    facts = shard_facts(shard, tmp_path / "cache")
    assert (facts.sha256, facts.tokens, facts.largest_id) == (sha256_file(shard), 3, 9)


def test_small_shards_leave_no_note(shard: Path, tmp_path: Path) -> None:
    shard_facts(shard, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_big_shard_is_read_once(shard: Path, tmp_path: Path) -> None:
    facts = shard_facts(shard, tmp_path / "cache", remember_from=1)
    (note,) = (tmp_path / "cache" / "checked").iterdir()
    note.write_text(note.read_text().replace(facts.sha256, "taken from the note"))
    assert shard_facts(shard, tmp_path / "cache", remember_from=1).sha256 == "taken from the note"


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir, None])
def test_what_stands_in_the_place_of_a_note_costs_time_and_nothing_else(
    tmp_path: Path, put: Callable[[Path], object] | None
) -> None:
    note = tmp_path / "kind" / "note.json"
    note.parent.mkdir()
    if put is not None:
        put(note)
    else:
        with note.open("wb") as file:
            file.truncate(1 << 40)
    for read in (remembered, remembered_bytes):
        with pytest.raises(UserError, match=r"is not a file|at most 1,048,576 are read"):
            read(note)


def test_a_replaced_shard_is_read_anew(shard: Path, tmp_path: Path) -> None:
    before = shard_facts(shard, tmp_path / "cache", remember_from=1)
    stat = shard.stat()
    write_shard(shard, np.array([1, 8, 4]))  # same name and size; another inode
    os.utime(shard, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = shard_facts(shard, tmp_path / "cache", remember_from=1)
    assert (before.largest_id, after.largest_id) == (9, 8)
    assert after.sha256 == sha256_file(shard)


@pytest.mark.parametrize(
    "damage", ["", "[]", "{}", "null", '{"sha256": "x", "tokens": "many", "largest_id": 1}', "\xff"]
)
def test_a_damaged_note_is_replaced(shard: Path, tmp_path: Path, damage: str) -> None:
    facts = shard_facts(shard, tmp_path / "cache", remember_from=1)
    (note,) = (tmp_path / "cache" / "checked").iterdir()
    whole = note.read_bytes()
    note.write_bytes(damage.encode("latin-1"))
    assert shard_facts(shard, tmp_path / "cache", remember_from=1) == facts
    assert note.read_bytes() == whole


def test_a_shard_that_shrank_is_noticed_in_spite_of_a_note(shard: Path, tmp_path: Path) -> None:
    shard_facts(shard, tmp_path / "cache", remember_from=1)
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DataError, match="1 bytes are missing"):
        shard_facts(shard, tmp_path / "cache", remember_from=1)


def test_what_is_remembered_lies_under_all_that_it_follows_from(tmp_path: Path) -> None:
    notes = [note_path(tmp_path, kind, basis) for kind in ("a", "b") for basis in ({"x": 1}, {"x": 2}, ["x"])]
    assert len(set(notes)) == 6
    assert note_path(tmp_path, "a", {"x": 1, "y": 2}) == note_path(tmp_path, "a", {"y": 2, "x": 1})
    assert notes[0].parent == tmp_path / "a"


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    remember(tmp_path / "file" / "note.json", "{}")
    remember(tmp_path / "there" / "note.json", "{}")
    assert (tmp_path / "there" / "note.json").read_text() == "{}"
