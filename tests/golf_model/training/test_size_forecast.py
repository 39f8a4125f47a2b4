"""Forecasts of the artifact's size from weights that are still being trained."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import torch

from golf_model.artifact.artifact import pack_model
from golf_model.config.average import AverageConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import SdclipConfig, StepConfig
from golf_model.process.runlog import RunLog
from golf_model.training.averaging import WeightAverage
from golf_model.training.size_forecast import SizeForecaster, forecast_line
from tests.golf_model.artifact.small_artifacts import config_of, weights_of

CONFIG = config_of("pr102")
CODE = 321


def test_a_fixed_rule_is_packed_and_counted() -> None:
    weights = weights_of("pr102")
    size = len(pack_model(weights, CONFIG.model, CONFIG.export).blob)
    assert forecast_line(weights, CONFIG, CODE) == f"artifact:{size} total:{size + CODE}"


def stepped(cap: int, coarsest: float = 1.0) -> GolfConfig:
    export = ExportConfig(
        mlp="step", attn="step", passthrough_numel=64, step=StepConfig(cap_bytes=cap, coarsest=coarsest)
    )
    return replace(CONFIG, export=export)


def test_a_solved_step_is_named_with_its_size() -> None:
    line = forecast_line(weights_of("pr102"), stepped(500_000), CODE)
    words = dict(word.split(":") for word in line.split())
    assert 0.999 * 500_000 <= int(words["total"]) <= 500_000
    assert float(words["step"]) > 0


def test_a_solved_factor_of_row_scales_is_named_with_its_size() -> None:
    export = ExportConfig(
        mlp="int6",
        attn="int6",
        rows="sdclip",
        sdclip=SdclipConfig(solve=True),
        container="golf",
        compressor="rans",
        passthrough_numel=64,
        step=StepConfig(cap_bytes=300_000),
    )
    line = forecast_line(weights_of("pr102"), replace(CONFIG, export=export), CODE)
    words = dict(word.split(":") for word in line.split())
    assert 0.999 * 300_000 <= int(words["total"]) <= 300_000
    assert float(words["row_factor"]) > 0


def test_what_will_not_fit_is_said() -> None:
    assert "OVER the cap of 1000" in forecast_line(weights_of("pr102"), stepped(1000, 0.01), CODE)


def test_weights_that_are_no_numbers_make_the_forecast_unknown() -> None:
    weights = dict(weights_of("pr102"))
    weights["skip_weights"] = weights["skip_weights"] * float("nan")
    assert forecast_line(weights, CONFIG, CODE).startswith("unknown (artifact: skip_weights")


def watched(shares: list[float], folder: Path, *, main: bool = True) -> list[str]:
    stream = io.StringIO()
    forecaster = SizeForecaster(CONFIG, CODE, RunLog(stream, folder, "run", is_main=main))
    for share in shares:
        forecaster.watch(share, weights_of("pr102"), None)
        forecaster.speak(wait=True)
    return stream.getvalue().splitlines()


def test_two_forecasts_at_half_and_nine_tenths(tmp_path: Path) -> None:
    lines = watched([0.1, 0.49, 0.5, 0.51, 0.89, 0.93, 1.0], tmp_path)
    assert [line.split()[1] for line in lines] == ["at:50%", "at:90%"]
    assert watched([0.1, 0.95], tmp_path)[0].startswith("forecast at:50% artifact:")


def test_other_processes_say_nothing(tmp_path: Path) -> None:
    assert watched([0.6, 0.95], tmp_path, main=False) == []


def test_the_average_is_forecast_once_there_is_one(tmp_path: Path) -> None:
    weights = weights_of("pr102")
    average = WeightAverage(AverageConfig("ema"), {name: torch.zeros_like(value) for name, value in weights.items()})
    stream = io.StringIO()
    forecaster = SizeForecaster(CONFIG, CODE, RunLog(stream, tmp_path, "run", is_main=True))
    forecaster.watch(0.6, weights, average)
    forecaster.speak(wait=True)
    zeros = {name: torch.zeros_like(value) for name, value in weights.items()}
    assert stream.getvalue().strip() == f"forecast at:50% {forecast_line(zeros, CONFIG, CODE)}"
