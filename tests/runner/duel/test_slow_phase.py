"""A phase in which this machine is slow, planted into a duel of two foreign scripts: pairs see past it.

Each script's score gets worse by what a file says when it trains; the file stands for a neighbour's load. It changes
between two pairs, and the driver is killed within one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from tests.fixtures.places import ROOT
from tests.fixtures.scoring_scripts import OFFICIAL

PLAIN = 'open("final_model.int8.ptz", "wb").write(b"weights of seed %d" % seed)'
BENT = """
load = os.path.join(os.environ["DATA_PATH"], "load")
slow = float(open(load).read()) if os.path.exists(load) else 0.0
size = 20_000 + seed * 7_919 % 700 + seed * {odd} % 60 - {gain} + int(slow * 1e6)
open("final_model.int8.ptz", "wb").write(b"w" * size)
"""
"""A score is 2.5 nats and a millionth of the artifact's bytes; the seed moves it by up to 700 bytes in both jobs."""
PAIRS = 6
SLOW = ("3", "4")
"""Pairs of the slow phase."""


def write_job(folder: Path, name: str, data: Path | str, tokenizer: str, gain: int, odd: int) -> Path:
    assert PLAIN in OFFICIAL
    script = folder / f"{name}_train.py"
    script.write_text(OFFICIAL.replace(PLAIN, BENT.format(odd=odd, gain=gain)))
    job = folder / f"{name}.yaml"
    job.write_text(
        f"name: {name}\ntrack: local\nhardware: cpu\nseeds: [11, 12, 13, 14, 15, 16]\n"
        f"script: {script.name}\nlaunch: python\n"
        "outputs: {eval_env: {EVAL_ONLY: '1'}}\n"
        "limits: {train_seconds: 30, eval_seconds: 30}\n"
        f"data: {{path: {data}, tokenizer: {tokenizer}}}\n"
    )
    return job


class Machine(threading.Thread):
    """Slow from the first turn of pair 3 to the last of pair 4, as the ledgers tell whose turn it is."""

    def __init__(self, root: Path, load: Path) -> None:
        super().__init__(daemon=True)
        self.root, self.load, self.over = root, load, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            pair = str(max((entry["pair"] for entry in turns(self.root)), default=0))
            aside = self.load.with_suffix(".new")
            aside.write_text("0.02" if pair in SLOW else "0")
            aside.rename(self.load)


def turns(root: Path) -> list[dict[str, Any]]:
    found = []
    for ledger in root.glob("runs/*/ledger.jsonl"):
        lines = ledger.read_text().splitlines()
        found += [json.loads(line) for line in lines if '"kind":"turn"' in line and line.endswith("}")]
    return found


def golf(root: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", *words, "--local", "--output", str(root)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_a_slow_phase_hides_a_gain_from_seeds_and_not_from_pairs(tiny_data: DataRequest, tmp_path: Path) -> None:
    assert tiny_data.folder is not None
    assert tiny_data.tokenizer is not None
    data = Path(
        shutil.copytree(tiny_data.folder, tmp_path / "data")
    )  # the one place that a training sees and we change
    load = data / "load"
    load.write_text("0")
    one = write_job(tmp_path, "one", data, tiny_data.tokenizer, gain=0, odd=31)
    two = write_job(tmp_path, "two", data, tiny_data.tokenizer, gain=6_000, odd=17)
    words = ("duel", str(one), str(two), "--pairs", str(PAIRS))
    root = tmp_path / "out"
    machine = Machine(root, load)
    machine.start()
    try:
        killed = golf(root, *words)
        deadline = time.monotonic() + 120
        while len(turns(root)) < 6 and time.monotonic() < deadline:  # the second turn of the slow phase's first pair
            assert killed.poll() is None, killed.communicate()[0]
            time.sleep(0.02)
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        again = golf(root, *words)
        said = again.communicate(timeout=300)[0]
    finally:
        machine.over.set()
        machine.join()
    assert again.returncode == 0, said
    (record,) = root.glob("records/local/*_two*/results.json")
    duel = json.loads(record.read_text())["duel"]
    assert duel["outcome"] == "holds"
    assert [pair["left_out"] for pair in duel["pairs"]] == [""] * PAIRS
    levels = [pair["baseline_bpb"] for pair in duel["pairs"]]
    assert min(levels[2:4]) > max(levels[:2] + levels[4:]) + 0.015
    assert duel["test"]["p"] < 1e-4
    assert duel["unpaired"]["p"] > 0.01
    assert duel["saved"]["correlation"] > 0.99
    for ledger in root.glob("runs/*/ledger.jsonl"):
        done = [entry["seed"] for entry in check_chain(ledger) if entry["kind"] == "finished"]
        ended = [entry["seed"] for entry in check_chain(ledger) if entry.get("status") == "completed"]
        assert sorted(ended) == [11, 12, 13, 14, 15, 16]
        assert len(done) - len(ended) in (0, 1)
