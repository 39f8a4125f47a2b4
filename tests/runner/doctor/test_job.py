"""What one job needs: a node of its kind, packages, size, data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.backends.nodes import Node
from runner.data.fetch import Source
from runner.doctor import job as asked
from runner.job.load import load_job
from runner.job.spec import DataSpec
from runner.node.node_check import script_imports
from runner.script.bundle import script_of
from tests.fixtures.places import JOBS

QUICK, FULL = load_job(JOBS / "quickstart.yaml"), load_job(JOBS / "pr372.yaml")


def test_a_node_of_the_profile_is_good_and_another_one_is_not() -> None:
    eight = Node(64, 8, "H100", {})
    assert asked.hardware_found(FULL, [eight]).state == "good"
    found = asked.hardware_found(FULL, [Node(2, 0)])
    assert (found.state, found.needed) == ("bad", True)
    assert "8x H100" in found.found
    assert asked.hardware_found(QUICK, [Node(2, 0)]).state == "good"


def test_data_that_are_not_here_are_told_with_what_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked.data_found(QUICK).state == "good"
    root = tmp_path / "data"
    there = DataSpec(path=root / "datasets" / "fineweb10B_sp1024", tokenizer=root / "tokenizers" / "a.model")
    found = asked.data_found(FULL.model_copy(update={"data": there}))
    assert (found.state, found.needed) == ("bad", True)
    assert found.advice == "bring it with `golf data fetch --variant sp1024`"


def test_a_script_of_its_own_needs_its_packages_and_its_file(tmp_path: Path) -> None:
    text = (JOBS / "quickstart.yaml").read_text()
    text = (
        text[: text.index("config:")].replace("yardsticks: true", "yardsticks: false").replace("must_beat", "# must")
    )
    (tmp_path / "job.yaml").write_text(text + "script: train_gpt.py\n")
    (tmp_path / "train_gpt.py").write_text("import json\nimport no_such_package_anywhere\n")
    theirs = load_job(tmp_path / "job.yaml")
    (found,) = asked.script_found(theirs)
    assert (found.name, found.state, found.needed) == ("packages", "bad", True)
    assert "no_such_package_anywhere" in found.found
    (tmp_path / "train_gpt.py").write_text("import json\n")
    assert [one.state for one in asked.script_found(theirs)] == ["good"]
    (tmp_path / "train_gpt.py").unlink()
    assert [one.name for one in asked.script_found(theirs)] == ["script"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quickstart", "pr1394"])
def test_our_script_needs_what_the_doctor_says_it_does(name: str) -> None:
    assert script_imports(script_of(load_job(JOBS / f"{name}.yaml")).flat) == asked.OURS


def test_the_packages_of_our_script_are_looked_for_without_making_it() -> None:
    (found,) = asked.script_found(QUICK)
    assert (found.state, found.needed) == ("good", True)
    assert found.found.endswith("numpy, sentencepiece, torch, zstandard")
    shuffled = load_job(JOBS / "pr1394.yaml")
    assert asked.script_found(shuffled)[0].found.endswith("zstandard, brotli")


def test_a_job_that_is_over_the_cap_whatever_comes_is_told() -> None:
    large = load_job(JOBS / "variants" / "pr102_rejected.yaml")
    wide = replace(large.config, model=replace(large.config.model, num_layers=40))
    over = asked.script_found(large.model_copy(update={"config": wide, "allow_over_cap": False}))
    assert [(one.name, one.state) for one in over] == [("packages", "good"), ("size", "bad")]


def test_a_hub_that_does_not_answer_is_told_and_needed_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked.hub_found(Source(endpoint="http://127.0.0.1:9"))
    assert (found.name, found.state, found.needed) == ("Hugging Face", "bad", False)
    assert "check the network" in found.advice
