"""One attempt of one seed, on the node that runs it: train, freeze, score in a fresh process.

`run_attempt` is a generator of messages and the same function in-process (`--local`) and as a Ray task. It
makes its own folder, hands each phase to a supervisor, and removes the folder when it ends, however it ends;
closing the generator kills everything it started. It judges nothing and reads no log.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from golf_model.config import REFUSED_VARIABLES
from runner.data.dataset import DataSet
from runner.errors import UserError
from runner.files import sha256_bytes, sha256_file
from runner.leftovers import MARKER, default_scratch, work_folder
from runner.messages import ArtifactBytes, Finished, Message, Started
from runner.phase import run_phase
from runner.results import Host, PhaseResult, Segment
from runner.supervise import Deadline
from runner.vault import Vault, open_vault

SCRIPT_NAME = "train_gpt.py"
SETUP_S = 900.0
"""Longest time from process start to the first clock: imports, compilation, warm-up."""
EXPORT_S = 900.0
"""Longest time from the last training step to the end of the process."""
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node={nproc}")
"""`torchrun`, started through the interpreter so that it is this environment's."""
MEDDLING = (
    "GOLF_",
    "PYTHON",
    "TORCH",
    "PYTORCH",
    "RANK",
    "LOCAL_",
    "WORLD_",
    "GROUP_",
    "ROLE_",
    "MASTER_",
    "OMP_",
    "MKL_",
    "KMP_",
    "OPENBLAS_",
    "LD_PRELOAD",
)
"""Beginnings of variables that change what a Python or torch program does; what a run needs, its job says."""
VERSIONED = ("torch", "numpy", "sentencepiece", "zstandard", "ray")


@dataclass(frozen=True)
class AttemptSpec:
    """Everything an attempt needs to know; plain values, so that it can travel."""

    job: str
    seed: int
    attempt: int
    script: bytes
    artifact_name: str
    hardware: str
    nproc: int
    gpus: int
    """GPUs of the node that the attempt may see; 0 hides them all."""
    threads: int
    train_seconds: float
    eval_seconds: float
    stall_seconds: float
    env: dict[str, str] = field(default_factory=dict)
    vault: str = ""
    """Name of the folder on the node that outlives the attempt, so that another can go on from it; '' for none."""
    launcher: tuple[str, ...] = TORCHRUN
    """What stands between the interpreter and the script; `{nproc}` is filled in."""


def kept_environment(surroundings: Mapping[str, str]) -> dict[str, str]:
    """The node's environment without anything that would configure a script behind the job's back."""
    return {
        name: value
        for name, value in surroundings.items()
        if name not in REFUSED_VARIABLES and not name.startswith(MEDDLING)
    }


def base_environment(spec: AttemptSpec, base: Path, surroundings: Mapping[str, str]) -> dict[str, str]:
    """What every phase of an attempt finds in its environment.

    Temporary files go to the work folder `base`, or torchrun's would stay behind for ever.
    """
    hidden = {} if spec.gpus else {"CUDA_VISIBLE_DEVICES": ""}  # `hardware: cpu` means the CPU, GPU or not
    return {
        **kept_environment(surroundings),
        **hidden,
        "OMP_NUM_THREADS": str(spec.threads),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **spec.env,
        "SEED": str(spec.seed),
        "RUN_ID": f"{spec.job}_seed{spec.seed}",
        "TMPDIR": str(base / "tmp"),
        MARKER: base.name,
    }


def overtime(limit: float) -> float:
    """Seconds past a limit after which a process is killed; the judge, not the killer, decides about less."""
    return limit + max(10.0, 0.1 * limit)


def train_deadlines(spec: AttemptSpec) -> list[Deadline]:
    """Bounds of the training process."""
    return [
        Deadline(SETUP_S, f"did not start to train within {SETUP_S:g} s", None, "train_start"),
        Deadline(
            overtime(spec.train_seconds),
            f"still training long after its limit of {spec.train_seconds:g} s",
            "train_start",
            "train_end",
            stops_in_pauses=True,
        ),
        Deadline(EXPORT_S, f"did not end within {EXPORT_S:g} s after training", "train_end", None),
        Deadline(SETUP_S + overtime(spec.train_seconds) + EXPORT_S, "the training process ran far too long"),
    ]


def eval_deadlines(spec: AttemptSpec) -> list[Deadline]:
    """Bounds of the evaluation process."""
    return [
        Deadline(SETUP_S, f"did not start to evaluate within {SETUP_S:g} s", None, "eval_start"),
        Deadline(
            overtime(spec.eval_seconds),
            f"still evaluating long after its limit of {spec.eval_seconds:g} s",
            "eval_start",
            "eval_end",
        ),
        Deadline(SETUP_S + overtime(spec.eval_seconds), "the evaluation process ran far too long"),
    ]


