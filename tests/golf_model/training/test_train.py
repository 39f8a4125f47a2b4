"""The training loop: warm-up leaves no trace, the clock leaves validation out, NaN ends it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import LoopConfig, ModelConfig
from golf_model.config.optim import DecayTaperConfig, OptimConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.network.gpt import GPT
from golf_model.process.distributed import World
from golf_model.process.errors import NanLossError
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog
from golf_model.scoring.evaluate import Score
from golf_model.training.shards import open_shard
from golf_model.training.train import TrainingResult, step_line, train
from golf_model.training.trainer import Trainer, build_trainer, optimizer_step, warm_up
from tests.fixtures.golden_cases import golden_tokens
from tests.golf_model.training.test_shards import shard_bytes

CONFIG = GolfConfig(
    model=ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2),
    schedule=ScheduleConfig(kind="steps", iterations=6, warmdown_iters=2, warmup_steps=3),
    batch=BatchConfig(train_batch_tokens=128, train_seq_len=32, val_batch_tokens=128, micro_batches=2),
    log=LogConfig(train_log_every=2, val_loss_every=0),
)
SCORE = Score(val_loss=2.0, val_bpb=1.0, tokens=1, bytes=1)


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[[GolfConfig], Trainer]:
    path = tmp_path / "shard.bin"
    path.write_bytes(shard_bytes(golden_tokens(5000, 64).tolist()))

    def make(config: GolfConfig) -> Trainer:
        torch.manual_seed(3)
        network = GPT(config.model, torch.float32, "explicit", "chunked")
        return build_trainer(config, World(0, 1, torch.device("cpu")), network, network, [open_shard(path)])

    return make


def run(trainer: Trainer, folder: Path, validate: Callable[[], Score] = lambda: SCORE) -> tuple[TrainingResult, str]:
    log = RunLog(io.StringIO(), folder / "logs", "run", is_main=True)
    result = train(trainer, log, Events(None, log, is_main=True), validate)
    return result, log.path.read_text()


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [value.clone() for value in trainer.network.state_dict().values()]


def test_same_seed_gives_the_same_bits(make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path) -> None:
    trainers = [make_trainer(CONFIG) for _ in range(2)]
    for trainer in trainers:
        run(trainer, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(*map(weights, trainers), strict=True))


def test_warm_up_is_undone_to_the_last_bit(make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path) -> None:
    warmed, cold = make_trainer(CONFIG), make_trainer(CONFIG)
    before = weights(warmed)
    warm_up(warmed, RunLog(io.StringIO(), tmp_path, "warm", is_main=True))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(warmed), strict=True))
    for trainer in (warmed, cold):
        run(trainer, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(weights(warmed), weights(cold), strict=True))


def test_every_step_of_a_long_warm_up_is_a_line(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    """A step may take minutes, and who hears nothing for so long is ended as stalled."""
    trainer = make_trainer(replace(CONFIG, schedule=replace(CONFIG.schedule, warmup_steps=23)))
    log = RunLog(io.StringIO(), tmp_path, "warm", is_main=True)
    warm_up(trainer, log)
    assert log.path.read_text().splitlines() == [f"warmup_step:{step}/23" for step in range(1, 24)]


LOOPED = replace(
    CONFIG,
    model=replace(CONFIG.model, num_layers=4, loop=LoopConfig(1, 1, 2, 0.5)),
    optim=OptimConfig(muon_weight_decay=0.1, muon_decay_taper=DecayTaperConfig(0.5, 0.0)),
    schedule=replace(CONFIG.schedule, iterations=8),
)


def test_a_loop_begins_at_its_share_of_the_steps_and_stays_for_what_follows_training(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    trainer, modes, decays = make_trainer(LOOPED), list[bool](), list[float]()
    muon = trainer.optimizers[1]

    def note(*_: object) -> None:
        if torch.is_grad_enabled():
            modes.append(trainer.network.looped)
            decays.append(muon.param_groups[0]["weight_decay"])

    trainer.network.register_forward_pre_hook(note)
    _, log = run(trainer, tmp_path)
    assert modes[::2] == [False] * 4 + [True] * 4  # two micro-batches a step
    assert decays[::2] == pytest.approx([0.1] * 5 + [0.075, 0.05, 0.025])
    assert [line.split()[:2] for line in log.splitlines() if line.startswith("loop:")] == [["loop:on", "step:4"]]
    assert trainer.network.looped


def test_warm_up_also_makes_steps_with_the_loop(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    trainer = make_trainer(LOOPED)
    log = RunLog(io.StringIO(), tmp_path, "warm", is_main=True)
    before = weights(trainer)
    warm_up(trainer, log)
    assert log.path.read_text().splitlines() == [f"warmup_step:{step}/6" for step in range(1, 7)]
    assert all(torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True))


def test_a_loop_that_never_begins_is_passed_in_packing_all_the_same(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    trainer = make_trainer(replace(LOOPED, model=replace(LOOPED.model, loop=LoopConfig(1, 1, 2, 1.0))))
    _, log = run(trainer, tmp_path)
    assert "loop:on" not in log
    assert trainer.network.looped


def test_training_lowers_the_loss(make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path) -> None:
    trainer = make_trainer(replace(CONFIG, schedule=replace(CONFIG.schedule, iterations=30)))
    first = float(optimizer_step(trainer))
    run(trainer, tmp_path)
    assert float(optimizer_step(trainer)) < first - 1.0


def test_steps_schedule_runs_all_iterations_and_logs_the_official_lines(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    result, log = run(make_trainer(replace(CONFIG, schedule=replace(CONFIG.schedule, iterations=14))), tmp_path)
    assert (result.steps, result.stopped_early) == (14, False)
    logged = [line.split()[0] for line in log.splitlines() if " train_loss:" in line]
    assert logged == [f"step:{step}/14" for step in (*range(1, 11), 12, 14)]
    assert log.startswith("event:train_start\n")
    assert log.endswith("event:train_end\n")


def test_wallclock_schedule_stops_at_the_first_step_past_the_limit(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    schedule = ScheduleConfig(max_wallclock_seconds=0.2, iterations=100_000, warmdown_iters=5)
    result, log = run(make_trainer(replace(CONFIG, schedule=schedule)), tmp_path)
    assert result.stopped_early
    assert result.elapsed_ms >= 200.0
    last = [line for line in log.splitlines() if " train_loss:" in line][-1]
    assert last.startswith(f"step:{result.steps}/100000 ")


def test_validation_is_announced_and_off_the_clock(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    calls = []
    config = replace(CONFIG, log=LogConfig(train_log_every=0, val_loss_every=3))
    trainer = make_trainer(config)

    def validate() -> Score:
        calls.append(1)
        torch.linalg.svdvals(torch.randn(700, 700))  # work that would show on the clock
        return SCORE

    log = run(trainer, tmp_path, validate)[1].splitlines()
    assert len(calls) == 2
    # The clock runs between the first two events: microseconds, on a busy machine more than the digits hide.
    starts = [
        "event:train_start",
        "event:validation_start",
        "step:0/6 val_loss:2.0000 val_bpb:1.0000 ",
        "event:validation_end",
    ]
    assert all(line.startswith(start) for line, start in zip(log[:4], starts, strict=True))


def test_loss_that_is_no_number_ends_training_at_once(
    make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    trainer = make_trainer(CONFIG)
    with torch.no_grad():
        trainer.network.tok_emb.weight.fill_(float("nan"))
    log = RunLog(io.StringIO(), tmp_path, "run", is_main=True)
    with pytest.raises(NanLossError):
        train(trainer, log, Events(None, log, is_main=True), lambda: SCORE)
    assert log.path.read_text().splitlines()[-1] == "nan_loss step:1"


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_average_follows_training_without_touching_it(
    kind: str, make_trainer: Callable[[GolfConfig], Trainer], tmp_path: Path
) -> None:
    average = AverageConfig(kind, ema_decay=0.5, swa_start_multiplier=1.0, swa_every=1)  # type: ignore[arg-type]
    schedule = replace(CONFIG.schedule, warmdown_iters=4)
    plain, averaged = (
        make_trainer(replace(CONFIG, schedule=schedule, average=a)) for a in (AverageConfig(), average)
    )
    assert run(plain, tmp_path)[0].average is None
    found = run(averaged, tmp_path)[0].average
    assert all(torch.equal(a, b) for a, b in zip(*map(weights, (plain, averaged)), strict=True))
    assert found is not None
    assert found.samples == (3 if kind == "swa" else 6)
    found.load_into(averaged.network.state_dict())
    assert not any(torch.equal(a, b) for a, b in zip(*map(weights, (plain, averaged)), strict=True))


def test_micro_batches_accumulate_to_the_mean_gradient(make_trainer: Callable[[GolfConfig], Trainer]) -> None:
    trainer = make_trainer(CONFIG)
    loader = make_trainer(CONFIG).batches.loader
    micro = [loader.next_batch(128, 32, 2) for _ in range(2)]
    expected = sum(float(trainer.network(*pair, mean=True).detach()) for pair in micro) / 2
    assert float(optimizer_step(trainer)) == pytest.approx(expected, abs=1e-6)


def test_progress_line_has_the_official_form() -> None:
    assert step_line(13780, 20000, "train_loss:2.0000", 600039.4) == (
        "step:13780/20000 train_loss:2.0000 train_time:600039ms step_avg:43.54ms"
    )
