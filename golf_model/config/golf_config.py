"""The whole configuration: its sections, and what they must not ask for together."""

from __future__ import annotations

from dataclasses import dataclass, field

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.checks import require
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.qat import QatConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig


@dataclass(frozen=True)
class GolfConfig:
    """Everything a run of golf_model is told."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    """The optimizers."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Stop and learning-rate schedule."""
    average: AverageConfig = field(default_factory=AverageConfig)
    """The average of the weights that is packed, off by default."""
    batch: BatchConfig = field(default_factory=BatchConfig)
    """Batches."""
    qat: QatConfig = field(default_factory=QatConfig)
    """Fake quantisation while training, off by default."""
    export: ExportConfig = field(default_factory=ExportConfig)
    """The artifact."""
    eval: EvalConfig = field(default_factory=EvalConfig)
    """The published score."""
    log: LogConfig = field(default_factory=LogConfig)
    """Logging."""
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    """Devices and precision."""

    def __post_init__(self) -> None:
        sliding = self.eval.rule not in ("plain", "streaming")
        length = self.eval.window_length(self.batch.train_seq_len)
        require(not sliding or self.eval.stride <= length, "eval.stride", f"at most {length}, the window")
        apart = self.batch.documents and self.eval.rule == "streaming"
        require(not apart, "eval.rule", "not streaming where batch.documents keeps documents apart")
        stepped = "step" in (self.export.mlp, self.export.attn)
        on_step = self.qat.active != "off" and self.qat.grid == "step"
        require(stepped or not on_step, "qat.grid", "step only where export.mlp or export.attn is step")
        shaped = self.export.steps.are_shaped or self.export.rounding == "trellis"
        why = "not step with shaped export.steps or a trellis, whose grid is another; set qat.active: off"
        require(not (on_step and shaped), "qat.grid", why)
