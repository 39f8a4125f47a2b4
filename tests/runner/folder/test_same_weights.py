"""The same weights in other files are known again; other weights never are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import zstandard

from runner.folder.same_weights import PIECE, weights_sha256

WEIGHTS = random.Random(1).randbytes(10_000)
OTHER = random.Random(2).randbytes(10_000)


def archive(content: bytes, *, name: str = "final_model", comment: bytes = b"", compression: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for part in ["data.pkl", "data/0"] if not comment else ["data/0", "data.pkl"]:
            file.writestr(f"{name}/{part}", b"x" if part == "data.pkl" else content)
        file.comment = comment
    return buffer.getvalue()


def saved(seed: int, name: str) -> bytes:
    torch.manual_seed(seed)
    buffer = io.BytesIO()
    torch.save({"w": torch.randn(50, 50), name: torch.ones(3)}, buffer)
    return buffer.getvalue()


def hashed(folder: Path, content: bytes) -> str:
    path = folder / "artifact"
    path.write_bytes(content)
    return weights_sha256(path)


PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "zeros": (lambda w: w, lambda w: w + b"\0" * 7),
    "blanks": (lambda w: w, lambda w: w + b" \n" * 3),
    "many zeros": (lambda w: w, lambda w: w + b"\0" * (3 * PIECE)),
    "zlib": (zlib.compress, lambda w: zlib.compress(w, 1) + b"seed 2"),
    "gzip": (lambda w: gzip.compress(w, mtime=1), lambda w: gzip.compress(w, 1, mtime=2) + b"\0"),
    "lzma": (lzma.compress, lambda w: lzma.compress(w, preset=0) + b"2"),
    "lzma alone": (
        lambda w: lzma.compress(w, lzma.FORMAT_ALONE),
        lambda w: lzma.compress(w, lzma.FORMAT_ALONE, preset=1),
    ),
    "bz2": (bz2.compress, lambda w: bz2.compress(w, 1) + b"2"),
    "zstd": (zstandard.compress, lambda w: zstandard.compress(w, 1) + b"2"),
    "zip": (archive, lambda w: archive(w, name="other", comment=b"seed 2")),
    "a deflated zip": (archive, lambda w: archive(w, compression=zipfile.ZIP_DEFLATED)),
    "zip in zlib": (lambda w: zlib.compress(archive(w)), lambda w: zlib.compress(archive(w, comment=b"2")) + b"2"),
    "padded in zlib": (zlib.compress, lambda w: zlib.compress(w + b"\0" * 99)),
}


@pytest.mark.parametrize("how", PACKED)
def test_padding_and_packing_do_not_make_other_weights(tmp_path: Path, how: str) -> None:
    one, other = PACKED[how]
    assert one(WEIGHTS) != other(WEIGHTS)
    assert hashed(tmp_path, one(WEIGHTS)) == hashed(tmp_path, other(WEIGHTS))
    assert hashed(tmp_path, one(WEIGHTS)) != hashed(tmp_path, other(OTHER))


def test_what_torch_saves_is_known_again_and_another_seeds_is_not(tmp_path: Path) -> None:
    one, again = saved(1, "a"), saved(1, "a") + b"\0" * 10
    assert hashed(tmp_path, one) == hashed(tmp_path, again)
    assert hashed(tmp_path, one) != hashed(tmp_path, saved(2, "a"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"PK",
        b"PK\3\4" + b"x" * 50,
        b"\x1f\x8b",
        b"\x78\x9cgarbage",
        b"]\0\0" + b"\xff" * 90,
        b"(\xb5/\xfdx",
    ],
)
def test_what_is_no_archive_counts_as_it_lies_there(tmp_path: Path, content: bytes) -> None:
    assert len(hashed(tmp_path, content)) == 64
    assert hashed(tmp_path, content + b"x") != hashed(tmp_path, content + b"y")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.folder.same_weights.MOST_BYTES", 1 << 20)
    for bomb in (zlib.compress(b"\0" * (4 << 20)), archive(b"\0" * (4 << 20), compression=zipfile.ZIP_DEFLATED)):
        assert hashed(tmp_path, bomb) != hashed(tmp_path, bomb + b"x")
