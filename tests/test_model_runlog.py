"""The log's head proves what ran."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path

import torch

from golf_model.config import GolfConfig
from golf_model.runlog import RunLog, log_head


def test_head_names_script_versions_device_and_whole_configuration(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = RunLog(stream, tmp_path, "run", is_main=True)
    log_head(log, GolfConfig(), b"print()", torch.device("cpu"), torch.float32, compiled=False)
    script, versions, device, config = stream.getvalue().splitlines()
    assert script == f"script_sha256:{hashlib.sha256(b'print()').hexdigest()} code_bytes:7"
    assert f"torch:{torch.__version__}" in versions
    assert device.startswith("device:cpu name:")
    assert device.endswith(f"precision:float32 compile:off threads:{torch.get_num_threads()}")
    assert json.loads(config.removeprefix("config:")) == asdict(GolfConfig())


def test_file_holds_what_the_stream_got(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = RunLog(stream, tmp_path, "run", is_main=True)
    log.line("one")
    log.line("two")
    assert (tmp_path / "run.txt").read_text() == stream.getvalue() == "one\ntwo\n"
