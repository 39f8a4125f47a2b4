"""Jobs and configurations that the tests of `golf model` look at, and the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import strategies as st

from golf_model.config import BigramConfig, ExportConfig, GolfConfig, ModelConfig
from runner.job import job_from_mapping
from runner.job_spec import JobSpec

BARE = {
    "name": "one",
    "track": "local",
    "seeds": [1],
    "limits": {"train_seconds": 600, "eval_seconds": 60},
    "data": {"corpus": "asv"},
}

configs = st.builds(
    lambda layers, late, threshold, buckets, tied, mlp, container: GolfConfig(
        model=ModelConfig(
            vocab_size=64,
            num_layers=layers,
            model_dim=32,
            num_heads=2,
            num_kv_heads=1,
            tie_embeddings=tied,
            bigram=BigramConfig(buckets, 8),
        ),
        export=ExportConfig(
            late_k_float16=late,
            passthrough_numel=threshold,
            mlp=mlp,
            rows="amax_float16",
            container=container,
            compressor="zlib",
        ),
    ),
    st.integers(1, 12),
    st.integers(0, 12),
    st.sampled_from([0, 256, 512, 1024, 5000]),
    st.sampled_from([0, 64]),
    st.booleans(),
    st.sampled_from(["int8", "int6", "int5"]),
    st.sampled_from(["torch", "qgv3"]),
)


def job(**changes: object) -> JobSpec:
    """The smallest job, with some fields set."""
    return job_from_mapping({**BARE, **changes}, source="test")


def write_job(path: Path, more: str = "") -> None:
    """The default configuration as a job file, followed by further lines."""
    path.write_text(
        "name: tried\ntrack: local\nseeds: [1]\nlimits: {train_seconds: 600, eval_seconds: 9}\n"
        f"data: {{corpus: asv}}\n{more}"
    )


def golf_model(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`golf model ...` of this checkout, run in a folder."""
    command = [sys.executable, "-m", "runner.cli", "model", *arguments]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True, timeout=60, check=False)
