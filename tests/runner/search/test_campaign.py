"""What is told of a job's variants before anything runs, by `golf plan` and `golf bundle`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.files import sha256_bytes
from runner.search.campaign import outlooks
from runner.verbs.loading import opened

JOB = """\
name: tried
track: local
seeds: [1, 2]
limits: {train_seconds: 60, eval_seconds: 9}
data: {corpus: asv}
keep_weights: true
config:
  schedule: {max_wallclock_seconds: 50}
  model: {vocab_size: 1024, num_layers: 2, model_dim: 64}
variants:
  - name: two
  - name: three
    set: {model.num_layers: 3}
  - name: huge
    set: {model.num_layers: 30, model.model_dim: 1024}
  - name: coarse
    repack: true
    set: {export.embed: int6}
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job.yaml").write_text(JOB)
    return tmp_path / "job.yaml"


def told(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_each_variant_says_whether_it_runs_and_what_it_sets(job: Path) -> None:
    family = opened(job).family
    assert family is not None
    found = outlooks(family)
    assert [(one.name, one.job, one.state) for one in found] == [
        ("two", "tried-two", "run"),
        ("three", "tried-three", "run"),
        ("huge", "tried-huge", "infeasible"),
        ("coarse", "tried-coarse", "repack"),
    ]
    assert found[1].settings == {"model.num_layers": 3}
    assert "over the cap of 16,000,000 bytes" in found[2].reason


def test_a_plan_as_json_is_of_the_base_and_tells_of_every_variant(job: Path) -> None:
    facts: dict[str, Any] = json.loads(told("plan", job, "--json"))
    assert facts["job"] == "tried-two"
    assert [one["name"] for one in facts["variants"]] == ["two", "three", "huge", "coarse"]
    two, three, *_ = (one["expected_bytes"] for one in facts["variants"])
    assert two < three < 16_000_000
    assert facts["left_out"] == []
    alone = json.loads(told("plan", job, "--variant", "three", "--json"))
    assert (alone["job"], "variants" in alone) == ("tried-three", False)
    assert alone["parameters"] > facts["parameters"]


def test_a_bundle_is_the_file_that_the_variant_runs(job: Path, tmp_path: Path) -> None:
    hashes = {}
    for words in ([], ["--variant", "two"], ["--variant", "three"]):
        place = tmp_path / "out.py"
        assert told("bundle", job, "-o", place, *words).startswith(f"{place}: ")
        hashes[tuple(words)] = sha256_bytes(place.read_bytes())
    base, two, three = hashes.values()
    assert base == two != three
    # What keeps weights is in the base's script, and so in the file.
    assert json.loads(told("plan", job, "--json"))["script_sha256"] == base
    assert json.loads(told("plan", job, "--variant", "three", "--json"))["script_sha256"] == three
