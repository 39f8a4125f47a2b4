"""Profiles: the same job at another size, for a rehearsal that costs a minute instead of a pod.

`small` shrinks width, layers, sequences and data, and with them everything that is counted in elements, layers or
steps, so that each tensor class keeps its scheme, each technique stays active and the same code runs. The score
says nothing about the full job; that the run ends with a verdict says that the job works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import LoopConfig, ModelConfig, ParallelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.qat import QatConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.shapes import parameter_count
from runner.errors import UserError
from runner.job.load import job_from_mapping
from runner.job.problems import choice_message
from runner.job.spec import DataSpec, JobSpec, LimitsSpec, resolved

SMALL_DIM, SMALL_LAYERS, SMALL_HEADS = 128, 4, 4
SMALL_LENGTH = 128
"""Tokens of a sequence and of a window."""
SMALL_BATCH_TOKENS = 2048
SMALL_SECONDS = 30.0
SMALL_STEPS = 250
"""Steps that a CPU core is expected to make in that time; schedules in steps are scaled to it."""
STEPS_SECONDS = 1200.0
"""Far more than so many steps take."""
TYPICAL_STEPS = 7500
"""Steps of a full run of whose published run none are known."""
MOST_WINDOWS_PER_TARGET = 4
"""How often a token is read in a sliding evaluation, at most."""
CORPUS_VOCABULARY = 1024
SMALL_CALIBRATION_TOKENS = 8192
SCRIPT_BYTES = 50_000
"""About what a script takes, in either size."""


def with_profile(job: JobSpec, profile: str | None, beside: JobSpec | None = None) -> JobSpec:
    """The job under a named profile; None leaves it as it is. UserError for an unknown name.

    beside: the job that this one is a variant of, so that what tells the two apart is left when both are small.
    """
    if profile is None:
        return job
    if job.script is not None:
        raise UserError(f"--profile: {job.name} brings a script of its own, which no profile can shrink")
    if profile not in PROFILES:
        raise UserError(f"--profile: {choice_message(profile, PROFILES)}")
    return job_from_mapping(resolved(PROFILES[profile](job, beside or job)), source=f"--profile {profile}")


def published_steps(job: JobSpec) -> float:
    """Steps of a full run: the mean of what its reference published, logs first; else a typical number."""
    if job.config.schedule.kind == "steps":
        return job.config.schedule.iterations
    seeds = job.reference.seeds if job.reference else ()
    for figures in ([seed.logged for seed in seeds], [seed.claimed for seed in seeds]):
        steps = [one.steps for one in figures if one.steps]
        if steps:
            return sum(steps) / len(steps)
    return TYPICAL_STEPS


def small(job: JobSpec, beside: JobSpec) -> JobSpec:
    """The job on the embedded corpus in about a minute on one CPU core; its first seed alone.

    beside: the job whose size is small's; the same one, or the one that it is a variant of.
    """
    return job.model_copy(
        update={
            "name": f"{job.name[:58]}-small",
            "base": None,  # a change of the full job's says nothing of a small one
            "track": "local",
            "hardware": "auto",
            "seeds": job.seeds[:1],
            "nproc": 0,
            "threads": 1,
            "limits": LimitsSpec(train_seconds=SMALL_SECONDS + 1, eval_seconds=60.0),
            "data": DataSpec(corpus="asv"),
            "yardsticks": True,
            "must_beat": "unigram",
            "claim": None,  # its baseline is of the full job and other text
            "config": small_config(job.config, SMALL_STEPS / published_steps(beside), beside.config),
        }
    )


def small_config(config: GolfConfig, time: float, beside: GolfConfig) -> GolfConfig:
    """The configuration at the small size; `time` is the share of the full run's steps that will be made.

    beside: what is as wide and deep as SMALL_DIM and SMALL_LAYERS; others keep their ratio to its width, and what is
    counted in layers its difference to that.
    """
    width = SMALL_DIM / beside.model.model_dim
    return replace(
        config,
        model=small_model(config.model, width, beside.model),
        optim=small_optim(config.optim, time),
        schedule=small_schedule(config.schedule, time),
        average=small_average(config.average, time),
        batch=small_batch(config.batch),
        qat=small_qat(config.qat, config, width, beside),
        export=small_export(config.export, config.model, width, beside),
        eval=small_eval(config.eval, config.batch.train_seq_len),
        log=LogConfig(train_log_every=50, val_loss_every=SMALL_STEPS if config.log.val_loss_every else 0),
        runtime=replace(config.runtime, compile="off"),
    )


def small_batch(batch: BatchConfig) -> BatchConfig:
    """Few short sequences a step; the order of the tokens stays."""
    return replace(
        batch,
        train_batch_tokens=SMALL_BATCH_TOKENS,
        train_seq_len=SMALL_LENGTH,
        val_batch_tokens=8 * SMALL_BATCH_TOKENS,
        micro_batches=1,
    )


def scaled(number: int, share: float) -> int:
    """A positive number times `share`, at least 1; 0 stays 0."""
    return max(1, round(number * share)) if number else 0


def small_layers(model: ModelConfig, beside: ModelConfig) -> int:
    """Layers of the small model: as many more or fewer as the full one has than the one beside it."""
    return max(1, min(SMALL_LAYERS, beside.num_layers) + model.num_layers - beside.num_layers)


def layers_of(last: int, model: ModelConfig, there: int, beside: ModelConfig) -> int:
    """How many last layers of the small model stand for `last` of the full one; some for some, none for none.

    there: how many the one beside it has.
    """
    standing = ceil((there or last) * min(SMALL_LAYERS, beside.num_layers) / beside.num_layers)
    small = standing + (last - there if there else 0)
    return max(1, min(small, small_layers(model, beside))) if last else 0


def small_model(model: ModelConfig, width: float, beside: ModelConfig) -> ModelConfig:
    """Narrow and shallow; the ratio of heads to key heads stays."""
    heads = min(SMALL_HEADS, model.num_heads)
    step = 2 * heads
    dim = max(step, round(model.model_dim * width / step) * step)
    bigram = model.bigram
    if bigram.buckets:
        bigram = replace(bigram, buckets=max(2, scaled(bigram.buckets, width)), dim=scaled(bigram.dim, width))
    return replace(
        model,
        vocab_size=CORPUS_VOCABULARY,
        num_layers=small_layers(model, beside),
        model_dim=dim,
        num_heads=heads,
        num_kv_heads=max(1, heads * model.num_kv_heads // model.num_heads),
        xsa_last_n=layers_of(model.xsa_last_n, model, beside.xsa_last_n, beside),
        rope_dims=small_turn(model, heads, dim),
        loop=small_loop(model, small_layers(model, beside)),
        parallel=small_parallel(model, small_layers(model, beside)),
        embed_dim=scaled(model.embed_dim, width),
        rope_ntk_seq_len=SMALL_LENGTH if model.rope_ntk_seq_len else 0,
        bigram=bigram,
    )


def small_turn(model: ModelConfig, heads: int, dim: int) -> int:
    """As large a share of a head's dimensions turns. dim: width of the small model."""
    share = dim / heads / (model.model_dim / model.num_heads)
    return 2 * scaled(model.rope_dims // 2, share)


def small_loop(model: ModelConfig, layers: int) -> LoopConfig:
    """A loop of as large a share of the layers, not the last one. layers: of the small model."""
    loop = model.loop
    if not loop.times:
        return loop
    share = layers / model.num_layers
    start = min(round(loop.start * share), layers - 1)
    length = max(1, round((loop.end - loop.start + 1) * share))
    return replace(loop, start=start, end=min(start + length - 1, max(start, layers - 2)))


def small_parallel(model: ModelConfig, layers: int) -> ParallelConfig:
    """Side by side from the same share of the layers on, and behind the loop. layers: of the small model."""
    parallel = model.parallel
    if parallel.kind == "off":
        return parallel
    behind = small_loop(model, layers).end + 1 if model.loop.times else 0
    return replace(parallel, start=max(round(parallel.start * layers / model.num_layers), behind))


def small_optim(optim: OptimConfig, time: float) -> OptimConfig:
    """The same rates; the momentum's warm-up takes the same share of the run."""
    return replace(optim, muon_momentum_warmup_steps=scaled(optim.muon_momentum_warmup_steps, time))


def small_schedule(schedule: ScheduleConfig, time: float) -> ScheduleConfig:
    """By the clock, as full jobs are; the warmdown takes the same share of the run."""
    return replace(
        schedule,
        kind="wallclock",
        max_wallclock_seconds=SMALL_SECONDS,
        warmdown_iters=scaled(schedule.warmdown_iters, time),
        warmup_steps=min(2, schedule.warmup_steps),
        checkpoint_every_s=schedule.checkpoint_every_s * SMALL_SECONDS / schedule.max_wallclock_seconds,
    )


def small_average(average: AverageConfig, time: float) -> AverageConfig:
    """The same share of the run as half-life, and the same number of samples."""
    return replace(average, ema_decay=average.ema_decay ** (1 / time), swa_every=scaled(average.swa_every, time))


def small_qat(qat: QatConfig, config: GolfConfig, width: float, beside: GolfConfig) -> QatConfig:
    """A late start comes early enough for a slow machine, and is reached even where the full run ends before it (PR
    #160): the small run is there to exercise the code."""
    start = qat.start_step / config.schedule.iterations
    return replace(
        qat,
        start_step=min(round(start * SMALL_STEPS), SMALL_STEPS // 5),
        resolve_every=scaled(qat.resolve_every, SMALL_STEPS / TYPICAL_STEPS),
        min_numel=round(qat.min_numel * width**2),
        late_k=layers_of(qat.late_k, config.model, beside.qat.late_k, beside.model),
    )


def small_export(export: ExportConfig, model: ModelConfig, width: float, beside: GolfConfig) -> ExportConfig:
    """The threshold shrinks as matrices do, with the square of the width.

    A cap that a step is solved for shrinks with the number of parameters, but for the script's bytes; narrow models
    have larger weights, and coarser steps.
    """
    share = parameter_count(small_model(model, width, beside.model)) / parameter_count(model)
    cap = SCRIPT_BYTES + round((export.step.cap_bytes - SCRIPT_BYTES) * share)
    return replace(
        export,
        passthrough_numel=round(export.passthrough_numel * width**2),
        late_k_float16=layers_of(export.late_k_float16, model, beside.export.late_k_float16, beside.model),
        step=replace(export.step, cap_bytes=max(cap, 1), coarsest=export.step.coarsest / width),
        gptq=replace(export.gptq, tokens=min(export.gptq.tokens, SMALL_CALIBRATION_TOKENS)),
        steps=replace(export.steps, tokens=min(export.steps.tokens, SMALL_CALIBRATION_TOKENS)),
    )


def small_eval(config: EvalConfig, length: int) -> EvalConfig:
    """Windows of the small length, overlapping as before but reading each token a few times at most."""
    overlap = min(MOST_WINDOWS_PER_TARGET, max(1, length // config.stride))
    return replace(config, stride=SMALL_LENGTH // overlap, batch_windows=64, byte_sidecar=False)


def steps(job: JobSpec, beside: JobSpec) -> JobSpec:
    """`small` by a fixed number of steps instead of the clock, for trials that are held against each other: a busy
    machine takes longer, and changes no score."""
    made = small(job, beside)
    schedule = replace(made.config.schedule, kind="steps", iterations=SMALL_STEPS)
    log = replace(made.config.log, val_loss_every=SMALL_STEPS // 5 if made.config.log.val_loss_every else 0)
    limits = made.limits.model_copy(update={"train_seconds": STEPS_SECONDS})
    return made.model_copy(update={"limits": limits, "config": replace(made.config, schedule=schedule, log=log)})


PROFILES: dict[str, Callable[[JobSpec, JobSpec], JobSpec]] = {"small": small, "steps": steps}
