"""Quantisers side by side: loss against bytes on the same trained weights, and sizes that have to fit a cap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy import stats
from torch import Tensor

from benchmarks.artifact_coders import ABSMAX
from benchmarks.small_models import Text, build, score, small_config, train_small
from golf_model.artifact.artifact import PackedModel, pack_model, unpack_model
from golf_model.artifact.fit import pack_to_fit
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import StepConfig
from golf_model.network.gpt import GPT
from golf_model.training.calibration import collect_hessians
from golf_model.training.size_forecast import forecast_line
from golf_model.training.trainer import Trainer

CALIBRATION_TOKENS = 16384
STEPPED = ExportConfig(
    compressor="rans", embed="step", mlp="step", attn="step", passthrough_numel=4096, rows="amax_float16"
)


@dataclass(frozen=True)
class Trained:
    """One trained model and what is needed to score its artifacts."""

    config: GolfConfig
    network: GPT
    weights: dict[str, Tensor]
    hessians: dict[str, Tensor]
    validation: tuple[Tensor, Tensor]
    steps: int
    loss: float

    def loss_of(self, packed: PackedModel, export: ExportConfig) -> float:
        """Loss of an artifact in nats, above that of the weights as they are."""
        self.network.load_state_dict(unpack_model(packed.blob, self.config.model, export))
        return score(self.network, self.config, self.validation).val_loss - self.loss


def train_one(seconds: float, text: Text, seed: int, val_tokens: int) -> Trained:
    """A model of that seed, and its Hessians on further training tokens."""
    config = small_config(seconds)
    trainer, steps = train_small(config, text, seed)
    weights = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    sequences = -(-CALIBRATION_TOKENS // config.batch.train_seq_len)
    per_batch = config.batch.train_batch_tokens // config.batch.train_seq_len
    batches = [trainer.batches.next_on_device()[0] for _ in range(-(-sequences // per_batch))]
    trainer.batches.close()
    whole = val_tokens // config.batch.train_seq_len * config.batch.train_seq_len + 1
    tokens, sizes = (part[:whole] for part in text.validation(config))
    validation = (tokens, sizes)
    network = build(config)
    network.load_state_dict(weights)
    hessians = collect_hessians(network, batches)
    loss = score(network, config, validation).val_loss
    return Trained(config, network, weights, hessians, validation, steps, loss)


def quantiser_losses(model: Trained) -> dict[str, float]:
    """Loss added by absmax rows and by the same rows rounded in turn, for 6, 5 and 4 bits."""
    found = {}
    for bits, export in ABSMAX.items():
        coder = replace(export, compressor="rans")
        for name, hessians in (("absmax", None), ("gptq", model.hessians)):
            packed = pack_model(model.weights, model.config.model, coder, hessians)
            found[f"int{bits} {name}"] = model.loss_of(packed, coder)
    return found


def fitted(model: Trained, cap: int, stepped: ExportConfig, *, gptq: bool) -> tuple[PackedModel, ExportConfig]:
    """An artifact that fits `cap` bytes, and the rule with its step."""
    export = replace(stepped, step=replace(stepped.step, cap_bytes=cap, finest=1e-5, coarsest=1.0))
    hessians = model.hessians if gptq else None
    packed, step = pack_to_fit(model.weights, model.config.model, export, 0, hessians)
    return packed, replace(export, step=replace(export.step, size=step.size))


SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
RULES = {
    "step": (STEPPED, False),
    "step, embedding 0.5": (replace(STEPPED, step=StepConfig(embed=0.5)), False),
    "step gptq": (STEPPED, True),
    "step gptq, embedding 0.5": (replace(STEPPED, step=StepConfig(embed=0.5)), True),
}
"""Ways to lie on a uniform grid, and whether by GPTQ; 0.5: the embedding's step in units of the others'."""


@dataclass(frozen=True)
class Ladder:
    """One model: int6 absmax rows under zstd-22, and each rule's step solved for shares of those bytes."""

    size: int
    loss: float
    """Added by int6 absmax rows."""
    losses: dict[str, list[float]]
    """Added by each rule at each of SHARES."""
    largest_excess: int
    """Most bytes that a solved artifact had more than it was allowed; never positive."""


def ladder(model: Trained) -> Ladder:
    """Pack and score one model every way."""
    old = replace(ABSMAX[6], compressor="zstd")
    packed = pack_model(model.weights, model.config.model, old)
    size, losses, excess = len(packed.blob), dict[str, list[float]](), list[int]()
    for name, (rule, gptq) in RULES.items():
        losses[name] = []
        for share in SHARES:
            ours, export = fitted(model, int(share * size), rule, gptq=gptq)
            excess.append(len(ours.blob) - int(share * size))
            losses[name].append(model.loss_of(ours, export))
    return Ladder(size, model.loss_of(packed, old), losses, max(excess))


def share_at_equal_loss(losses: Sequence[float], aim: float) -> float:
    """Share of the bytes, falling along SHARES, at which the added loss reaches `aim`, by interpolation; the last one
    where it stays below, nan where it begins above."""
    for index, loss in enumerate(losses):
        if loss > aim:
            if not index:
                return math.nan
            before = losses[index - 1]
            return SHARES[index - 1] + (SHARES[index] - SHARES[index - 1]) * (aim - before) / (loss - before)
    return SHARES[-1]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): 95 % t interval of the mean."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))
    return mean, mean - half, mean + half


@dataclass(frozen=True)
class Fit:
    """One small run against its small cap, and the forecast at nine tenths of the training."""

    seed: int
    cap: int
    total: int
    fixed_final: int
    fixed_at_half: int
    fixed_at_nine_tenths: int


def tiny(seconds: float) -> GolfConfig:
    """Two layers of width 128, stored as int6 rows under zstd."""
    config = small_config(seconds)
    model = replace(config.model, num_layers=2, model_dim=128, num_heads=2, num_kv_heads=1)
    schedule = replace(config.schedule, warmdown_iters=40)
    export = replace(ABSMAX[6], compressor="zstd", container="torch_pair")
    return replace(
        config, model=model, schedule=schedule, export=export, batch=replace(config.batch, train_seq_len=128)
    )


def fit_run(seconds: float, text: Text, seed: int, cap: int, code_bytes: int) -> Fit:
    """Train, forecast on the way, and fit a small cap."""
    config = tiny(seconds)
    forecasts: dict[float, int] = {}

    def watch(trainer: Trainer, share: float) -> None:
        for at in (0.5, 0.9):
            if share >= at and at not in forecasts:
                line = forecast_line(trainer.network.state_dict(), config, 0)
                forecasts[at] = int(line.split("artifact:")[1].split()[0])

    trainer, _ = train_small(config, text, seed, watch)
    trainer.batches.close()
    weights = trainer.network.state_dict()
    fixed = len(pack_model(weights, config.model, config.export).blob)
    stepped = replace(STEPPED, step=StepConfig(cap_bytes=cap, coarsest=0.2))
    packed, _ = pack_to_fit(weights, config.model, stepped, code_bytes)
    return Fit(seed, cap, code_bytes + len(packed.blob), fixed, forecasts[0.5], forecasts[0.9])


def in_window(fit: Fit) -> bool:
    """Whether script and artifact landed in [cap - 0.1 %, cap]."""
    return 0.999 * fit.cap <= fit.total <= fit.cap
