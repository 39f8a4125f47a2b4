"""A whole run on a device that is not the CPU: train, average, calibrate, pack, load, score.

Shapes alone are test_device_path.py's; here numbers flow, so that what is read back, packed or written on the wrong
side is found as well. Kernels, compilers and NCCL are not: benchmarks/gpu.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from golf_model.config.average import AverageConfig
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import LoopConfig
from golf_model.config.qat import QatConfig
from golf_model.config.rounding import GptqConfig, LqerConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.main import main
from runner.job.open_data import DataRequest
from tests.fixtures.pretend_gpu import pretended_gpu
from tests.golf_model.test_main import CONFIG


def run(config: GolfConfig, folder: Path, data: DataRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The log of a run."""
    script = folder / "train_gpt.py"
    script.write_text("the script\n")
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SEED", "7")
        patch.setenv("RUN_ID", "run")
        patch.setenv("DATA_PATH", str(data.folder))
        patch.setenv("TOKENIZER_PATH", str(data.tokenizer))
        assert main(config, script) == 0
    return (folder / "logs" / "run.txt").read_text()


def test_the_pretended_device_refuses_what_a_gpu_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended_gpu(monkeypatch) as device:
        x = torch.arange(4, device=device)
        assert (x.device, (x + 1).device, x.cpu().device) == (device, device, torch.device("cpu"))
        assert (x[torch.tensor([1, 2])] * 2).tolist() == [2, 4]
        for wrong in (lambda: x + torch.ones(4), lambda: torch.ones(4).add_(x), lambda: x.numpy()):
            with pytest.raises((RuntimeError, TypeError)):
                wrong()


PLAIN = replace(
    CONFIG,
    schedule=ScheduleConfig(kind="steps", iterations=2, warmup_steps=1),
    batch=replace(CONFIG.batch, train_batch_tokens=64, val_batch_tokens=2048),
    log=LogConfig(val_loss_every=0),
    runtime=RuntimeConfig(precision="bfloat16", compile="off"),
)
STEP = ExportConfig(
    embed="step", mlp="step", attn="step", other="step", step=StepConfig(cap_bytes=20_000), passthrough_numel=512
)
SHAPED = ShapedStepsConfig(matrices="predicted", columns="hessian", rows="fisher", tokens=256)
CALIBRATED = replace(STEP, rounding="gptq", gptq=GptqConfig(tokens=256), steps=SHAPED)
WAYS = {
    "int6, EMA, sliding": replace(
        PLAIN,
        average=AverageConfig("ema"),
        eval=EvalConfig("sliding", stride=8),
        export=ExportConfig(mlp="int6", attn="int6", embed="int6", passthrough_numel=512, rows="clip_search"),
    ),
    "solved steps, shaped, GPTQ, streaming": replace(PLAIN, eval=EvalConfig("streaming"), export=CALIBRATED),
    "trellis": replace(PLAIN, export=replace(STEP, rounding="trellis")),
    "repairs": replace(
        PLAIN,
        export=replace(
            CONFIG.export, lqer=LqerConfig(rank=2), rows="sdclip", gptq=GptqConfig(tokens=256, embed=True)
        ),
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if "shaped" in name else [pytest.mark.slow]) for name in WAYS]
)
def test_a_run_goes_through(
    name: str, tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pretended_gpu(monkeypatch):
        log = run(WAYS[name], tmp_path, tiny_data, monkeypatch)
    assert "a GPU that is none" in log
    assert "final_score rule:" in log


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, while tracing
def test_a_run_that_needs_more_graphs_than_torch_allows_by_itself_goes_through(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(
        PLAIN,
        model=replace(PLAIN.model, num_layers=2, loop=LoopConfig(start=0, end=1, times=2, at=0.5)),
        schedule=ScheduleConfig(kind="steps", iterations=8, warmup_steps=1),
        log=LogConfig(val_loss_every=2),
        eval=EvalConfig("sliding", stride=8),
        qat=QatConfig(active="until_export", start_step=2, min_numel=64),
        runtime=RuntimeConfig(precision="float32", compile="on", attention="sdpa"),
    )
    compiled, graphs = torch.compile, CompileCounter()
    monkeypatch.setattr(torch, "compile", lambda model, **how: compiled(model, backend=graphs, **how))
    before = torch._dynamo.config.recompile_limit
    torch._dynamo.reset()
    log = run(config, tmp_path, tiny_data, monkeypatch)
    torch._dynamo.reset()
    torch._dynamo.config.recompile_limit = before
    assert "final_score rule:sliding" in log
    assert graphs.frame_count == 9
