"""A whole run of the script: train, pack, score, in one process or in the referee's two phases.

`GOLF_PHASE=train` ends when the artifact is on disk, loaded back and scored; `GOLF_PHASE=eval` needs only
the artifact and validation data; without a phase both happen in one process and nothing twice.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from golf_model.artifact.artifact import PackedModel, pack_model, unpack_model
from golf_model.artifact.fit import Step, pack_to_fit
from golf_model.artifact.fit_rows import FINEST, pack_rows_to_fit
from golf_model.artifact.kept import keep_weights
from golf_model.config.export import ARTIFACT_NAME
from golf_model.config.golf_config import GolfConfig
from golf_model.network.gpt import GPT, LossModel
from golf_model.process.distributed import World, accumulation_steps, join_world
from golf_model.process.environment import read_environment
from golf_model.process.errors import EXIT_NAN_LOSS, EXIT_USER_ERROR, NanLossError, ScriptError
from golf_model.process.files import write_durably
from golf_model.quantization.gptq import known_factors, packing_rule
from golf_model.quantization.step_plan import planned_steps
from golf_model.scoring.evaluate import Score
from golf_model.session import (
    Session,
    Validation,
    build_network,
    log_run_facts,
    open_checkpoints,
    open_session,
    open_tables,
    open_training_shards,
    open_validation,
    peak_memory_mib,
    score_by_rule,
    score_plain,
    seed_everything,
    warm_scoring,
)
from golf_model.shapes import BITS, schemes, wants_plan
from golf_model.training.calibration import Seen
from golf_model.training.qat import acts_on_artifact, switch
from golf_model.training.size_forecast import SizeForecaster
from golf_model.training.step_grid import ExpectedGrid
from golf_model.training.train import Packing, TrainingResult, step_line, train
from golf_model.training.trainer import build_trainer, warm_up

LIVE_WEIGHTS_NAME = "final_model.pt"


def artifact_kind(config: GolfConfig) -> str:
    """What the log calls the artifact: its narrowest scheme and its compressor or our container: `int6+zstd`."""
    used = schemes(config.model, config.export).values()
    narrowest = "step" if "step" in used else min(used, key=BITS.__getitem__)
    return f"{narrowest}+{'golf' if config.export.container == 'golf' else config.export.compressor}"


def fit_lines(packed: PackedModel, step: Step | None, code: int, config: GolfConfig) -> list[str]:
    """How the artifact came by its size, for the log."""
    lines, tried = [], packed.tried
    least = min(tried.values(), default=0)
    if len(tried) > 1 and least > 0:  # else there are no integers
        sizes = (f"{name}:{size} ({100 * (size / least - 1):+.2f}%)" for name, size in tried.items())
        lines.append(f"integers coded by {' '.join(sizes)}")
    if step is not None:
        cap, total = config.export.step.cap_bytes, len(packed.blob) + code
        slack = f"{cap - total} under the cap of {cap}"
        finest = config.export.step.finest if config.export.solves_step else FINEST
        why = " at the finest step allowed" if step.size <= finest else ""
        kind = "step" if config.export.solves_step else "row_factor"
        lines.append(f"{kind}:{step.size:.8g} tries:{step.tries} total:{total} {slack}{why}")
    return lines


def pack(
    weights: Mapping[str, Tensor], seen: Seen | None, config: GolfConfig, code: int, say: Callable[[str], None]
) -> tuple[PackedModel, Step | None]:
    """A `state_dict` as an artifact beside `code` bytes of script, by all that was seen on training tokens."""
    plan = None
    hessians, fisher = (seen.hessians, seen.fisher) if seen is not None else ({}, {})
    if wants_plan(config.export):
        plan = planned_steps(weights, config.model.num_layers, config.export, hessians, fisher)
        for line in plan.lines:
            say(line)
    if config.export.solves_step:
        return pack_to_fit(weights, config.model, config.export, code, hessians, plan)
    if config.export.solves_factor:
        return pack_rows_to_fit(weights, config.model, config.export, code, hessians)
    return pack_model(weights, config.model, config.export, hessians, plan), None


def with_factors_of_all(seen: Seen | None, session: Session) -> Seen | None:
    """What was seen, with GPTQ's factors of it: each process makes its share, so that none waits idle for it."""
    export, world = session.config.export, session.world
    if seen is None or not seen.hessians or (export.rounding == "nearest" and not wants_plan(export)):
        return seen
    begun = time.perf_counter()
    factors = known_factors(seen.hessians, packing_rule(export))
    factors.share(world)
    world.synchronise()
    took = f"took:{1000 * (time.perf_counter() - begun):.0f}ms"
    session.log.line(f"gptq_factors:{len(factors.made)} processes:{world.size} {took}")
    return replace(seen, hessians=factors)


