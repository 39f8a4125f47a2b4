"""What lies in the fresh folder, and what a script left: listed, the largest brought back, within bounds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runner.data.dataset import DataSet, open_dataset
from runner.data.shards import read_shard, write_shard
from runner.errors import DataError, UserError
from runner.files import sha256_bytes
from runner.job.open_data import DataRequest
from runner.node import work_folder
from runner.node.messages import KeptBytes, KeptEnded, Remark
from runner.node.work_folder import KEPT_NAME, find_artifact, fresh_folder, kept_weights, lay_out, left_behind
from runner.results.runs import LeftFile
from tests.runner.node.test_attempt import spec_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay_out(tmp_path / "train", SPEC)
    return tmp_path / "train"


SPEC = spec_for(b"script", files={"data/words.txt": b"beside it"})


def test_what_was_given_is_not_left_and_an_empty_folder_says_so(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    left, data = left_behind(folder, SPEC)
    assert (left.files, left.kept, left.not_kept, data) == ([], "", "there was none", b"")


def test_links_pipes_and_what_is_too_deep_are_not_followed(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    deep = folder.joinpath(*"123456789")
    deep.mkdir(parents=True)
    (deep / "far.bin").write_bytes(b"x")
    (folder / "1" / "near.bin").write_bytes(b"near")
    left, data = left_behind(folder, SPEC)
    assert (left.files, left.uncounted, left.kept, data) == (
        [LeftFile(name="1/near.bin", bytes=4)],
        True,
        "1/near.bin",
        b"near",
    )


def test_the_largest_within_the_bound_is_brought_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder, "MAX_ARTIFACT_BYTES", 100)
    for name, size in (("huge.pt", 101), ("b.pt", 100), ("a.pt", 100), ("empty", 0)):
        (folder / name).write_bytes(name[:1].encode() * size)
    left, data = left_behind(folder, SPEC)
    assert [one.name for one in left.files] == ["huge.pt", "a.pt", "b.pt", "empty"]
    assert (left.kept, data) == ("a.pt", b"a" * 100)
    for name in ("a.pt", "b.pt"):
        (folder / name).unlink()
    left, data = left_behind(folder, SPEC)
    assert (left.kept, left.not_kept, data) == ("", "each is empty or over 100 bytes", b"")


def test_of_many_files_the_first_are_named_and_the_others_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (folder / f"{number:02}.bin").write_bytes(b"x" * (100 - number))
    left, _ = left_behind(folder, SPEC)
    assert (len(left.files), left.more, left.uncounted) == (50, 10, False)
    assert left.files[0] == LeftFile(name="00.bin", bytes=100)
    monkeypatch.setattr(work_folder, "MOST_LOOKED_AT", 20)
    assert left_behind(folder, SPEC)[0].uncounted


def test_an_artifact_is_a_file_and_no_link_or_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"weights")
    artifact = folder / SPEC.artifact_name
    artifact.symlink_to(tmp_path / "weights")
    assert find_artifact(folder, SPEC) is None
    artifact.unlink()
    artifact.mkdir()
    assert find_artifact(folder, SPEC) is None
    artifact.rmdir()
    artifact.write_bytes(b"weights")
    assert find_artifact(folder, SPEC) == artifact


def test_a_link_to_a_file_or_a_folder_is_no_file_of_its_own(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large.pt").write_bytes(b"y" * 100)
    (folder / "file.pt").symlink_to(outside / "large.pt")
    (folder / "nowhere").symlink_to(outside / "gone")
    (folder / "there").symlink_to(outside)
    (folder / "own.pt").write_bytes(b"x")
    left, data = left_behind(folder, SPEC)
    assert left.files == [LeftFile(name="own.pt", bytes=1)]
    assert (left.uncounted, left.kept, data) == (False, "own.pt", b"x")


def test_names_of_files_reach_nobody_with_their_escapes(folder: Path) -> None:
    (folder / "a\x1b[2J\nb.bin").write_bytes(b"x")
    (folder / ("n" * 250)).write_bytes(b"")
    left, _ = left_behind(folder, SPEC)
    assert [one.name for one in left.files] == ["a [2J b.bin", "n" * 197 + "..."]
    assert left.kept == "a [2J b.bin"


def copied(data: DataRequest, folder: Path, sidecar: bool) -> DataSet:
    """A copy of a data set, with a sidecar beside its validation shard where that is asked for."""
    shutil.copytree(str(data.folder), folder)
    if sidecar:
        tokens = len(read_shard(folder / "fineweb_val_000000.bin"))
        write_shard(folder / "fineweb_val_bytes_000000.bin", np.arange(tokens) % 4)
    return open_dataset(folder, folder / "tokenizer.model", data.vocab_size)


def test_the_fresh_folder_has_validation_shards_and_tokenizer_and_no_training_shard(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    data = copied(tiny_data, tmp_path / "data", sidecar=False)
    work, shards, tokenizer = fresh_folder(tmp_path, spec_for(b"pass"), ("final_model.ptz", b"weights"), data)
    assert sorted(path.name for path in work.iterdir()) == ["final_model.ptz", "train_gpt.py"]
    assert sorted(path.name for path in shards.iterdir()) == ["fineweb_val_000000.bin", "tokenizer.model"]
    assert tokenizer == shards / "tokenizer.model"


def test_a_copy_has_the_bytes_of_a_file_and_none_of_its_attributes(tiny_data: DataRequest, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data", sidecar=False)
    try:
        os.setxattr(data.val_files[0], "user.w", b"weights")
    except OSError:
        pytest.skip("this file system has no attributes")
    os.utime(data.val_files[0], (1, 1))
    data.val_files[0].chmod(0o751)
    _, shards, _ = fresh_folder(tmp_path, spec_for(b"pass"), ("final_model.ptz", b"weights"), data)
    copy = shards / "fineweb_val_000000.bin"
    assert os.listxattr(copy) == []
    assert copy.stat().st_mtime > 1
    assert copy.stat().st_mode & 0o111 == 0
    assert copy.read_bytes() == data.val_files[0].read_bytes()


def test_a_shard_that_changed_since_the_job_was_planned_is_not_scored(tiny_data: DataRequest, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data", sidecar=False)
    content = bytearray(data.val_files[0].read_bytes())
    content[-2] ^= 1
    data.val_files[0].write_bytes(content)
    with pytest.raises(
        DataError, match=r"fineweb_val_000000\.bin changed while the seed was trained.*nothing was scored"
    ):
        fresh_folder(tmp_path, spec_for(b"pass"), ("final_model.ptz", b"weights"), data)


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_stands_in_the_place_of_a_shard_is_not_waited_for(
    tiny_data: DataRequest, tmp_path: Path, put: Callable[[Path], object]
) -> None:
    shutil.copytree(str(tiny_data.folder), tmp_path / "data")
    data = open_dataset(tmp_path / "data", Path(str(tiny_data.tokenizer)), tiny_data.vocab_size)
    data.val_files[0].unlink()
    put(data.val_files[0])
    with pytest.raises(UserError, match=r"is not a file but a (pipe|device)"):
        fresh_folder(tmp_path, SPEC, ("final_model.ptz", b"w"), data)


def test_sidecars_come_with_the_shards_whose_bytes_they_tell(tiny_data: DataRequest, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data", sidecar=True)
    _, shards, _ = fresh_folder(tmp_path, spec_for(b"pass"), ("final_model.ptz", b"weights"), data)
    (sidecar,) = data.sidecars
    assert (shards / sidecar.name).read_bytes() == sidecar.read_bytes()
    assert not (shards / sidecar.name).is_symlink()
    assert len(list(shards.iterdir())) == 3


def test_kept_weights_go_in_pieces_and_end_with_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder, "PIECE_BYTES", 4)
    (tmp_path / KEPT_NAME).write_bytes(b"weights!!")
    assert list(kept_weights(tmp_path)) == [
        KeptBytes(b"weig"),
        KeptBytes(b"hts!"),
        KeptBytes(b"!"),
        KeptEnded(9, sha256_bytes(b"weights!!")),
    ]


def test_kept_weights_that_are_none_a_link_a_pipe_or_too_large_are_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / KEPT_NAME

    def told() -> str:
        (only,) = kept_weights(tmp_path)
        assert isinstance(only, Remark)
        return only.words

    assert "No such file" in told()
    (tmp_path / "secret").write_bytes(b"x")
    place.symlink_to(tmp_path / "secret")
    assert "were not kept" in told()
    place.unlink()
    os.mkfifo(place)
    assert "is no file of at most" in told()
    place.unlink()
    place.write_bytes(b"12345")
    monkeypatch.setattr(work_folder, "MAX_KEPT_BYTES", 4)
    assert "is no file of at most 4 bytes" in told()
