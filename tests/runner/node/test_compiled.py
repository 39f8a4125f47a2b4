"""Compiled code: kept from seed to seed, each phase's by itself, of golf's own scripts alone."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from runner.job.external_script import OutputsSpec
from runner.node import compiled
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.compiled import FOLDER, fetch, keep, place_of, sweep_old
from runner.node.messages import Finished, LogChunk
from tests.fixtures.fake_script import fake_data
from tests.runner.node.test_attempt import spec_for

COMPILES = b"""
import os, pathlib
phase, seed = os.environ["GOLF_PHASE"], os.environ["SEED"]
folder = pathlib.Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
kept = "+".join(sorted(path.read_text() for path in folder.rglob("*.py")))
print(f"{phase} of {seed} finds [{kept}]", flush=True)
(folder / "ab").mkdir(exist_ok=True)
(folder / "ab" / f"{phase}{seed}.py").write_text(f"{phase} {seed}")
(folder / "way").symlink_to(os.getcwd()) if seed == "1" else None
if phase == "train":
    open("final_model.ptz", "wb").write(b"weights")
"""


def told(spec: AttemptSpec, tmp_path: Path) -> str:
    """What both phases of a seed found."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    messages = list(run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=scratch))
    assert isinstance(messages[-1], Finished)
    assert messages[-1].status == "completed", messages[-1].reason
    assert [path.name for path in scratch.iterdir()] in ([], [FOLDER])
    return b"".join(message.data for message in messages if isinstance(message, LogChunk)).decode()


def test_a_seed_finds_what_the_same_phase_of_an_earlier_one_compiled_and_nothing_else(tmp_path: Path) -> None:
    assert told(spec_for(COMPILES, seed=1), tmp_path) == "train of 1 finds []\neval of 1 finds []\n"
    assert told(spec_for(COMPILES, seed=2), tmp_path) == "train of 2 finds [train 1]\neval of 2 finds [eval 1]\n"
    kept = sorted(path.name for path in (tmp_path / "scratch" / FOLDER).rglob("*") if path.is_file())
    assert kept == ["eval1.py", "train1.py"]
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_symlink()]
    other = spec_for(COMPILES + b"# changed\n", seed=3)
    assert told(other, tmp_path) == "train of 3 finds []\neval of 3 finds []\n"


def test_nothing_is_kept_of_somebody_elses_script_and_a_key_covers_what_decides_the_code(tmp_path: Path) -> None:
    spec = spec_for(COMPILES)
    foreign = replace(spec, outputs=OutputsSpec())
    assert place_of(foreign, "train", "H100", tmp_path) is None
    places = {
        place_of(spec, "train", "H100", tmp_path),
        place_of(spec, "eval", "H100", tmp_path),
        place_of(spec, "train", "H200", tmp_path),
        place_of(replace(spec, nproc=2), "train", "H100", tmp_path),
        place_of(replace(spec, env={"OMP_DYNAMIC": "true"}), "train", "H100", tmp_path),
    }
    assert len(places) == 5
    assert place_of(replace(spec, seed=9), "train", "H100", tmp_path) in places


def test_what_is_too_much_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {name: str(tmp_path / name) for name in compiled.KEPT}
    for name in places.values():
        Path(name).mkdir()
        Path(name, "kernel.so").write_bytes(b"x" * 600)
    monkeypatch.setattr(compiled, "MOST_BYTES", 1000)
    keep(tmp_path / "key" / "train", places)
    assert list((tmp_path / "key").iterdir()) == []
    monkeypatch.setattr(compiled, "MOST_BYTES", 2000)
    keep(tmp_path / "key" / "train", places)
    fresh = {name: str(tmp_path / f"fresh-{name}") for name in compiled.KEPT}
    fetch(tmp_path / "key" / "train", fresh)
    assert [Path(place, "kernel.so").read_bytes() for place in fresh.values()] == [b"x" * 600] * 2
    monkeypatch.setattr(compiled, "MOST_FILES", 1)
    keep(tmp_path / "key" / "eval", places)
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["train"]


def test_what_nobody_made_anew_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / FOLDER / "old", tmp_path / FOLDER / "new"
    for path in (old, new):
        (path / "train").mkdir(parents=True)
    long_ago = time.time() - 4 * 86_400
    os.utime(old, (long_ago, long_ago))
    sweep_old(tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["new"]
    sweep_old(tmp_path / "nowhere")
