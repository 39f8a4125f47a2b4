"""All that a GPU can tell about the speed of this project, in one run of at most eight minutes.

    python -m benchmarks.gpu [--out FOLDER] [--device cpu --tiny]

Every step is a process of its own under a limit of its own, so that one that hangs or fails takes nothing from the
others; what each found is in FOLDER/gpu.json from the moment it ends. The exit code is 1 where a step failed.
`--device cpu --tiny` shows on any machine that the steps run, and tells nothing of a GPU.

A borrowed machine has a torch of its own, perhaps no network, and not all that golf imports: what is missing is said
before anything runs. Bring it as wheels and install those into that Python itself (`python3 -m pip install --no-index
--no-deps FOLDER/*.whl`): a job's processes see no PYTHONPATH.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TINY_LIMIT_S = 900.0
NEEDED = ("numpy", "sentencepiece", "zstandard", "pydantic", "yaml", "re2", "typer", "rich", "scipy", "psutil")
"""Modules that the steps, or the job of the last one, cannot do without."""
SHOWN = 2000
"""Characters of a step's output that are kept where it fails."""


@dataclass(frozen=True)
class Step:
    """One question."""

    name: str
    command: tuple[str, ...]
    limit_s: float
    env: tuple[tuple[str, str], ...] = ()
    result: str = ""
    """File under the output folder that it writes its answer to; empty: its last line of output is the answer."""


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """A program of this checkout."""
    return (sys.executable, "-m", name, *arguments)


def steps(device: str, tiny: bool, out: Path) -> list[Step]:
    """The questions in order of worth."""
    how = ("--device", device, *(("--tiny",) if tiny else ()))
    own = {name: module("benchmarks.gpu_steps", name, *how) for name in ("facts", "goldens", "attention")}
    late = {name: module("benchmarks.gpu_steps", name, *how) for name in ("profile", "scoring", "packing")}
    speed = ("--device", device, "--rounds", "1" if tiny else "4", *(("--threads", "1") if tiny else ()))
    case = "pr372 small, bf16" if tiny else "pr372"
    second = "quickstart, bf16" if tiny else "pr465"

    def step_time(name: str, only: str, limit: float, *env: tuple[str, str]) -> Step:
        file = f"{name}.json"
        command = module("benchmarks.train_step", *speed, "--only", only, "--json", str(out / file))
        return Step(name, command, limit, env, file)

    job = module("runner.cli", "run", str(ROOT / "jobs" / "pr372.yaml"), "--profile", "small", "--local")
    return [
        Step("facts", own["facts"], 45),
        Step("goldens", own["goldens"], 50),
        Step("attention", own["attention"], 45),
        step_time("step pr372", case, 150),
        step_time("step pr465", second, 150),
        Step("profile", late["profile"], 60),
        Step("scoring", late["scoring"], 90),
        Step("packing", late["packing"], 60),
        Step("job", (*job, "--output", str(out / "job")), 180),
        step_time("step pr372 with mix_order_reduction", case, 100, ("TORCHINDUCTOR_MIX_ORDER_REDUCTION", "1")),
    ]


def missing() -> list[str]:
    """Of the modules needed, those that this Python does not have."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def answer(step: Step, out: Path, printed: str) -> Any:
    """What a step that ended well found."""
    if step.result:
        return json.loads((out / step.result).read_text(encoding="utf-8"))
    lines = [line for line in printed.splitlines() if line.strip()]
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"said": lines[-12:]}


def run(step: Step, out: Path, limit_s: float) -> dict[str, Any]:
    """Run a step; never raises for what it does."""
    begun = time.monotonic()
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "PYTHONPATH": paths, **dict(step.env)}
    process = subprocess.Popen(
        step.command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=limit_s)
        ended = "ok" if process.returncode == 0 else f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        printed = ""
        with contextlib.suppress(subprocess.TimeoutExpired):  # whoever left the group may still hold the output
            printed, _ = process.communicate(timeout=10)
        ended = f"over its limit of {limit_s:.0f} s"
    report: dict[str, Any] = {"ended": ended, "seconds": round(time.monotonic() - begun, 1)}
    if ended == "ok":
        report["found"] = answer(step, out, printed)
    else:
        report["output"] = printed[-SHOWN:]
    return report


def main() -> int:
    """Run all steps, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu-out"))
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--tiny", action="store_true", help="shapes for a CPU")
    parser.add_argument("--only", nargs="*", default=[], help="names of steps")
    parser.add_argument("--budget", type=float, default=480.0, help="seconds for all steps")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    reports: dict[str, Any] = {}
    if lacks := missing():
        print(f"not installed here: {' '.join(lacks)}; steps that need it will fail (see the top of this file)")
    for step in steps(arguments.device, arguments.tiny, out):
        if arguments.only and step.name not in arguments.only:
            continue
        limit = TINY_LIMIT_S if arguments.tiny else min(step.limit_s, arguments.budget - (time.monotonic() - begun))
        reports[step.name] = run(step, out, limit) if limit > 5 else {"ended": "no time left"}
        print(f"{step.name}: {reports[step.name]['ended']}", flush=True)
        aside = out / "gpu.json.new"
        aside.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")
        aside.replace(out / "gpu.json")
    return int(any(report["ended"] != "ok" for report in reports.values()))


if __name__ == "__main__":
    raise SystemExit(main())
