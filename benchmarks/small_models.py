"""Small trained models for benchmarks of the artifact: real text, real training, minutes on a laptop.

The text is the FineWeb sample in ../shared/data where there is one, else the embedded corpus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.process.distributed import World
from golf_model.scoring.bpb import build_byte_tables, read_pieces
from golf_model.scoring.evaluate import Score, evaluate, rows_at_once
from golf_model.scoring.windows import windows_of
from golf_model.session import seed_everything
from golf_model.training.loader import load_validation_tokens
from golf_model.training.optimizers import set_learning_rates, set_momentum
from golf_model.training.schedule import learning_rate_multiplier, muon_momentum
from golf_model.training.shards import find_shards
from golf_model.training.train import TrainingClock
from golf_model.training.trainer import Trainer, build_trainer, optimizer_step
from runner.job.open_data import DataRequest, open_requested

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data"
WORLD = World(0, 1, torch.device("cpu"))
MODEL = ModelConfig(
    vocab_size=1024, num_layers=6, model_dim=256, num_heads=4, num_kv_heads=2, mlp_mult=3, tok_emb_init_std=0.02
)


def small_config(seconds: float) -> GolfConfig:
    """Six layers of width 256, 3.9 M parameters, trained for so many seconds."""
    return GolfConfig(
        model=MODEL,
        optim=OptimConfig(matrix_lr=0.025, scalar_lr=0.04, tied_embed_lr=0.06, muon_momentum_warmup_steps=100),
        schedule=ScheduleConfig(max_wallclock_seconds=seconds, warmdown_iters=150, warmup_steps=0),
        batch=BatchConfig(train_batch_tokens=4096, train_seq_len=256, val_batch_tokens=16384, micro_batches=1),
        runtime=RuntimeConfig(compile="off"),
    )


@dataclass(frozen=True)
class Text:
    """Shards of text and the tokenizer that made them."""

    name: str
    folder: Path
    tokenizer: Path

    def validation(self, config: GolfConfig) -> tuple[Tensor, Tensor]:
        """Validation tokens, and the bytes that each stands for."""
        vocab = config.model.vocab_size
        shards = find_shards(self.folder, "fineweb_val_*.bin")
        tables = build_byte_tables(read_pieces(self.tokenizer, vocab), vocab)
        tokens = load_validation_tokens(shards, config.batch.train_seq_len, vocab)
        return tokens, tables.sizes(tokens)


def find_text() -> Text:
    """The FineWeb sample, or the embedded corpus."""
    folder = SAMPLE / "fineweb_sample_sp1024"
    if folder.is_dir():
        return Text("FineWeb sample", folder, SAMPLE / "tokenizers" / "fineweb_1024_bpe.model")
    data = open_requested(DataRequest("asv", None, None, MODEL.vocab_size), print)
    return Text(data.name, data.folder, data.tokenizer)


def build(config: GolfConfig) -> GPT:
    """The network on the CPU."""
    network = GPT(config.model, torch.float32, "explicit", "chunked")
    apply_dtype_policy(network, config.model)
    return network


def train_small(
    config: GolfConfig, text: Text, seed: int, watch: Callable[[Trainer, float], None] = lambda trainer, share: None
) -> tuple[Trainer, int]:
    """A trained model of that seed, and its steps; watch: told the share of the time that is over, every step."""
    seed_everything(seed)
    network = build(config)
    shards = find_shards(text.folder, "fineweb_train_*.bin")
    trainer = build_trainer(config, WORLD, network, network, shards, seed)
    clock, step, limit = TrainingClock(WORLD), 0, 1000.0 * config.schedule.max_wallclock_seconds
    clock.start()
    while (elapsed := clock.read()) < limit:
        set_learning_rates(trainer.optimizers, learning_rate_multiplier(config.schedule, step, elapsed))
        set_momentum(trainer.optimizers, muon_momentum(config.optim, step))
        optimizer_step(trainer)
        step += 1
        watch(trainer, clock.read() / limit)
    return trainer, step


def score(network: GPT, config: GolfConfig, validation: tuple[Tensor, Tensor]) -> Score:
    """Every validation token once, whole sequences side by side."""
    tokens, sizes = validation
    length = config.batch.train_seq_len
    windows = windows_of("plain", tokens.numel() - 1, length, length)
    return evaluate(network, tokens, sizes, windows, rows_at_once(16, length, WORLD.device), WORLD)
