"""The log's head proves what ran."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from golf_model.config.golf_config import GolfConfig
from golf_model.process.devices import Abilities
from golf_model.process.runlog import ENDS, RunLog, log_file, log_head, log_shards


def open_log(folder: Path) -> tuple[RunLog, io.StringIO]:
    stream = io.StringIO()
    return RunLog(stream, folder / "logs", "run", is_main=True), stream


def test_head_names_script_versions_device_driver_command_and_whole_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-u", "train_gpt.py"])
    log, stream = open_log(tmp_path)
    how = Abilities(torch.float32, False, ("compile off: no C++ compiler",))
    log_head(log, GolfConfig(), b"print()", torch.device("cpu"), how)
    script, versions, device, driver, command, config, fallback = stream.getvalue().splitlines()
    assert script == f"script_sha256:{hashlib.sha256(b'print()').hexdigest()} code_bytes:7"
    assert f"torch:{torch.__version__}" in versions
    assert device.startswith("device:cpu name:")
    assert device.endswith(f"precision:float32 compile:off threads:{torch.get_num_threads()}")
    assert driver == f"driver:{platform.release()} system:{platform.system()} {platform.release()}"
    assert command == "command:python -u train_gpt.py"
    assert json.loads(config.removeprefix("config:")) == asdict(GolfConfig())
    assert fallback == "fallback:compile off: no C++ compiler"


class Pipe(io.StringIO):
    """Shows whoever reads it only what was flushed."""

    seen = ""

    def flush(self) -> None:
        self.seen = self.getvalue()


def test_each_line_is_flushed_at_once_whatever_the_environment_says(tmp_path: Path) -> None:
    pipe = Pipe()
    log = RunLog(pipe, tmp_path, "run", is_main=True)
    for number in (1, 2):
        log.line(f"line {number}")
        assert pipe.seen.splitlines()[-1] == f"line {number}"
        assert log.path.read_text().splitlines()[-1] == f"line {number}"
    RunLog(pipe, tmp_path, "other", is_main=False).line("line 3")
    assert "line 3" not in pipe.getvalue()


def test_a_file_is_named_with_size_and_hash(tmp_path: Path) -> None:
    log, stream = open_log(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"abc")
    log_file(log, "val", tmp_path / "a.bin")
    assert stream.getvalue() == f"file:val name:a.bin bytes:3 sha256:{hashlib.sha256(b'abc').hexdigest()}\n"


def test_shards_digest_changes_with_any_name_size_or_end(tmp_path: Path) -> None:
    def digest(name: str, content: bytes) -> str:
        log, stream = open_log(tmp_path)
        (tmp_path / name).write_bytes(content)
        log_shards(log, "train", [tmp_path / name])
        return stream.getvalue()

    long = b"x" * (3 * ENDS)
    variants = [("a", long), ("b", long), ("a", long + b"x"), ("a", b"y" + long[1:]), ("a", long[:-1] + b"y")]
    digests = [digest(name, content) for name, content in variants]
    assert len(set(digests)) == len(variants)
    assert digest("a", long) == digests[0]
    assert digests[0].startswith("shards:train files:1 sha256_of_ends:")


def test_file_holds_what_the_stream_got(tmp_path: Path) -> None:
    log, stream = open_log(tmp_path)
    log.line("one")
    log.line("two")
    assert (tmp_path / "logs" / "run.txt").read_text() == stream.getvalue() == "one\ntwo\n"
