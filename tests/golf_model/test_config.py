"""The configuration tree: its defaults, what it refuses, and the source text it turns into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golf_model import config as tree
from golf_model.config import (
    BatchConfig,
    BigramConfig,
    ConfigError,
    ExportConfig,
    GolfConfig,
    LogConfig,
    ModelConfig,
    OptimConfig,
    RuntimeConfig,
    ScheduleConfig,
)
from golf_model.script_parts import config_as_source


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: ModelConfig(model_dim=100, num_heads=8), "model_dim"),
        (lambda: ModelConfig(model_dim=24, num_heads=8), "model_dim"),
        (lambda: ModelConfig(num_kv_heads=3), "num_kv_heads"),
        (lambda: ModelConfig(num_layers=0), "num_layers"),
        (lambda: ModelConfig(logit_softcap=0.0), "logit_softcap"),
        (lambda: BigramConfig(buckets=1), "buckets"),
        (lambda: OptimConfig(muon_backend_steps=0), "muon_backend_steps"),
        (lambda: ScheduleConfig(max_wallclock_seconds=0.0), "max_wallclock_seconds"),
        (lambda: BatchConfig(train_batch_tokens=1000), "train_batch_tokens"),
        (lambda: ExportConfig(passthrough_numel=-1), "passthrough_numel"),
        (lambda: LogConfig(train_log_every=-1), "train_log_every"),
        (lambda: RuntimeConfig(cpu_threads=-1), "cpu_threads"),
    ],
)
def test_value_that_cannot_work_is_refused_by_field(build: object, field: str) -> None:
    assert callable(build)
    with pytest.raises(ConfigError) as caught:
        build()
    assert caught.value.where == field


def test_source_of_a_configuration_builds_an_equal_one() -> None:
    config = replace(
        GolfConfig(), model=ModelConfig(num_layers=3, bigram=BigramConfig(4096, 64)), schedule=ScheduleConfig("steps")
    )
    assert eval(config_as_source(config), vars(tree).copy()) == config


def test_source_of_equal_configurations_is_the_same_text() -> None:
    assert config_as_source(GolfConfig()) == config_as_source(GolfConfig(model=ModelConfig()))
