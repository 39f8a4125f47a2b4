"""The wheel, installed away from any checkout: golf's own jobs travel with it, and a job runs to its record.

The environment is empty but for what this one has of other people's packages, which are only read; nothing is
fetched from anywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from runner.results.record import RecordData
from tests.fixtures.places import JOBS, ROOT

pytestmark = pytest.mark.slow

TEN_STEPS = """\
name: tens
base: quickstart
track: local
seeds: [1, 2]
limits: {train_seconds: 300, eval_seconds: 300}
data: {corpus: asv}
config:
  model: {vocab_size: 1024, num_layers: 2, model_dim: 32, num_heads: 2, num_kv_heads: 1}
  schedule: {kind: steps, iterations: 10, warmup_steps: 0}
  batch: {train_batch_tokens: 2048, train_seq_len: 128, val_batch_tokens: 65536, micro_batches: 1}
  export: {compressor: zlib}
  log: {val_loss_every: 0}
  runtime: {compile: off}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made as `make dist` makes it: from the sdist that it makes first."""
    pytest.importorskip("hatchling", reason="hatchling is not here, which builds the wheel: make setup")
    pytest.importorskip("build", reason="build is not here, which builds the wheel: make setup")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(folder.glob("golf-*.tar.gz"))) == 1
    (made,) = folder.glob("golf-*.whl")
    return made


@pytest.fixture(scope="module")
def golf(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Golf's command in an environment of its own, far from the checkout."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    (site,) = place.glob("lib/python3.*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return place / "bin" / "golf"


def run(golf: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    around = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(golf), *words]
    return subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, check=False)


def test_the_wheel_has_every_job_and_page_and_none_of_the_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"golf_jobs/{path.relative_to(JOBS).as_posix()}" for path in JOBS.rglob("*.yaml")} <= names
    templates = {f"reports/templates/{path.name}" for path in (ROOT / "reports" / "templates").iterdir()}
    assert templates | {"reports/record/submission.schema.json"} <= names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"golf_jobs", "golf_model", "reports", "runner"}


def test_golfs_own_jobs_are_there_by_name(golf: Path, tmp_path: Path) -> None:
    found = run(golf, tmp_path, "plan", "quickstart", "--json")
    assert found.returncode == 0, found.stderr
    assert f"golf's own job, {golf.parent.parent.resolve()}" in found.stderr
    made = run(golf, tmp_path, "new", "mine", "--from", "pr372")
    assert made.returncode == 0, made.stderr
    planned = run(golf, tmp_path, "plan", "mine.yaml")
    assert planned.returncode == 0, planned.stderr
    assert run(golf, tmp_path, "schema", "job").stdout == (JOBS / "job.schema.json").read_text()


def test_two_seeds_of_ten_steps_run_to_a_record_that_holds(golf: Path, tmp_path: Path) -> None:
    (tmp_path / "tens.yaml").write_text(TEN_STEPS)
    done = run(golf, tmp_path, "run", "tens.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = (tmp_path / "records" / "local").iterdir()
    data = RecordData.model_validate_json((record / "results.json").read_bytes())
    assert [(result.seed, result.log.steps if result.log else None) for result in data.results] == [(1, 10), (2, 10)]
    assert data.changes is not None
    assert data.changes.base == "quickstart"
    assert run(golf, tmp_path, "verify", str(record)).returncode == 0
    assert run(golf, tmp_path, "report", str(record)).stdout.endswith("as it was\n")
