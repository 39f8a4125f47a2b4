"""Checkpoints: a run that is cut off at any step and goes on ends with the bits of one that was not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import StepConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.network.gpt import GPT
from golf_model.process.distributed import World
from golf_model.process.errors import ScriptError
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog
from golf_model.scoring.evaluate import Score
from golf_model.training.checkpoint import KEPT, Checkpoints, owner_of
from golf_model.training.qat import arm
from golf_model.training.shards import open_shard
from golf_model.training.size_forecast import SizeForecaster
from golf_model.training.step_grid import ExpectedGrid
from golf_model.training.train import Packing, TrainingResult, train
from golf_model.training.trainer import Trainer, build_trainer, warm_up
from tests.fixtures.golden_cases import golden_tokens
from tests.golf_model.training.test_shards import shard_bytes

ALONE = World(0, 1, torch.device("cpu"))
EVERY_STEP = 1e-6
CONFIG = GolfConfig(
    model=ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2),
    schedule=ScheduleConfig(
        kind="steps", iterations=7, warmdown_iters=4, warmup_steps=1, checkpoint_every_s=EVERY_STEP
    ),
    batch=BatchConfig(train_batch_tokens=128, train_seq_len=32, val_batch_tokens=128, micro_batches=2),
    average=AverageConfig("ema", ema_decay=0.9),
    qat=QatConfig("training", start_step=4),
    log=LogConfig(train_log_every=1, val_loss_every=3),
)
SCORE = Score(val_loss=2.0, val_bpb=1.0, tokens=1, bytes=1)


class Cut(BaseException):
    """The process dies here."""


def build(config: GolfConfig, folder: Path) -> Trainer:
    path = folder / "shard.bin"
    if not path.exists():
        path.write_bytes(shard_bytes(golden_tokens(1500, 64).tolist()))
    torch.manual_seed(3)
    network = GPT(config.model, torch.float32, "explicit", "chunked")
    arm(network, config.qat, config.model.num_layers)
    return build_trainer(config, ALONE, network, network, [open_shard(path)], seed=5)


def life(
    config: GolfConfig, folder: Path, checkpoints: Checkpoints | None, dies_after: int | None, earlier_ms: float = 0.0
) -> tuple[Trainer, TrainingResult | None, str]:
    """One process of the run: warmed up, resumed, trained to the end or to its death."""
    trainer = build(config, folder)
    log = RunLog(io.StringIO(), folder / "logs", "run", is_main=True)
    warm_up(trainer, log)
    packing = None
    if config.qat.grid == "step":
        packing = Packing(SizeForecaster(config, 10, log), ExpectedGrid(trainer.network, config, 10, ALONE))
    steps = 0
    update = torch.optim.Adam.step

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal steps
        steps += 1
        if dies_after is not None and steps > 2 * dies_after:  # two Adams a step
            raise Cut
        return update(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", counted)
        try:
            events = Events(None, log, is_main=True)
            result = train(trainer, log, events, lambda: SCORE, checkpoints, earlier_ms, packing)
        except Cut:
            result = None
    trainer.batches.close()
    return trainer, result, log.path.read_text()


def everything(trainer: Trainer, result: TrainingResult | None) -> list[torch.Tensor]:
    """Weights, optimizer states and average."""
    assert result is not None
    assert result.average is not None
    states = [value for o in trainer.optimizers for state in o.state.values() for value in state.values()]
    tensors = [value for value in states if isinstance(value, torch.Tensor)]
    return [*trainer.network.state_dict().values(), *tensors, *result.average.sums.values()]


def places(folder: Path) -> Checkpoints:
    return Checkpoints(folder / "checkpoints", owner_of(b"script", 5, 1), ALONE)


@pytest.mark.parametrize("order", ["sequential", "shuffled"])
@pytest.mark.parametrize("deaths", [[1], [3], [6], [2, 1, 2]], ids=str)
def test_a_run_cut_off_at_any_step_ends_bit_equal(tmp_path: Path, deaths: list[int], order: Any) -> None:
    config = replace(CONFIG, batch=replace(CONFIG.batch, order=order))
    undisturbed = everything(*life(config, tmp_path, None, None)[:2])
    checkpoints = places(tmp_path)
    for after in deaths:
        assert life(config, tmp_path, checkpoints, after)[1] is None
    trainer, result, log = life(config, tmp_path, checkpoints, None)
    assert f"resumed step:{sum(deaths)} train_time:" in log
    assert result is not None
    assert (result.steps, result.steps_on_grid) == (7, 3)
    assert all(torch.equal(a, b) for a, b in zip(undisturbed, everything(trainer, result), strict=True))


SOLVED = replace(
    CONFIG,
    qat=QatConfig("training", start_step=1, grid="step", resolve_every=4),
    export=ExportConfig(mlp="step", attn="step", passthrough_numel=64, step=StepConfig(cap_bytes=13_000)),
)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> list[torch.Tensor]:
    """All that a run under SOLVED ends with that nobody disturbs; another than a run without a grid."""
    folder = tmp_path_factory.mktemp("solved")
    undisturbed = everything(*life(SOLVED, folder, None, None)[:2])
    plain = everything(*life(replace(SOLVED, qat=QatConfig()), folder, None, None)[:2])
    assert not all(torch.equal(a, b) for a, b in zip(undisturbed, plain, strict=True))
    return undisturbed


@pytest.mark.parametrize(
    "deaths", [[4], [3, 2], *(pytest.param([after], marks=pytest.mark.slow) for after in (2, 5))], ids=str
)
def test_the_solved_grid_goes_on_as_it_was(tmp_path: Path, deaths: list[int], solved: list[torch.Tensor]) -> None:
    """The grid is solved for at steps 1 and 4, each time from the one before."""
    for after in deaths:
        assert life(SOLVED, tmp_path, places(tmp_path), after)[1] is None
    resumed = everything(*life(SOLVED, tmp_path, places(tmp_path), None)[:2])
    assert all(torch.equal(a, b) for a, b in zip(solved, resumed, strict=True))


def test_checkpoints_change_nothing_in_a_run_that_is_not_cut_off(tmp_path: Path) -> None:
    without = everything(*life(CONFIG, tmp_path, None, None)[:2])
    with_them = everything(*life(CONFIG, tmp_path, places(tmp_path), None)[:2])
    assert all(torch.equal(a, b) for a, b in zip(without, with_them, strict=True))


def test_the_last_two_are_kept_and_nothing_half_written_counts(tmp_path: Path) -> None:
    checkpoints = places(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(step, {"step": step})
    assert checkpoints.whole() == [2, 3]
    assert len(list(checkpoints.folder.iterdir())) == KEPT
    checkpoints.path(4).mkdir()
    (checkpoints.path(4) / ".rank0.pt.tmp").write_bytes(b"half")
    (checkpoints.path(4) / "rank0.pt").write_bytes(b"half")
    assert checkpoints.load_latest() == {"step": 3}
    checkpoints.forget()
    assert checkpoints.load_latest() is None


@pytest.mark.parametrize("other", [(b"another", 5, 1), (b"script", 6, 1), (b"script", 5, 2)])
def test_another_scripts_seeds_or_worlds_checkpoints_are_not_looked_at(tmp_path: Path, other: Any) -> None:
    places(tmp_path).save(1, {"step": 1})
    assert replace(places(tmp_path), owner=owner_of(*other)).load_latest() is None


def test_a_damaged_checkpoint_ends_one_try_runs_no_code_and_the_next_goes_on_from_the_one_before_it(
    tmp_path: Path,
) -> None:
    checkpoints = places(tmp_path)
    checkpoints.save(1, {"step": 1})
    whole = checkpoints.file(1).read_bytes()

    class Payload:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    harmful = io.BytesIO()
    torch.save({"step": Payload()}, harmful)
    for content in (b"", b"nonsense", whole[:-40], harmful.getvalue()):
        checkpoints.save(2, {"step": 2})
        checkpoints.file(2).write_bytes(content)
        with pytest.raises(ScriptError, match="a damaged checkpoint; the next try goes on from the one before it"):
            checkpoints.load_latest()
        assert checkpoints.load_latest() == {"step": 1}
    assert not (tmp_path / "ran").exists()
    (checkpoints.path(1) / "whole.json").write_text(json.dumps(["owner"]))
    assert checkpoints.load_latest() is None


def test_the_clock_counts_what_was_done_after_the_checkpoint_and_lost(tmp_path: Path) -> None:
    checkpoints = places(tmp_path)
    life(CONFIG, tmp_path, checkpoints, 3)
    _, result, log = life(CONFIG, tmp_path, checkpoints, None, earlier_ms=60_000.0)
    assert result is not None
    assert result.elapsed_ms > 60_000
    assert "resumed step:3 train_time:60000ms" in log


def test_a_run_whose_time_was_used_up_by_earlier_lives_stops_at_once(tmp_path: Path) -> None:
    schedule = replace(CONFIG.schedule, kind="wallclock", max_wallclock_seconds=10.0)
    _, result, _ = life(replace(CONFIG, schedule=schedule), tmp_path, places(tmp_path), None, earlier_ms=10_001.0)
    assert result is not None
    assert (result.steps, result.stopped_early) == (0, True)
