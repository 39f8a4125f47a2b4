"""Scripts that golf's cache keeps: by all that they follow from, whole or not at all, and not many."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from runner.script import bundle, kept_scripts
from runner.script.bundle import Script, kept_or_made

CONFIG = GolfConfig(model=ModelConfig(num_layers=3))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLF_CACHE", str(tmp_path))
    return tmp_path / "scripts"


def made_by(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let the maker give another script, so that what was kept can be told from what is made."""
    monkeypatch.setattr(bundle, "make_script", lambda config, keep: Script(text.encode(), f"# {text}", text))


def test_a_script_is_made_once_and_is_the_same_when_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = kept_or_made(CONFIG, keep=False)
    assert made == bundle.make_script(CONFIG, keep=False)
    made_by(monkeypatch, "other")
    assert kept_or_made(CONFIG, keep=False) == made


def test_another_configuration_or_one_that_keeps_its_weights_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made_by(monkeypatch, "first")
    kept_or_made(CONFIG, keep=False)
    made_by(monkeypatch, "second")
    assert kept_or_made(CONFIG, keep=True).source == b"second"
    assert kept_or_made(GolfConfig(), keep=False).source == b"second"
    assert kept_or_made(CONFIG, keep=False).source == b"first"


@pytest.mark.parametrize("fact", ["referee_sha256", "version"])
def test_another_golf_or_another_python_makes_its_own(fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = kept_scripts.place(CONFIG, keep=False)
    if fact == "version":
        monkeypatch.setattr("sys.version", "3.99")
    else:
        monkeypatch.setattr(kept_scripts, fact, lambda: "0" * 64)
    assert kept_scripts.place(CONFIG, keep=False) != here


@pytest.mark.parametrize("part", ["source", "flat", "sha256"])
def test_one_that_was_changed_is_made_anew_and_mended(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by(monkeypatch, "true")
    kept_or_made(CONFIG, keep=False)
    note = kept_scripts.place(CONFIG, keep=False)
    whole = note.read_text()
    note.write_text(json.dumps(json.loads(whole) | {part: "print('not golf')"}))
    assert kept_or_made(CONFIG, keep=False).source == b"true"
    assert note.read_text() == whole


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b'{"source": 1}', b"\xff", b'{"source": "\xc3\xa9", "flat": ""}']
)
def test_one_that_is_damaged_is_none(content: bytes, cache: Path) -> None:
    cache.mkdir()
    note = kept_scripts.place(CONFIG, keep=False)
    note.write_bytes(content)
    assert kept_scripts.read(note) is None


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_one_that_somebody_else_could_have_written_is_not_run(mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by(monkeypatch, "first")
    kept_or_made(CONFIG, keep=False)
    kept_scripts.place(CONFIG, keep=False).chmod(mode)
    made_by(monkeypatch, "second")
    assert kept_or_made(CONFIG, keep=False).source == b"second"


def test_somebody_elses_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made_by(monkeypatch, "first")
    kept_or_made(CONFIG, keep=False)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert kept_scripts.read(kept_scripts.place(CONFIG, keep=False)) is None


def test_where_the_cache_cannot_be_written_a_script_is_made_each_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file in the folder's place")
    for text in ("first", "second"):
        made_by(monkeypatch, text)
        assert kept_or_made(CONFIG, keep=False).source == text.encode()


def test_the_oldest_go_first(cache: Path) -> None:
    for number in range(kept_scripts.MOST + 2):
        note = cache / f"{number}.json"
        kept_scripts.write(note, b"pass", f"# {number}")
        os.utime(note, (number, number))
    kept_scripts.write(cache / "last.json", b"pass", "# last")
    kept = {path.stem for path in cache.iterdir()}
    assert len(kept) == kept_scripts.MOST
    assert "last" in kept
    assert kept.isdisjoint({"0", "1", "2"})