def freeze(session: Session, network: GPT, result: TrainingResult, grid: ExpectedGrid | None) -> None:
    """Write live weights and artifact, log all sizes, announce that the artifact is frozen."""
    log, code, config = session.log, len(session.script), session.config
    kind = artifact_kind(config)
    raw = "raw_torch" if config.export.container.startswith("torch") else "raw"
    seen = with_factors_of_all(result.seen, session)
    if session.world.is_main:
        buffer = io.BytesIO()
        torch.save(network.state_dict(), buffer)
        live = buffer.getvalue()
        write_durably(Path(LIVE_WEIGHTS_NAME), live)
        log.line(f"Serialized model: {len(live)} bytes")
        log.line(f"Code size: {code} bytes")
        log.line(f"Total submission size: {len(live) + code} bytes")
        packed, step = pack(network.state_dict(), seen, config, code, log.line)
        write_durably(Path(ARTIFACT_NAME), packed.blob)
        ratio = packed.tensor_bytes / max(packed.payload_bytes, 1)
        log.line(
            f"Serialized model {kind}: {len(packed.blob)} bytes (payload:{packed.payload_bytes} "
            f"{raw}:{packed.raw_bytes} payload_ratio:{ratio:.2f}x)"
        )
        log.line(f"Total submission size {kind}: {len(packed.blob) + code} bytes")
        for line in fit_lines(packed, step, code, config):
            log.line(line)
        if grid is not None and step is not None and grid.solved:
            off = 100 * (grid.solved / step.size - 1)
            log.line(f"fake_quantisation step:{grid.solved:.8g} written:{step.size:.8g} ({off:+.2f}%)")
    session.world.rest()
    session.events.announce("artifact_frozen")
    if session.environment.keep is not None and session.world.is_main:
        hessians, fisher = (seen.hessians, seen.fisher) if seen is not None else ({}, {})
        keep_weights(session.environment.keep, network.state_dict(), hessians, fisher)


def train_phase(session: Session) -> tuple[GPT, LossModel, Validation]:
    """Train and freeze; returns the network for the round trip."""
    config, world, log = session.config, session.world, session.log
    accumulation_steps(config.batch, world.size)
    tables = open_tables(session)
    shards = open_training_shards(session)
    validation = open_validation(session, tables)
    seed_everything(session.environment.seed)
    network, loss_model = build_network(session)
    log_run_facts(session)
    trainer = build_trainer(config, world, network, loss_model, shards, session.environment.seed)
    checkpoints = open_checkpoints(session)
    grid = None
    if config.qat.active != "off" and config.qat.grid == "step":
        grid = ExpectedGrid(network, config, len(session.script), world)
    packing = Packing(SizeForecaster(config, len(session.script), log), grid)
    if config.schedule.warmup_steps:
        session.events.announce("warmup_start")
        warm_up(trainer, log)
    earlier_ms = 1000.0 * session.environment.earlier_seconds
    result = train(
        trainer,
        log,
        session.events,
        lambda: score_plain(session, loss_model, validation),
        checkpoints,
        earlier_ms,
        packing,
    )
    trainer.batches.close()
    log.line(f"data_wait:{result.waited_ms:.0f}ms")
    live = score_plain(session, loss_model, validation)
    log.line(step_line(result.steps, config.schedule.iterations, live.log_values, result.elapsed_ms))
    if result.stopped_early:
        progress = f"train_time:{result.elapsed_ms:.0f}ms step:{result.steps}/{config.schedule.iterations}"
        log.line(f"stopping_early: wallclock_cap {progress}")
    allocated, reserved = peak_memory_mib(world)
    log.line(f"peak memory allocated: {allocated} MiB reserved: {reserved} MiB")
    if config.qat.active != "off":
        log.line(f"fake_quantisation:{config.qat.active} steps:{result.steps_on_grid} of:{result.steps}")
    if result.average is not None:
        result.average.load_into(network.state_dict())
        log.line(f"weight_average:{config.average.kind} samples:{result.average.samples}")
    freeze(session, network, result, grid)
    if checkpoints is not None:
        checkpoints.forget()
    return network, loss_model, validation


