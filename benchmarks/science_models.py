"""Small profiles of jobs trained by golf's own loop on real text, by steps, and scored: what benchmarks/science.py
holds against each other."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.small_models import WORLD, Text
from golf_model.artifact.artifact import unpack_model
from golf_model.config.average import AverageConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.main import pack
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog
from golf_model.scoring.evaluate import Score, evaluate, rows_at_once
from golf_model.scoring.windows import windows_of
from golf_model.session import seed_everything
from golf_model.training.averaging import WeightAverage
from golf_model.training.calibration import Seen
from golf_model.training.qat import acts_on_artifact, arm, switch
from golf_model.training.shards import find_shards
from golf_model.training.size_forecast import SizeForecaster
from golf_model.training.train import Packing, train
from golf_model.training.trainer import build_trainer
from runner.job.load import load_job
from runner.job.profiles import SMALL_STEPS, with_profile
from runner.plan.footprint import step_flops

JOBS = Path(__file__).resolve().parents[1] / "jobs"
FULL_STEPS = 5000
"""Steps of a full run, by which horizons of averages are told."""


def stepped_config(name: str, steps: int) -> GolfConfig:
    """The job's small profile by so many steps, with everything that counts steps scaled to them."""
    config = with_profile(load_job(JOBS / f"{name}.yaml"), "steps").config
    share = steps / SMALL_STEPS

    def scaled(number: int) -> int:
        return max(1, round(number * share)) if number else 0

    schedule, optim, average, qat = config.schedule, config.optim, config.average, config.qat
    return replace(
        config,
        schedule=replace(schedule, iterations=steps, warmdown_iters=scaled(schedule.warmdown_iters), warmup_steps=0),
        optim=replace(optim, muon_momentum_warmup_steps=scaled(optim.muon_momentum_warmup_steps)),
        average=replace(average, ema_decay=average.ema_decay ** (1 / share), swa_every=scaled(average.swa_every)),
        qat=replace(qat, start_step=scaled(qat.start_step)),
        log=replace(config.log, val_loss_every=0, train_log_every=0),
    )


def as_much_compute(name: str, base: GolfConfig) -> GolfConfig:
    """The job by as many steps as take the operations of all of `base`'s."""
    whole = base.schedule.iterations * step_flops(base)
    steps = round(whole / step_flops(stepped_config(name, base.schedule.iterations)))
    return stepped_config(name, max(1, steps))


class Horizons(SizeForecaster):
    """In place of forecasts: averages with other horizons, of the same run."""

    def __init__(self, decays: Mapping[str, float]) -> None:
        self.decays = decays
        self.averages: dict[str, WeightAverage] = {}
        self.step = 0

    def watch(self, share: float, weights: Mapping[str, Tensor], average: WeightAverage | None) -> None:
        """After every step; the first one begins them."""
        self.step += 1
        if not self.averages:
            made = {name: AverageConfig("ema", decay) for name, decay in self.decays.items()}
            self.averages = {name: WeightAverage(one, weights) for name, one in made.items()}
            return
        for one in self.averages.values():
            one.update(weights, self.step, 1.0)

    def speak(self, *, wait: bool = False) -> None:
        """There is nothing to forecast."""


@dataclass(frozen=True)
class Trained:
    """One seed's weights at the end."""

    weights: dict[str, Tensor]
    """What would be packed."""
    live: dict[str, Tensor]
    averages: dict[str, dict[str, Tensor]]
    """By name of their horizon."""
    seen: Seen | None


def network_of(config: GolfConfig) -> GPT:
    """The job's network on the CPU in fp32, looped as in scoring."""
    network = GPT(config.model, torch.float32, "blocks", "chunked")
    apply_dtype_policy(network, config.model)
    arm(network, config.qat, config.model.num_layers)
    network.looped = config.model.loop.times > 0
    return network


def copied(weights: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A copy in the precision of `like`."""
    return {name: value.detach().to(like[name].dtype, copy=True) for name, value in weights.items()}


def trained(config: GolfConfig, text: Text, seed: int, decays: Mapping[str, float]) -> Trained:
    """The job's training, with averages of those decays beside its own."""
    seed_everything(seed)
    network = network_of(config)
    trainer = build_trainer(config, WORLD, network, network, find_shards(text.folder, "fineweb_train_*.bin"), seed)
    horizons = Horizons(decays)
    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(io.StringIO(), Path(folder), "science", is_main=True)
        events = Events(None, log, is_main=True)
        result = train(trainer, log, events, no_validation, packing=Packing(horizons))
    trainer.batches.close()
    live = copied(network.state_dict(), network.state_dict())
    averages = {name: copied(one.weights(), live) for name, one in horizons.averages.items()}
    packed = result.average
    weights = copied(packed.weights(), live) if packed is not None and packed.is_ready else live
    return Trained(weights, live, averages, result.seen)


def no_validation() -> Score:
    """Never called: these runs are scored at their end alone."""
    raise AssertionError("a run that does not validate")


@dataclass(frozen=True)
class Scorer:
    """Held-out tokens, each scored once, whole sequences side by side."""

    tokens: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, text: Text, config: GolfConfig, most: int) -> Scorer:
        """The first `most` tokens that there are."""
        tokens, sizes = text.validation(config)
        return cls(tokens[: most + 1], sizes[: most + 1])

    def bpb(self, config: GolfConfig, weights: Mapping[str, Tensor]) -> float:
        """Bits per byte of those weights."""
        network = network_of(config)
        network.load_state_dict(weights)
        switch(network, on=acts_on_artifact(config.qat))
        length = config.batch.train_seq_len
        windows = windows_of("plain", self.tokens.numel() - 1, length, length)
        rows = rows_at_once(16, length, WORLD.device)
        return evaluate(network, self.tokens, self.sizes, windows, rows, WORLD).val_bpb


def packed_bpb(config: GolfConfig, model: Trained, scorer: Scorer) -> tuple[float, int]:
    """(bits per byte of what the artifact decodes to, its bytes), without a script."""
    seen = model.seen
    if seen is not None and not config.export.gptq.embed:  # it was looked at for the others' sake
        seen = replace(seen, hessians={name: one for name, one in seen.hessians.items() if name != "tok_emb.weight"})
    packed, _ = pack(model.weights, seen, config, 0, lambda line: None)
    return scorer.bpb(config, unpack_model(packed.blob, config.model, config.export)), len(packed.blob)


def scaled_decay(decay: float, steps: int) -> float:
    """The decay that forgets over as large a share of `steps` steps as `decay` does of a full run's."""
    return max(0.0, 1.0 - (1.0 - decay) * FULL_STEPS / steps)


def spread(values: Sequence[float]) -> float:
    """The sample deviation."""
    return float(torch.tensor(values, dtype=torch.float64).std())
