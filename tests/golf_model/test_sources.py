"""Sources as data say what the fields' own words say, and belong to values that can be set."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.sources import TECHNIQUES, sources_of
from runner.job.base import field_docs
from runner.job.load import load_job
from tests.fixtures.places import JOBS

OF_THE_CLASS = {
    "model.bigram.buckets": {"102"},
    "model.smear": {"102", "465", "372", "1667"},
    "model.loop.times": {"1204", "1394"},
    "export.lqer.rank": {"1797"},
    "optim.muon_decay_taper.start": {"1729"},
}
"""Fields whose source the words of their class give."""


def numbers(text: str) -> set[str]:
    return set(re.findall(r"#(\d+)", text))


def test_every_pull_request_that_a_field_names_stands_in_the_table_and_no_other() -> None:
    docs = field_docs()
    named = {field: numbers(text) for field, text in docs.items() if numbers(text)}
    table: dict[str, set[str]] = {}
    for technique in TECHNIQUES:
        for source in (*technique.sources.values(), technique.wherever_on):
            table.setdefault(technique.field, set()).update(numbers(source))
    told = {field: found for field, found in table.items() if found}
    assert told == named | OF_THE_CLASS


def test_every_field_of_the_table_exists_and_stands_once() -> None:
    fields = [technique.field for technique in TECHNIQUES]
    assert set(fields) <= set(field_docs())
    assert len(fields) == len(set(fields))


def titles(config: GolfConfig) -> dict[str, str]:
    return {technique.title: source for technique, _, source in sources_of(config)}


def test_the_defaults_are_the_baselines() -> None:
    assert titles(GolfConfig()) == {
        "activation of the MLP": "official baseline",
        "Muon": "official baseline",
    }


def test_a_field_without_effect_is_attributed_to_nobody() -> None:
    hidden = replace(GolfConfig(), qat=QatConfig(active="off", grid="amax_floor", late_k=1))
    assert titles(hidden) == titles(GolfConfig())
    shown = titles(replace(hidden, qat=replace(hidden.qat, active="always")))
    assert (shown["fake quantisation"], shown["late keys left alone"]) == ("PR #372", "PRs #160, #372")


def test_a_whole_width_is_nobodys_and_a_fraction_somebodys() -> None:
    assert "fractional width of the MLP" not in titles(GolfConfig(model=ModelConfig(mlp_mult=3.0)))
    assert titles(GolfConfig(model=ModelConfig(mlp_mult=2.5)))["fractional width of the MLP"] == "PR #102"


def test_the_bigram_table_is_attributed_where_there_is_one() -> None:
    config = GolfConfig(model=ModelConfig(bigram=BigramConfig(buckets=512)))
    assert titles(config)["BigramHash"] == "PR #102"
    assert "BigramHash" not in titles(GolfConfig())


@pytest.mark.parametrize("name", ["pr102_head", "pr160", "pr372", "pr465", "pr1606", "pr1394"])
def test_a_job_that_reproduces_a_pull_request_is_attributed_to_it(name: str) -> None:
    number = re.findall(r"\d+", name)[0]
    assert any(f"#{number}" in source for source in titles(load_job(JOBS / f"{name}.yaml").config).values())