def load_artifact(session: Session, network: GPT) -> None:
    """Replace the network's weights by the artifact's; ScriptError when it is missing or not this model's."""
    path = Path(ARTIFACT_NAME)
    if not path.is_file():
        raise ScriptError(f"no {ARTIFACT_NAME} in {Path.cwd()}; run the training phase here or copy its artifact")
    config = session.config
    network.load_state_dict(unpack_model(path.read_bytes(), config.model, config.export), strict=True)
    switch(network, on=acts_on_artifact(config.qat))


def timed_score(session: Session, label: str, measure: Callable[[], Score]) -> Score:
    """Measure a score and log it in the official form under `label`, with the time it took."""
    session.world.synchronise()
    started = time.perf_counter()
    result = measure()
    session.world.synchronise()
    eval_ms = 1000.0 * (time.perf_counter() - started)
    session.log.line(f"{label} {result.log_values} eval_time:{eval_ms:.0f}ms")
    session.log.line(f"{label}_exact val_loss:{result.val_loss:.8f} val_bpb:{result.val_bpb:.8f}")
    return result


def exact_line(rule: str, score: Score) -> str:
    """A score for the referee: the rule, what was counted, every digit."""
    counted = f"tokens:{score.tokens} bytes:{score.bytes}"
    return f"rule:{rule} {counted} val_loss:{score.val_loss!r} val_bpb:{score.val_bpb!r}"


def score_artifact(
    session: Session, network: GPT, loss_model: LossModel, validation: Validation, *, final: bool
) -> None:
    """Load the artifact and log its plain score; `final` also logs the published score, by the configured rule."""
    load_artifact(session, network)
    kind = artifact_kind(session.config).replace("+", "_")
    plain = timed_score(session, f"final_{kind}_roundtrip", lambda: score_plain(session, loss_model, validation))
    session.log.line(f"score {exact_line('plain', plain)}")
    if not final:
        return
    config, published = session.config.eval, plain
    if config.rule != "plain":
        label = f"final_{kind}_{config.rule}"
        published = timed_score(session, label, lambda: score_by_rule(session, network, loss_model, validation))
    session.log.line(f"final_score {exact_line(config.rule, published)}")


def eval_phase(session: Session) -> None:
    """Score the artifact in the working directory, with nothing from the training process."""
    built = build_network(session) if session.how.compiled else None
    if built is not None:
        warm_scoring(session, *built)
    session.events.announce("eval_start")
    validation = open_validation(session, open_tables(session))
    network, loss_model = built or build_network(session)
    log_run_facts(session)
    score_artifact(session, network, loss_model, validation, final=True)
    session.events.announce("eval_end")


def run_phases(session: Session) -> None:
    """The phase that the environment asks for, or all."""
    if session.environment.phase == "eval":
        eval_phase(session)
        return
    network, loss_model, validation = train_phase(session)
    if session.environment.phase == "train":
        score_artifact(session, network, loss_model, validation, final=False)
        return
    warm_scoring(session, network, loss_model)
    session.events.announce("eval_start")
    score_artifact(session, network, loss_model, validation, final=True)
    session.events.announce("eval_end")


def report_user_error(error: ScriptError) -> None:
    """One `error: …` line on stderr for the whole run.

    Usually every process meets the same error. Process 0 speaks; the others give it (and torchrun, which
    ends them) time to do so, and speak only when they turn out to be alone with theirs.
    """
    rank = int(os.environ.get("RANK", "0"))
    if rank:
        time.sleep(5.0)
    print(f"error: {error}" + (f" (process {rank})" if rank else ""), file=sys.stderr, flush=True)


def main(config: GolfConfig, script: Path) -> int:
    """Run `script`'s configuration in the current directory; returns the exit code (0, 2 user error, 3 NaN loss)."""
    world: World | None = None
    try:
        environment = read_environment(os.environ)
        world = join_world(config.runtime)
        run_phases(open_session(config, environment, world, script.read_bytes()))
    except ScriptError as error:
        report_user_error(error)
        return EXIT_USER_ERROR
    except NanLossError:
        return EXIT_NAN_LOSS
    finally:
        if world is not None:
            world.close()
    return 0
