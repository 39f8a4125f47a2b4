"""A duel on a cluster of four raylets: every turn runs on one and the same of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from tests.fixtures.four_nodes import four_nodes
from tests.fixtures.places import ROOT
from tests.runner.duel.test_slow_phase import write_job


@pytest.mark.slow
def test_all_turns_of_a_duel_take_one_node_of_a_cluster(tiny_data: DataRequest, tmp_path: Path) -> None:
    assert tiny_data.folder is not None
    assert tiny_data.tokenizer is not None
    one = write_job(tmp_path, "one", tiny_data.folder, tiny_data.tokenizer, gain=0, odd=31)
    two = write_job(tmp_path, "two", tiny_data.folder, tiny_data.tokenizer, gain=6_000, odd=17)
    with four_nodes() as told:
        environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": told["token"]}
        words = ["duel", str(one), str(two), "--pairs", "3", "--address", told["address"], "--output", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-m", "runner.cli", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = [
        entry["node"]
        for ledger in tmp_path.glob("runs/*/ledger.jsonl")
        for entry in check_chain(ledger)
        if entry["kind"] == "launched"
    ]
    assert (len(nodes), len(set(nodes))) == (6, 1)
    (record,) = tmp_path.glob("records/local/*_two*/results.json")
    assert json.loads(record.read_text())["duel"]["outcome"] == "holds"
