"""How long an optimizer step takes, before one is made: its operations over a speed.

The speed is that of one CPU thread, measured once on this machine, or what public runs reached on a GPU of that kind.
Where neither is known, nothing is said. A machine that is warned about is not refused.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from golf_model.config.golf_config import GolfConfig
from golf_model.config.runtime import RuntimeConfig
from runner.data.cache import cache_root, remembered
from runner.errors import UserError
from runner.files import write_atomic
from runner.job.hardware import PROFILES, Hardware
from runner.job.spec import JobSpec
from runner.listing import counted
from runner.machine import asking, usable_cpus
from runner.node.deadlines import SETUP_S
from runner.plan.footprint import step_flops
from runner.results.runs import RunResult

PUBLIC_TFLOPS = {"H100": 210.0, "GB10": 5.5}
"""1e12 operations a second that public runs reached on one accelerator: 197 to 231 on an H100 (the official baseline,
PRs #102, #160, #372 and #465), 5.5 on a GB10 (PR #1606)."""
REACHED = 0.8
"""Share of the probe's speed that whole steps reached on a CPU (the baseline and PR #102: 0.6 to 1.1)."""
PROBE_FROM_FLOPS = 6e10
"""A step of fewer operations is quick on any CPU: 30 s at 2 GFLOP/s. None is measured for it."""
USUAL_TFLOPS = 0.04
"""Of one CPU thread, for steps so small that it hardly matters."""
SLOW_STEP_S = 30.0
"""A step that takes longer is warned about: 20 warm-up steps of it are ten minutes."""
FEW = 0.5
"""Share of the usual steps below which something held the machine up."""
FIRST_LINES = 10
"""As many steps are logged one by one."""
REMEMBERED_S = 24 * 3600.0
PROBE_S = 30.0

Speed = dict[str, float]
"""Precision -> 1e12 operations a second of one CPU thread."""


def duration(seconds: float) -> str:
    """A time for people, with its unit."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds <= 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


@dataclass(frozen=True)
class StepTime:
    """One optimizer step."""

    operations: int
    """Floating-point operations."""
    seconds: float | None
    """None where no speed is known."""
    basis: str
    """What the seconds rest on, or why there are none."""
    measured: bool = False
    """Whether a speed was measured here, or published of that hardware."""


def step_time(
    job: JobSpec, hardware: Hardware, nproc: int, *, here: bool, measure: Callable[[], Speed | None]
) -> StepTime | None:
    """A step of a job by `nproc` processes on a kind of node; None for somebody else's script.

    here: on this machine, whose speed `measure` (measured_speed) tells where it matters.
    """
    config = job.config
    if job.script is not None:
        return None
    if hardware.on_gpu:
        return on_accelerators(config, hardware, nproc)
    elsewhere = not here or (platform.system() == "Darwin" and config.runtime.device != "cpu")  # Apple's GPU
    return on_cpu(config, threads(job, nproc), (lambda: None) if elsewhere else measure)


def threads(job: JobSpec, nproc: int) -> int:
    """CPU threads that compute one seed."""
    return nproc * (job.config.runtime.cpu_threads or job.threads)


def usual_steps(job: JobSpec, hardware: Hardware, nproc: int) -> float | None:
    """About how many steps a run of our script makes, by usual speeds; None where none is known."""
    schedule, work = job.config.schedule, step_flops(job.config)
    if schedule.kind == "steps":
        return schedule.iterations
    reached = PUBLIC_TFLOPS.get(hardware.accelerator) if hardware.on_gpu else USUAL_TFLOPS
    if reached is None:
        return None
    count = nproc if hardware.on_gpu else threads(job, nproc)
    return min(schedule.iterations, schedule.max_wallclock_seconds * reached * 1e12 * count / work)


def few_steps(job: JobSpec, results: Sequence[RunResult]) -> str:
    """What is said of a run whose training the clock ended after far fewer steps than usual; '' of any other."""
    if job.script is not None or job.config.schedule.kind != "wallclock":
        return ""
    for result in sorted(results, key=lambda result: result.log.steps or 0):  # the one that made fewest says most
        host, made = result.host, result.log.steps
        hardware = None if host is None else PROFILES.get(host.hardware)
        if host is None or made is None or hardware is None:
            continue
        usual = usual_steps(job, hardware, host.nproc)
        if usual is not None and made < FEW * usual:
            where = hardware.accelerator if hardware.on_gpu else "a CPU"
            few = f"seed {result.seed} made {counted(made, 'step')}, where about {counted(rough(usual), 'step')} are"
            own_clock = job.limits.train_seconds is not None
            slow = " A slow one needs longer: raise config.schedule.max_wallclock_seconds and limits.train_seconds."
            return f"{few} usual on {where}: was the machine busy?{slow if own_clock else ''}"
    return ""


def rough(number: float) -> int:
    """Its first two digits, then noughts."""
    return round(round(number), 2 - len(str(round(number))))


def on_accelerators(config: GolfConfig, hardware: Hardware, count: int) -> StepTime:
    """A step on `count` accelerators of a profile, as fast as public runs were."""
    work, reached = step_flops(config), PUBLIC_TFLOPS.get(hardware.accelerator)
    if reached is None:
        return StepTime(work, None, f"how fast {hardware.accelerator or 'its GPU'} trains is not known")
    each = f"{reached:g} TFLOP/s{' on each' if count > 1 else ''}, as public runs reached"
    return StepTime(work, work / (reached * 1e12 * count), f"{each} on {hardware.accelerator}", measured=True)


def on_cpu(config: GolfConfig, threads: int, measure: Callable[[], Speed | None]) -> StepTime:
    """A step by `threads` CPU threads of this machine; `measure` is asked where a step is not quick anywhere."""
    work = step_flops(config)
    if work < PROBE_FROM_FLOPS:
        return StepTime(work, work / (USUAL_TFLOPS * 1e12 * threads), "quick on any CPU")
    speed = measure()
    if speed is None:
        return StepTime(work, None, "how fast its CPU trains is not known")
    reached = REACHED * speed_of(speed, config.runtime)
    each = f"{1000 * reached:,.3g} GFLOP/s" + (f" on each of {threads} threads" if threads > 1 else "")
    return StepTime(work, work / (reached * 1e12 * threads), f"{each}, by a probe of this machine", measured=True)


def speed_of(speed: Speed, runtime: RuntimeConfig) -> float:
    """Of the precision that a run takes on this CPU."""
    return speed["float32"] if runtime.precision == "float32" else speed.get("bfloat16", speed["float32"])


def measured_speed(cache: Path | None = None) -> Speed | None:
    """What a CPU thread of this machine does, remembered for a day; None where it cannot be found out.

    Takes a few seconds the first time, most of them to load torch in a process of its own.
    """
    note = cache_root(cache) / "speed" / f"{platform.node() or 'here'}.json"
    known = _remembered(note)
    if known is not None:
        return known
    command = [sys.executable, "-P", "-m", "golf_model.process.probe", "training"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False, env=asking())
        found = _speed(json.loads(done.stdout.splitlines()[-1]))
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    if found is not None:
        with suppress(OSError):  # a machine that keeps nothing is measured again
            write_atomic(note, json.dumps({"machine": _machine(), "at": time.time(), "tflops": found}))
    return found


def _machine() -> str:
    """What a remembered speed belongs to."""
    return f"{platform.node()}|{platform.machine()}|{usable_cpus()}"


def _remembered(note: Path) -> Speed | None:
    try:
        stored = remembered(note)
        fresh = stored["machine"] == _machine() and 0 <= time.time() - stored["at"] < REMEMBERED_S
        return _speed(stored["tflops"]) if fresh else None
    except (UserError, ValueError, KeyError, TypeError):
        return None


def _speed(found: object) -> Speed | None:
    """Speeds as they were printed or stored; None for anything else."""
    if not isinstance(found, dict):
        return None
    known = {name: value for name, value in found.items() if isinstance(value, float) and 0 < value < 1e6}
    return known if "float32" in known else None


def is_slow(step: StepTime) -> bool:
    """Whether a person should think again before such steps."""
    return step.measured and step.seconds is not None and step.seconds >= SLOW_STEP_S


def rehearsal(job: JobSpec, step: StepTime) -> str:
    """What training by slow steps comes to, and what to do instead."""
    schedule, seconds = job.config.schedule, step.seconds or 0.0
    if schedule.kind == "steps":
        held = f"{counted(schedule.iterations, 'step')} take about {duration(schedule.iterations * seconds)}"
    else:
        steps = max(1, round(schedule.max_wallclock_seconds / max(seconds, 1e-9)))
        held = f"the {schedule.max_wallclock_seconds:g} s of training hold about {counted(steps, 'step')}"
    return f"{held}; --profile small rehearses the job in about a minute"


def slow_step(job: JobSpec, step: StepTime) -> str:
    """What a person should know who is about to start a run whose steps take minutes here; '' of any other."""
    if not is_slow(step) or step.seconds is None:
        return ""
    said = f"a step takes about {duration(step.seconds)} here ({step.operations:.3g} FLOPs at {step.basis})"
    before = warm_up_steps(job.config)
    warm_up = f"; {counted(before, 'warm-up step')} take about {duration(before * step.seconds)}" if before else ""
    return f"{said}{warm_up}; {rehearsal(job, step)}"


def cut_off(job: JobSpec, step: StepTime) -> str:
    """Why golf would end a seed whose steps take so long, and what to change; '' where it would not."""
    if step.seconds is None or not step.measured:
        return ""
    config, stall = job.config, job.stall_seconds
    before = warm_up_steps(config) * step.seconds
    if stall and step.seconds > stall:
        return f"a step is longer than golf lets a script be silent, {stall:g} s: raise stall_seconds"
    if before > SETUP_S:
        late = f"a warm-up of about {duration(before)} is longer than golf waits for training, {duration(SETUP_S)}"
        return f"{late}: lower config.schedule.warmup_steps"
    training = config.schedule.iterations * step.seconds
    if config.schedule.kind == "wallclock":
        training = min(training, config.schedule.max_wallclock_seconds)
    every = config.log.train_log_every * step.seconds
    if stall and every > stall and training > FIRST_LINES * step.seconds + stall:
        line = f"a line comes every {counted(config.log.train_log_every, 'step')}, about {duration(every)}"
        rule = f"golf lets a script be silent for {stall:g} s"
        return f"{line}, and {rule}: raise stall_seconds, or lower config.log.train_log_every"
    return ""


def warm_up_steps(config: GolfConfig) -> int:
    """Steps before the clock: those asked for, as many with a loop, and one where fake quantisation begins later."""
    steps, qat = config.schedule.warmup_steps * (2 if config.model.loop.times else 1), config.qat
    return steps + 1 if steps and qat.active != "off" and qat.start_step > 0 else steps
