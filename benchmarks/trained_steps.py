"""Small models trained for thousands of steps and kept: what shaped steps and the trellis are measured on.

    python benchmarks/trained_steps.py FOLDER SEED [STEPS]

Muon with decay, a warmdown to zero and averaged weights, as the records train. A model that FOLDER has already is
loaded, so that training and measuring may run at different times; its checkpoint is read as tensors only.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.small_models import WORLD, Text, build, find_text, small_config
from golf_model.config.average import AverageConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.session import seed_everything
from golf_model.training.averaging import WeightAverage
from golf_model.training.optimizers import set_learning_rates, set_momentum
from golf_model.training.schedule import learning_rate_multiplier, muon_momentum
from golf_model.training.shards import find_shards
from golf_model.training.trainer import build_trainer, optimizer_step

STEPS = 2000
SHAPES = {1: (4, 128), 2: (3, 160)}
"""Layers and width by seed; any other seed has the first."""


def stepped_config(seed: int, steps: int) -> GolfConfig:
    """0.8 M to 1 M parameters, 1,024 tokens a step."""
    config = small_config(1.0)
    layers, width = SHAPES.get(seed, SHAPES[1])
    return replace(
        config,
        model=ModelConfig(
            vocab_size=1024,
            num_layers=layers,
            model_dim=width,
            num_heads=4,
            num_kv_heads=2,
            mlp_mult=3,
            tok_emb_init_std=0.02,
        ),
        optim=OptimConfig(
            matrix_lr=0.02,
            scalar_lr=0.02,
            tied_embed_lr=0.03,
            muon_momentum_warmup_steps=100,
            muon_weight_decay=0.08,
            muon_decay_order="after",
            adam_weight_decay=0.01,
            grad_clip_norm=0.5,
        ),
        schedule=ScheduleConfig(kind="steps", iterations=steps, warmdown_iters=steps // 3, warmup_steps=0),
        average=AverageConfig(kind="ema", ema_decay=0.99),
        batch=replace(config.batch, train_batch_tokens=1024, train_seq_len=128, order="shuffled"),
    )


def trained_weights(folder: Path, text: Text, seed: int, steps: int = STEPS) -> tuple[GolfConfig, dict[str, Tensor]]:
    """(configuration, averaged weights) of that seed after `steps` steps, trained now unless FOLDER has them."""
    config = stepped_config(seed, steps)
    path = folder / f"seed{seed}-{steps}.pt"
    if path.is_file():
        return config, torch.load(path, map_location="cpu", weights_only=True)
    seed_everything(seed)
    network = build(config)
    trainer = build_trainer(config, WORLD, network, network, find_shards(text.folder, "fineweb_train_*.bin"), seed)
    average = WeightAverage(config.average, network.state_dict())
    for step in range(steps):
        multiplier = learning_rate_multiplier(config.schedule, step, 0.0)
        set_learning_rates(trainer.optimizers, multiplier)
        set_momentum(trainer.optimizers, muon_momentum(config.optim, step))
        loss = float(optimizer_step(trainer))
        average.update(network.state_dict(), step + 1, multiplier)
        if step % 100 == 0:
            print(f"seed {seed} step {step}/{steps} loss {loss:.4f}", flush=True)
    trainer.batches.close()
    average.load_into(network.state_dict())
    weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    torch.save(weights, aside)
    aside.replace(path)
    return config, weights


if __name__ == "__main__":
    torch.set_num_threads(1)
    trained_weights(Path(sys.argv[1]), find_text(), int(sys.argv[2]), int((*sys.argv, str(STEPS))[3]))
