"""Calibration: the inputs that layers really see, on training tokens, within the time that was kept free."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golf_model.config.average import AverageConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.model import BigramConfig
from golf_model.config.rounding import GptqConfig
from golf_model.network.block import Block
from golf_model.network.linear import CastedLinear
from golf_model.network.rope import rms_norm
from golf_model.process.distributed import World
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog
from golf_model.training.averaging import WeightAverage
from golf_model.training.calibration import Calibration, collect_hessians, watched
from golf_model.training.shards import open_shard
from golf_model.training.train import train
from golf_model.training.trainer import Trainer, build_trainer
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.golf_model.training.test_shards import shard_bytes
from tests.golf_model.training.test_train import CONFIG as TRAINING
from tests.golf_model.training.test_train import SCORE

CONFIG = replace(
    TRAINING,
    model=replace(TRAINING.model, bigram=BigramConfig(32, 16)),
    export=ExportConfig(compressor="rans", passthrough_numel=64, gptq=GptqConfig(tokens=320)),
)


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[[GolfConfig], Trainer]:
    path = tmp_path / "shard.bin"
    path.write_bytes(shard_bytes(golden_tokens(5000, 64).tolist()))

    def make(config: GolfConfig) -> Trainer:
        network = golden_network(config.model)
        return build_trainer(config, World(0, 1, torch.device("cpu")), network, network, [open_shard(path)])

    return make


def test_every_matrix_of_a_layer_is_watched_but_the_head() -> None:
    network = golden_network(replace(CONFIG.model, tie_embeddings=False))
    matrices = {name for names in watched(network).values() for name in names}
    layers = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, CastedLinear)}
    assert matrices == layers - {"lm_head.weight"}


@torch.no_grad()
def test_hessians_are_the_sums_over_the_layers_inputs() -> None:
    network = golden_network(CONFIG.model)
    ids = golden_tokens(96, 64).view(3, 32)
    found = collect_hessians(network, [ids[:2], ids[2:]])
    x0 = network.embedded(ids)
    block = network.get_submodule("blocks.0")
    assert isinstance(block, Block)
    mixed = block.resid_mix[0] * x0 + block.resid_mix[1] * x0
    x = rms_norm(mixed, CONFIG.model.norm_eps).flatten(0, 1)
    for part in ("c_q", "c_k", "c_v"):
        assert torch.allclose(found[f"blocks.0.attn.{part}.weight"], x.T @ x, rtol=1e-4, atol=1e-3)
    assert found["blocks.1.mlp.proj.weight"].shape == (64, 64)
    assert found["bigram.proj.weight"].shape == (16, 16)
    assert all(len(module._forward_pre_hooks) == 0 for module in network.modules())


@torch.no_grad()
@pytest.mark.parametrize(("tied", "name"), [(True, "tok_emb.weight"), (False, "lm_head.weight")])
def test_what_the_head_sees_is_looked_at_where_the_embedding_is_rounded_so(tied: bool, name: str) -> None:
    network = golden_network(replace(CONFIG.model, tie_embeddings=tied))
    ids = golden_tokens(96, 64).view(3, 32)
    usual = collect_hessians(network, [ids])
    found = collect_hessians(network, [ids], embed=True)
    x = network.features(ids).flatten(0, 1)
    assert torch.allclose(found[name], x.T @ x, rtol=1e-4, atol=1e-3)
    assert found.keys() - usual.keys() == {name}
    assert all(torch.equal(usual[key], found[key]) for key in usual)


def test_collecting_takes_the_next_training_tokens_and_leaves_the_weights(
    make_trainer: Callable[[GolfConfig], Trainer],
) -> None:
    trainer = make_trainer(CONFIG)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    calibration = Calibration(trainer)
    hessians = calibration.collect(None).hessians
    assert calibration.sequences == 10
    assert trainer.batches.taken >= 320
    expected = make_trainer(CONFIG)
    ids = torch.cat([expected.batches.next_on_device()[0] for _ in range(5)])
    again = collect_hessians(expected.network, [ids])
    assert all(torch.allclose(hessians[name], again[name], rtol=1e-4, atol=1e-3) for name in again)
    assert all(torch.equal(value, before[name]) for name, value in trainer.network.state_dict().items())


def test_the_averaged_weights_are_looked_at_and_the_live_ones_come_back(
    make_trainer: Callable[[GolfConfig], Trainer],
) -> None:
    trainer, other = make_trainer(CONFIG), make_trainer(CONFIG)
    halves = {name: value * 0.5 for name, value in trainer.network.state_dict().items()}
    average = WeightAverage(AverageConfig("ema"), halves)
    live = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    found = Calibration(trainer).collect(average).hessians
    other.network.load_state_dict(halves)
    expected = Calibration(other).collect(None).hessians
    assert all(torch.allclose(found[name], expected[name], rtol=1e-4, atol=1e-4) for name in expected)
    assert all(torch.equal(value, live[name]) for name, value in trainer.network.state_dict().items())


def logged(trainer: Trainer, folder: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    log = RunLog(io.StringIO(), folder / "logs", "run", is_main=True)
    result = train(trainer, log, Events(None, log, is_main=True), lambda: SCORE)
    trainer.batches.close()
    hessians = dict(result.seen.hessians) if result.seen is not None else {}
    return hessians, log.path.read_text().splitlines()


def test_training_tokens_are_read_before_training_ends(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    hessians, lines = logged(make_trainer(CONFIG), tmp_path)
    assert hessians.keys() >= {"blocks.0.mlp.fc.weight"}
    taken = next(index for index, line in enumerate(lines) if line.startswith("calibration sequences:10 took:"))
    assert taken < lines.index("event:train_end")


def test_by_the_clock_the_time_for_it_is_kept_free(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    schedule = replace(CONFIG.schedule, kind="wallclock", max_wallclock_seconds=1.0, iterations=10**6)
    _, lines = logged(make_trainer(replace(CONFIG, schedule=schedule)), tmp_path)
    reserved = float(next(line for line in lines if line.startswith("calibration reserved:"))[21:-2])
    last = [line for line in lines if line.startswith("step:")][-1]
    stopped = float(last.split("train_time:")[1].split("ms")[0])
    step_ms = stopped / int(last.split("/")[0][5:])
    assert reserved > 0
    assert stopped >= min(1000.0 - reserved, 1.0) - 1
    assert lines[-1] == "event:train_end"
    assert step_ms > 0


def test_without_it_nothing_is_read_or_logged(make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path) -> None:
    plain = replace(CONFIG, export=replace(CONFIG.export, gptq=GptqConfig()))
    with_it, without = make_trainer(CONFIG), make_trainer(plain)
    assert logged(without, tmp_path)[0] == {}
    assert not any("calibration" in line for line in logged(make_trainer(plain), tmp_path / "again")[1])
    logged(with_it, tmp_path / "with")
    states = [trainer.network.state_dict() for trainer in (with_it, without)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_two_processes_share_the_tokens(make_trainer: Callable[[GolfConfig], Trainer]) -> None:
    trainer = make_trainer(CONFIG)
    trainer.world = World(0, 2, torch.device("cpu"))
    assert Calibration(trainer).sequences == 5


def test_the_loss_is_asked_on_training_tokens_where_steps_are_shaped_by_it(
    make_trainer: Callable[[GolfConfig], Trainer],
) -> None:
    steps = ShapedStepsConfig(rows="fisher", tokens=64)
    export = replace(CONFIG.export, mlp="step", step=StepConfig(size=0.1), steps=steps)
    trainer = make_trainer(replace(CONFIG, export=export))
    calibration, weights = Calibration(trainer), trainer.network.state_dict()
    assert calibration.rehearse() > 0
    seen = calibration.collect(None)
    assert seen.fisher.keys() == seen.hessians.keys()
    assert all(value.shape == weights[name].shape[:1] for name, value in seen.fisher.items())
    assert calibration.fisher_sequences == -(-64 // calibration.length)
    assert Calibration(make_trainer(CONFIG)).collect(None).fisher == {}


def test_rows_of_packed_documents_count_as_the_sequences_that_they_hold(tmp_path: Path) -> None:
    stream = golden_tokens(5000, 64)
    stream[::40] = 1
    (tmp_path / "shard.bin").write_bytes(shard_bytes(stream.tolist()))
    config = replace(CONFIG, batch=replace(CONFIG.batch, order="documents"))
    network = golden_network(config.model)
    shard = open_shard(tmp_path / "shard.bin")
    calibration = Calibration(build_trainer(config, World(0, 1, torch.device("cpu")), network, network, [shard]))
    rows = [ids for ids, _ in calibration._chunks(calibration.sequences)]
    assert {ids.size(1) for ids in rows} == {64}
    assert sum(ids.numel() for ids in rows) == 320
