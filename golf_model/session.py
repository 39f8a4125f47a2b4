"""What every phase of a run is built from: log, validation data, network, and the official lines about them.

Nothing here trains or writes an artifact; that is main.py.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from golf_model.compile_forecast import compile_forecast
from golf_model.config.eval import EvalConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.network.attention import AttentionKernel
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.flash import settle_attention
from golf_model.network.gpt import GPT, LossModel
from golf_model.network.head import HeadKernel
from golf_model.network.segments import Documents
from golf_model.process.devices import Abilities, abilities, settle_compiler, settle_products
from golf_model.process.distributed import World, accumulation_steps
from golf_model.process.environment import RunEnvironment
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog, log_file, log_head, log_shards
from golf_model.scoring.bpb import ByteTables, build_byte_tables, read_pieces
from golf_model.scoring.evaluate import Score, evaluate, rows_at_once, warm_graphs
from golf_model.scoring.streaming import evaluate_streaming
from golf_model.scoring.windows import Windows, eval_windows
from golf_model.training.checkpoint import Checkpoints, owner_of
from golf_model.training.loader import load_sidecars, load_validation_tokens
from golf_model.training.qat import acts_on_artifact, arm, switch
from golf_model.training.shards import Shard, find_shards, find_sidecars

VALIDATION_SHARDS = "fineweb_val_*.bin"


@dataclass(frozen=True)
class Validation:
    """Validation data, ready to score."""

    tokens: torch.Tensor
    """(n,) uint16."""
    sizes: torch.Tensor
    """(n,) int16: UTF-8 bytes of text that each token stands for."""


@dataclass(frozen=True)
class Session:
    """What every phase of a run holds."""

    config: GolfConfig
    environment: RunEnvironment
    world: World
    log: RunLog
    events: Events
    script: bytes
    how: Abilities


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch as the official script does."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


def open_session(config: GolfConfig, environment: RunEnvironment, world: World, script: bytes) -> Session:
    """Set up log, events and precision, and write the log's head."""
    log = RunLog(sys.stdout, Path("logs"), environment.run_id, is_main=world.is_main)
    forecast = compile_forecast(config) if config.runtime.compile == "auto" and world.device.type == "cpu" else None
    how = abilities(config.runtime, world.device, pays=forecast is not None and forecast.pays)
    products = settle_products(config.runtime, world.device)
    log_head(log, config, script, world.device, how)
    if forecast is not None:
        log.line(forecast.line)
    if world.device.type == "cuda":
        log.line(f"fp32_products:{products}")
    events = Events(environment.events_path, log, is_main=world.is_main)
    return Session(config, environment, world, log, events, script, how)


def open_tables(session: Session) -> ByteTables:
    """Byte tables of the tokenizer."""
    tokenizer, vocab_size = session.environment.tokenizer_path, session.config.model.vocab_size
    tables = build_byte_tables(read_pieces(tokenizer, vocab_size), vocab_size)
    session.log.line(f"val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={tokenizer}")
    log_file(session.log, "tokenizer", tokenizer)
    return tables


def open_training_shards(session: Session) -> list[Shard]:
    """The training shards, headers checked."""
    folder = session.environment.data_path
    shards = find_shards(folder, "fineweb_train_*.bin")
    session.log.line(f"train_loader:dataset:{folder.name} train_shards:{len(shards)}")
    log_shards(session.log, "train", [shard.path for shard in shards])
    return shards


def open_validation(session: Session, tables: ByteTables) -> Validation:
    """All validation tokens, ready to score."""
    folder, config = session.environment.data_path, session.config
    shards = find_shards(folder, VALIDATION_SHARDS)
    length = config.batch.train_seq_len
    tokens = load_validation_tokens(shards, length, config.model.vocab_size)
    whole = (tokens.numel() - 1) // length * length
    session.log.line(f"val_loader:shards pattern={folder / VALIDATION_SHARDS} tokens:{whole}")
    for shard in shards:
        log_file(session.log, "val", shard.path)
    if not config.eval.byte_sidecar:
        return Validation(tokens, tables.sizes(tokens))
    sidecars = find_sidecars(folder)
    for shard in sidecars:
        log_file(session.log, "val_bytes", shard.path)
    return Validation(tokens, load_sidecars(sidecars, tokens.numel()))


def open_checkpoints(session: Session) -> Checkpoints | None:
    """Where this run's checkpoints lie, or None where it makes none."""
    if not session.config.schedule.checkpoint_every_s:
        return None
    environment, world = session.environment, session.world
    owner = owner_of(session.script, environment.seed, world.size)
    return Checkpoints(environment.checkpoints or Path("checkpoints"), owner, world)


def kernels_of(
    runtime: RuntimeConfig, device: torch.device, *, compiled: bool = False
) -> tuple[AttentionKernel, HeadKernel]:
    """Ways to attention and loss, as configured or what suits the device. A compiler unrolls the walk over a few rows
    at a time, which takes it minutes, and fuses the plain way by itself."""
    on_cpu = device.type == "cpu"
    kernel = runtime.attention if runtime.attention != "auto" else ("blocks" if on_cpu else "sdpa")
    head = runtime.head if runtime.head != "auto" else ("chunked" if on_cpu and not compiled else "plain")
    return kernel, head