def command_line(spec: AttemptSpec) -> list[str]:
    """The contest's command with the interpreter of the node's environment."""
    return [sys.executable, *(part.format(nproc=spec.nproc) for part in spec.launcher), SCRIPT_NAME]


def cpu_name() -> str:
    """The processor's name as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def installed_versions() -> dict[str, str]:
    """Python and the packages that matter, without importing them."""
    versions = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for name in VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def fresh_folder(base: Path, script: bytes, artifact: Path, data: DataSet) -> tuple[Path, Path, Path]:
    """A folder with only the script and the artifact, and beside it the tokenizer and the validation shards.

    All are copies, so that no link leads back to training data; whatever training left is removed by the caller.
    Returns (working folder, data folder, tokenizer).
    """
    folder, shards = base / "eval", base / "eval-data"
    folder.mkdir()
    shards.mkdir()
    (folder / SCRIPT_NAME).write_bytes(script)
    shutil.copy2(artifact, folder / artifact.name)
    for path in (*data.val_files, data.tokenizer):
        shutil.copy2(path, shards / path.name)
    return folder, shards, shards / data.tokenizer.name


def ended_by_itself(message: Finished) -> bool:
    """Whether the training process came to its own end, good or bad, so that nothing is left to go on from."""
    return message.train is not None and message.train.returncode is not None


def vault_variables(vault: Vault | None, earlier: Sequence[Segment]) -> dict[str, str]:
    """What a resumable script is told: where its checkpoints lie and how long its earlier lives trained, at most."""
    if vault is None:
        return {}
    spent = sum(life.clock.high for life in earlier)
    return {"GOLF_CHECKPOINTS": str(vault.checkpoints), "GOLF_EARLIER_S": f"{spent:.3f}"}


def run_attempt(
    spec: AttemptSpec, open_data: Callable[[], DataSet], node: str = "local", scratch: Path | None = None
) -> Generator[Message, None, None]:
    """Run one seed from start to score; the last message is always `Finished` unless the attempt is cut off.

    spec: what to run. open_data: gives the data set on this node, checked. scratch: where the work folder goes.
    """
    root = scratch or default_scratch()
    with work_folder(f"{spec.job}-seed{spec.seed}", root) as base, open_vault(spec.vault, root) as vault:
        for message in attempt_in(base, spec, open_data, node, vault):
            if vault is not None and isinstance(message, Finished) and ended_by_itself(message):
                vault.forget()
            yield message


def attempt_in(
    base: Path, spec: AttemptSpec, open_data: Callable[[], DataSet], node: str, vault: Vault | None = None
) -> Generator[Message, None, None]:
    """`run_attempt` in a work folder that exists and is removed by the caller; goes on from what a vault holds."""
    host = Host(
        node=platform.node(),
        hardware=spec.hardware,
        device=cpu_name(),
        cpus=os.cpu_count() or 0,
        nproc=spec.nproc,
        versions=installed_versions(),
    )
    train: PhaseResult | None = None
    scored: PhaseResult | None = None
    try:
        yield Started(node, str(base))
        try:
            data = open_data()
        except UserError as error:
            yield Finished("failed", f"data on this node: {error}", None, None, host)
            return
        env = base_environment(spec, base, os.environ)
        (base / "tmp").mkdir()
        folder = base / "train"
        folder.mkdir()
        (folder / SCRIPT_NAME).write_bytes(spec.script)
        where = {"DATA_PATH": str(data.folder), "TOKENIZER_PATH": str(data.tokenizer)}
        command = command_line(spec)
        earlier = [] if vault is None else vault.begin(spec.attempt)
        train, status, reason = yield from run_phase(
            "train",
            command,
            folder,
            {**env, **where, **vault_variables(vault, earlier)},
            train_deadlines(spec),
            spec.stall_seconds,
            None if vault is None else vault.journal(spec.attempt),
            earlier,
        )
        artifact = folder / spec.artifact_name
        if status == "completed" and not artifact.is_file():
            status, reason = "failed", f"the training process wrote no artifact ({spec.artifact_name})"
        if status != "completed":
            yield Finished(status, reason, train, None, host)
            return
        content = artifact.read_bytes()
        frozen = sha256_bytes(content)
        folder, shards, tokenizer = fresh_folder(base, spec.script, artifact, data)
        shutil.rmtree(base / "train")
        where = {"DATA_PATH": str(shards), "TOKENIZER_PATH": str(tokenizer)}
        scored, status, reason = yield from run_phase(
            "eval", command, folder, {**env, **where}, eval_deadlines(spec), spec.stall_seconds
        )
        if status == "completed" and sha256_file(folder / spec.artifact_name) != frozen:
            status, reason = "failed", "the artifact changed after it was frozen"
        yield ArtifactBytes(spec.artifact_name, content, frozen)
        yield Finished(status, reason, train, scored, host)
    except OSError as error:
        yield Finished("failed", f"on the node: {error}", train, scored, host)
