"""Which modules a script has: those of the techniques that it uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golf_model.config.batch import BatchConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import SdclipConfig
from golf_model.config.model import AttentionGateConfig, ModelConfig, ParallelConfig
from golf_model.config.rounding import GptqConfig, LqerConfig
from golf_model.script_parts import unused_modules
from runner.job.load import load_job
from tests.fixtures.places import JOBS

PLAIN = GolfConfig()
SOLVED = ExportConfig(compressor="rans", rows="sdclip", sdclip=SdclipConfig(solve=True))
SWITCHED: dict[str, tuple[GolfConfig, set[str]]] = {
    "lanes": (replace(PLAIN, model=ModelConfig(parallel=ParallelConfig("lanes", 8))), {"network.lanes"}),
    "a gate on heads": (
        replace(PLAIN, model=ModelConfig(attn_gate=AttentionGateConfig("window"))),
        {"network.attn_gate"},
    ),
    "a smear": (replace(PLAIN, model=ModelConfig(smear="input")), {"network.smear"}),
    "exclusive attention": (replace(PLAIN, model=ModelConfig(xsa_last_n=1)), {"network.xsa"}),
    "drawn sequences": (replace(PLAIN, batch=BatchConfig(order="sequences")), {"training.orders"}),
    "documents apart": (replace(PLAIN, batch=BatchConfig(documents=True)), {"network.segments"}),
    "rounding in turn": (
        replace(PLAIN, export=ExportConfig(gptq=GptqConfig(tokens=1))),
        {"training.calibration", "quantization.gptq"},
    ),
    "a factor that is solved for": (replace(PLAIN, export=SOLVED), {"artifact.fit", "artifact.fit_rows"}),
    "low-rank repairs": (
        replace(PLAIN, export=ExportConfig(compressor="rans", lqer=LqerConfig(rank=4))),
        {"artifact.repairs", "quantization.lqer"},
    ),
}


@pytest.mark.parametrize("name", SWITCHED)
def test_a_technique_brings_its_own_modules_into_the_script_and_no_other(name: str) -> None:
    config, modules = SWITCHED[name]
    alike = replace(PLAIN, export=replace(PLAIN.export, container=config.export.container))
    assert unused_modules(alike) - unused_modules(config) == modules
    assert unused_modules(config) <= unused_modules(alike)


def test_the_frontiers_script_has_all_of_its_techniques_and_the_baselines_none() -> None:
    frontier, baseline = (unused_modules(load_job(JOBS / f"{name}.yaml").config) for name in ("frontier", "baseline"))
    own = {
        *("network.lanes", "network.attn_gate", "network.smear", "network.xsa", "training.orders"),
        *("training.calibration", "quantization.gptq", "quantization.trellis", "training.averaging"),
    }
    assert not own & frontier
    assert own <= baseline