def build_network(session: Session) -> tuple[GPT, LossModel]:
    """The network on its device, and the same as it is called: compiled or not."""
    model, runtime, world = session.config.model, session.config.runtime, session.world
    kernel, head = kernels_of(runtime, world.device, compiled=session.how.compiled)
    network = GPT(model, session.how.precision, kernel, head)
    apply_dtype_policy(network, model)
    if session.config.batch.documents:
        network.documents = Documents(session.config.batch.bos_token, session.config.batch.train_seq_len)
    arm(network, session.config.qat, model.num_layers)
    network.to(world.device)
    network.position_tables(session.config.batch.train_seq_len, world.device)
    if world.device.type == "cuda" and session.how.compiled:
        settle_compiler()
        if kernel == "sdpa" and session.how.precision == torch.bfloat16:
            session.log.line(settle_attention(session.config, world))
    session.log.line(f"model_params:{sum(parameter.numel() for parameter in network.parameters())}")
    if not session.how.compiled:
        return network, network
    torch._dynamo.config.recompile_limit = 64  # of its 8, a loop, fake quantisation and validation need 9
    loss_model: LossModel = torch.compile(network, dynamic=False, fullgraph=True)
    return network, loss_model


def batches_of(session: Session, rule: EvalConfig, tokens: int) -> tuple[Windows, int]:
    """Windows of a rule over a stream of `tokens` tokens, and how many of them go at once, at most."""
    batch, world = session.config.batch, session.world
    windows = eval_windows(rule, tokens, batch.train_seq_len)
    share = batch.val_batch_tokens // (world.size * accumulation_steps(batch, world.size))
    asked = max(1, share // batch.train_seq_len) if rule.rule == "plain" else rule.batch_windows
    return windows, rows_at_once(asked, int(windows[0, 1]), world.device)


def warm_scoring(session: Session, network: GPT, loss_model: LossModel) -> None:
    """Compile what scores an artifact, before the clock of evaluation starts; nothing where nothing is compiled."""
    if not session.how.compiled:
        return
    world, begun = session.world, time.perf_counter()
    tokens = sum(shard.tokens for shard in find_shards(session.environment.data_path, VALIDATION_SHARDS))
    switch(network, on=acts_on_artifact(session.config.qat))
    rules = [replace(session.config.eval, rule="plain"), session.config.eval]
    for rule in rules[: 1 if session.config.eval.rule in ("plain", "streaming") else 2]:
        warm_graphs(loss_model, *batches_of(session, rule, tokens), world)
    world.synchronise()
    session.log.line(f"scoring_warmup took:{1000 * (time.perf_counter() - begun):.0f}ms")


def score_windows(
    session: Session, loss_model: LossModel, validation: Validation, rule: EvalConfig, odd: LossModel | None = None
) -> Score:
    """The score of a model's weights as they are, by a rule of windows; odd: the model for those unlike the rest."""
    world = session.world
    windows, at_once = batches_of(session, rule, validation.tokens.numel())
    sums = torch.float64 if rule.sums == "float64" else torch.float32
    return evaluate(loss_model, validation.tokens, validation.sizes, windows, at_once, world, sums, odd)


def score_plain(session: Session, loss_model: LossModel, validation: Validation) -> Score:
    """The official score: whole sequences side by side."""
    return score_windows(session, loss_model, validation, replace(session.config.eval, rule="plain"))


def score_by_rule(session: Session, network: GPT, loss_model: LossModel, validation: Validation) -> Score:
    """The score by the configured rule; `streaming`, and windows unlike the rest, go uncompiled."""
    rule, world = session.config.eval, session.world
    if rule.rule != "streaming":
        return score_windows(session, loss_model, validation, rule, network)
    window = rule.window_length(session.config.batch.train_seq_len)
    return evaluate_streaming(network, validation.tokens, validation.sizes, window, rule.batch_windows, world)


def log_run_facts(session: Session) -> None:
    """The official lines about processes, batches, schedule and seed."""
    config, log = session.config, session.log
    cap = config.schedule.max_wallclock_seconds if config.schedule.kind == "wallclock" else 0.0
    accumulation = accumulation_steps(config.batch, session.world.size)
    log.line(f"world_size:{session.world.size} grad_accum_steps:{accumulation}")
    log.line(
        f"train_batch_tokens:{config.batch.train_batch_tokens} train_seq_len:{config.batch.train_seq_len} "
        f"iterations:{config.schedule.iterations} warmup_steps:{config.schedule.warmup_steps} "
        f"max_wallclock_seconds:{cap:.3f}"
    )
    log.line(f"seed:{session.environment.seed}")


def peak_memory_mib(world: World) -> tuple[int, int]:
    """(allocated, reserved) peak of this process in MiB; on CPU its peak resident memory, twice."""
    if world.device.type == "cuda":
        return (
            torch.cuda.max_memory_allocated(world.device) >> 20,
            torch.cuda.max_memory_reserved(world.device) >> 20,
        )
    if world.device.type == "mps":
        return torch.mps.current_allocated_memory() >> 20, torch.mps.driver_allocated_memory() >> 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mebibytes = peak >> 20 if sys.platform == "darwin" else peak >> 10
    return mebibytes, mebibytes
