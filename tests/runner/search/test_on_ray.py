"""Variants and a repack on a cluster of several raylets: each a run of its own, in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.folder.ledger import check_chain
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from tests.fixtures.commands import golf
from tests.fixtures.four_nodes import four_nodes

pytestmark = pytest.mark.slow

JOB = """\
name: tried
track: local
hardware: cpu
seeds: [1, 2]
keep_weights: true
limits: {{train_seconds: 300, eval_seconds: 300}}
data: {{path: {folder}, tokenizer: {tokenizer}}}
config:
  model: {{vocab_size: 300, num_layers: 2, model_dim: 32, num_heads: 2, num_kv_heads: 1}}
  schedule: {{kind: steps, iterations: 3, warmdown_iters: 1, warmup_steps: 0}}
  batch: {{train_batch_tokens: 256, train_seq_len: 32, val_batch_tokens: 1024, micro_batches: 1}}
  runtime: {{compile: off}}
variants:
  - name: plain
  - name: fast
    set: {{optim.matrix_lr: 0.2}}
  - name: coarse
    repack: true
    set: {{export.embed: int6}}
"""


def test_variants_run_and_are_packed_on_a_cluster_and_end_in_one_table(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(JOB.format(folder=tiny_data.folder, tokenizer=tiny_data.tokenizer))
    with four_nodes() as told, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", told["token"])
        done = golf(tmp_path, "run", str(job), "--address", told["address"])
        assert done.returncode == 0, done.stdout + done.stderr
        alone = golf(tmp_path, "repack", "tried-plain", "--set", "export.embed=float16", "--address", told["address"])
        assert alone.returncode == 0, alone.stdout + alone.stderr
    launched = {}
    for run in all_runs(tmp_path):
        entries = check_chain(run.ledger)
        launched[run.path.name.rpartition("-")[0]] = [one for one in entries if one["kind"] == "launched"]
    assert {name: len(found) for name, found in launched.items() if name in ("tried-plain", "tried-fast")} == {
        "tried-plain": 2,
        "tried-fast": 2,
    }
    table = tables(tmp_path)["tried-fast"]
    assert [(row["name"], row["state"]) for row in table["rows"]] == [
        ("plain", "trained"),
        ("fast", "trained"),
        ("coarse", "repacked"),
    ]
    assert len(table["rows"][2]["seeds"]) == 2
    assert "repacked" in {json.loads(path.read_text())["verdict"]["status"] for path in results(tmp_path)}


def results(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*/*/*/results.json") if "runs" not in path.parts]


def tables(folder: Path) -> dict[str, dict[str, Any]]:
    """Job's name -> its record's table of variants."""
    read = [json.loads(path.read_text()) for path in results(folder)]
    return {data["name"]: data["variant_table"] for data in read if data["variant_table"] is not None}
