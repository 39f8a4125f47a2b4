"""The one door: only regular files come in, bounded in bytes, values, depth and entries; else one message."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.results.record import RecordData
from runner.untrusted import (
    MOST_DEPTH,
    MOST_KEYS,
    files_below,
    is_regular,
    json_of,
    opened,
    read_bytes,
    read_json,
    read_text,
    sha256_of,
    walked,
)


def a_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "is not a file but a folder"),
    "a pipe": (os.mkfifo, "is not a file but a pipe"),
    "a device": (lambda place: place.symlink_to("/dev/zero"), "is not a file but a (link|device)"),
    "a link out": (lambda place: place.symlink_to("/etc/passwd"), "is not a file but a link"),
    "a link in a circle": (lambda place: place.symlink_to(place), "is not a file but a link"),
    "nothing": (lambda place: None, "no such file"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    put, said = ODD[kind]
    place = tmp_path / "x"
    put(place)
    assert not is_regular(place)
    for read in (read_bytes, read_text, read_json, lambda path: sha256_of(path, 10)):
        with pytest.raises(UserError, match=said) as told:
            read(place)
        assert str(told.value).startswith(str(place))
    with pytest.raises(UserError, match=said), opened(place):
        pass


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_socket(Path("x"))
    with pytest.raises(UserError, match="is not a file but a socket or a device"):
        read_bytes(Path("x"))


def test_a_link_is_followed_only_where_a_user_may_have_laid_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert read_text(tmp_path / "link", links=True) == "a"
    assert is_regular(tmp_path / "link", links=True)
    with pytest.raises(UserError, match="but a device"):
        read_bytes(tmp_path / "zero", links=True)


@pytest.mark.parametrize("name", ["a\0b", "n" * 4000, "n/" * 2500])
def test_a_name_that_no_file_can_have_is_one_message(name: str) -> None:
    assert not is_regular(Path(name))
    with pytest.raises(UserError, match=r"is no path|longer than any") as told:
        read_bytes(Path(name))
    assert len(str(told.value)) < 500


def test_a_file_beyond_its_bound_is_not_read(tmp_path: Path) -> None:
    place = tmp_path / "sparse"
    with place.open("wb") as file:
        file.truncate(1 << 40)
    for read in (read_bytes, lambda path: sha256_of(path, 1 << 20)):
        with pytest.raises(UserError, match=r"1,099,511,627,776 bytes; at most [\d,]+ are read"):
            read(place)
    with pytest.raises(UserError, match=r"at most 10 are read"):
        read_bytes(Path("/proc/self/status"), 10)  # it says that it has no bytes


def test_a_text_is_utf8_without_its_mark(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfa")
    assert read_text(tmp_path / "x") == "a"
    (tmp_path / "x").write_bytes(b"a\xff")
    with pytest.raises(UserError, match=r"x: is not UTF-8 text \(byte 1\); save it as UTF-8"):
        read_text(tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[1,]", "Expecting value"),
        ("[" * (MOST_DEPTH + 10) + "]" * (MOST_DEPTH + 10), "nested deeper than 200 levels"),
        ("[" * 100_000, "nested deeper than 200 levels"),
        ('{"a":' * 100_000, "nested deeper than 200 levels"),
        ('{"a": 1, "b": {"a": 1, "a": 2}}', "key 'a' stands twice"),
        ("NaN", "NaN is not a finite number"),
        ("[-Infinity]", "-Infinity is not a finite number"),
        ("1e999", "1e999 is not a finite number"),
        ("9" * 5000, "a whole number of 5000 digits"),
        ('"\\ud800"', "hex escape"),
        ('{"\\ud800": 1}', "hex escape"),
        ("{" + ",".join(f'"{n}":0' for n in range(MOST_KEYS + 1)) + "}", "a mapping of 50,001 keys"),
        ("\0", "Expecting value"),
    ],
)
def test_json_that_nobody_would_write_is_refused_with_its_source(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as told:
        json_of(text, "here")
    assert str(told.value).startswith("here: is not JSON: ")


def test_json_that_is_json_is_read() -> None:
    text = '{"a": [1, 2.5e-3, "ü", null, true, {"a": []}], "b": 123456789012345678901234567}'
    assert json_of(text, "here") == json_of(text.encode(), "here")
    assert json_of(text, "here") == {"a": [1, 0.0025, "ü", None, True, {"a": []}], "b": 123456789012345678901234567}
    assert json_of("[" * MOST_DEPTH + "]" * MOST_DEPTH, "here")


def test_more_values_than_are_read_are_counted_before_any_is_made() -> None:
    with pytest.raises(UserError, match="here: holds about 101 values; at most 100 are read"):
        json_of("[" + "0," * 100 + "0]", "here", most_values=100)


def test_a_list_of_a_stranger_is_wrong_by_its_first_item() -> None:
    with pytest.raises(ValueError, match="validation error") as told:
        RecordData.model_validate({"results": [{}] * 1000})
    seen = [error["loc"][1] for error in told.value.errors() if error["loc"][0] == "results"]  # type: ignore[attr-defined]
    assert set(seen) == {0}


def test_folders_are_walked_without_links_and_no_deeper_than_any_record_is(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert files_below(tmp_path) == [tmp_path / "a" / "b" / "x", tmp_path / "loop", tmp_path / "pipe"]
    place = tmp_path / "a"
    for _ in range(40):
        place = place / "d"
    place.mkdir(parents=True)
    with pytest.raises(UserError, match="folders nested deeper than 32"):
        files_below(tmp_path)
    assert len([1 for folder, _, _ in walked(tmp_path) if folder.name == "d"]) == 31


def test_more_files_than_a_record_has_are_refused(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    with pytest.raises(UserError, match="more than 4 files"):
        files_below(tmp_path, 4)
    with pytest.raises(UserError, match="cannot be looked into"):
        files_below(tmp_path / "none")


def test_whoever_walks_takes_folders_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "in").mkdir(parents=True)
    seen = []
    for place, folders, _ in walked(tmp_path):
        seen.append(place.name)
        folders[:] = [name for name in folders if name != "a"]
    assert seen == [tmp_path.name, "b", "in"]
