"""The configuration that each golden file speaks of: that of the job which reproduces the script."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from golf_model.config import GolfConfig
from runner.job import load_job

JOBS = Path(__file__).resolve().parents[1] / "jobs"

JOB_OF_SCRIPT = {
    "baseline": "baseline",
    "102": "pr102_head",
    "160": "pr160",
    "372": "pr372",
    "465": "pr465",
    "1606": "pr1606",
}


def golden_config(script: str) -> GolfConfig:
    """The job's configuration. The goldens of #465 come from a torch newer than its run, whose norms add another
    epsilon under bfloat16."""
    config = load_job(JOBS / f"{JOB_OF_SCRIPT[script]}.yaml").config
    return replace(config, model=replace(config.model, norm_eps="float32"))


CONFIGS = {script: golden_config(script) for script in JOB_OF_SCRIPT}
CONFIG_102, CONFIG_160, CONFIG_372, CONFIG_465, CONFIG_1606 = (
    CONFIGS[script] for script in ("102", "160", "372", "465", "1606")
)
