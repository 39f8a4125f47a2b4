"""Bounds of configuration fields are those that their classes check."""

from __future__ import annotations

from typing import Any

import pytest

from golf_model.config.checks import ConfigError
from golf_model.config.model import LoopConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.schedule import ScheduleConfig
from runner.authoring.bounds import bounds_of, whole_bound
from tests.fixtures.config_classes import CONFIG_CLASSES

BEYOND = {"minimum": -1e-6, "exclusiveMinimum": 0.0, "maximum": 1e-6, "exclusiveMaximum": 0.0}


def test_a_chain_gives_both_ends_and_a_loop_each_of_its_names() -> None:
    assert bounds_of(LoopConfig) == {
        "start": {"minimum": 0},
        "times": {"minimum": 0, "maximum": 16},
        "at": {"minimum": 0, "maximum": 1},
    }
    assert bounds_of(ModelConfig)["num_kv_heads"] == {"minimum": 1}


def test_what_depends_on_another_field_is_no_bound() -> None:
    assert "mlp_mult" not in bounds_of(ModelConfig)
    assert "embed_weight_decay" not in bounds_of(OptimConfig)
    assert bounds_of(ScheduleConfig)["min_lr"] == {"minimum": 0, "maximum": 1}


@pytest.mark.parametrize("kind", CONFIG_CLASSES.values(), ids=CONFIG_CLASSES)
def test_every_bound_is_one_that_the_class_itself_refuses_to_pass(kind: Any) -> None:
    for name, bound in bounds_of(kind).items():
        for keyword, number in bound.items():
            step = 1 if isinstance(getattr(kind(), name), int) and keyword in ("minimum", "maximum") else None
            beyond = number + (BEYOND[keyword] if step is None else step if keyword == "maximum" else -step)
            with pytest.raises(ConfigError) as caught:
                kind(**{name: beyond})
            assert caught.value.where == name or name == "start", (name, keyword)


def test_no_count_is_larger_than_any_run_could_use() -> None:
    assert whole_bound() == {"minimum": -(10**12), "maximum": 10**12}
