"""The configuration tree: its defaults, what it refuses, and the source text it turns into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golf_model.config.batch import BatchConfig
from golf_model.config.checks import ConfigError
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import BigramConfig, LoopConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.rounding import LqerConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.script_parts import config_as_source
from tests.fixtures.config_classes import CONFIG_CLASSES


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
        (lambda: ModelConfig(rope_dims=66), "rope_dims"),
        (lambda: ModelConfig(rope_dims=7), "rope_dims"),
        (lambda: LoopConfig(start=3, end=2), "start"),
        (lambda: ModelConfig(loop=LoopConfig(7, 9, 1)), "loop.end"),
        (lambda: ModelConfig(smear="input", smear_width=600), "smear_width"),
        (lambda: ScheduleConfig(min_lr=0.1), "min_lr"),
        (lambda: ExportConfig(lqer=LqerConfig(rank=4), container="torch", compressor="zlib"), "lqer.rank"),
        (lambda: GolfConfig(batch=BatchConfig(documents=True), eval=EvalConfig("streaming")), "eval.rule"),
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
    assert eval(config_as_source(config), dict(CONFIG_CLASSES)) == config


def test_source_of_equal_configurations_is_the_same_text() -> None:
    assert config_as_source(GolfConfig()) == config_as_source(GolfConfig(model=ModelConfig()))
