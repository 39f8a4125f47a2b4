"""Turn a configuration into the one file that runs, is counted against the cap, and is shipped.

The modules of the installed golf_model package that the configuration needs are flattened (flatten.py) with it baked
in, stripped of comments, docstrings and types (compact.py), with short names for what functions keep to themselves
(short_names.py), and packed (pack.py). The bytes depend on the package's sources and the configuration only.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from golf_model.config.golf_config import GolfConfig
from golf_model.config.official import REFUSED_VARIABLES
from golf_model.script_parts import config_as_source, unused_modules
from runner.errors import UserError
from runner.files import sha256_bytes, sha256_files
from runner.folder.paths import RunFolder
from runner.job.external_script import counted_bytes, read_bytes, require_python
from runner.job.spec import JobSpec
from runner.job.variables import counted_variables
from runner.script import kept_scripts
from runner.script.compact import compact, compact_sections
from runner.script.flatten import LINE_LENGTH, flatten
from runner.script.pack import pack
from runner.script.short_names import renamed

PACKAGE = Path(inspect.getfile(GolfConfig)).parents[1]
"""The folder of golf_model."""
ENTRY = "main"
"""Module of golf_model whose `main(config, script)` is the script."""

HONOURED_VARIABLES = {
    "SEED": "seed of every random number (default 1337)",
    "DATA_PATH": "folder of fineweb_train_*.bin, fineweb_val_*.bin (default ./data/datasets/fineweb10B_sp1024)",
    "TOKENIZER_PATH": "SentencePiece model (default ./data/tokenizers/fineweb_1024_bpe.model)",
    "RUN_ID": "name of the log, logs/RUN_ID.txt (default: a random one)",
    "GOLF_PHASE": "train: stop when the artifact is frozen; eval: only score it; unset: both",
    "GOLF_EVENTS": "path of a pipe that is told when phases begin and end (default: none)",
    "GOLF_CHECKPOINTS": "folder of checkpoints, where the configuration makes some (default ./checkpoints)",
    "GOLF_EARLIER_S": "training time of the run's earlier lives (default 0)",
    "GOLF_KEEP": "file to keep the weights in that are packed, where the script was made to (default: none)",
}
"""Environment variables that a script reads besides torchrun's own, and what each means."""


@dataclass(frozen=True)
class Script:
    """One script: the bytes that run everywhere, and their readable twin."""

    source: bytes
    """Content of train_gpt.py."""
    flat: str
    """The readable twin; `pack_twin(flat) == source`; '' for a script that we did not make."""
    sha256: str
    """Of all that runs, hex: of `source` alone where there are no files."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What lies beside it, by name."""
    variable_bytes: int = 0
    """What its job's variables count as code."""

    @property
    def code_bytes(self) -> int:
        """Bytes that count as code."""
        return counted_bytes(self.source, self.files) + self.variable_bytes


def script_of(job: JobSpec) -> Script:
    """The script of a job: its own, or the one that its configuration makes.

    UserError where a file is missing, or is no program that this Python can run.
    """
    variables = counted_variables(job.env, job.outputs.eval_env)
    if job.script is None:
        return replace(kept_or_made(job.config, keep=job.keep_weights), variable_bytes=variables)
    source = read_bytes(job.script)
    files = {name: read_bytes(job.script.parent / name) for name in job.files}
    if not source.strip():
        raise UserError(f"{job.script}: is empty; the job names it")
    for name, content in ((job.script.name, source), *files.items()):
        if name == job.script.name or name.endswith(".py"):
            require_python(job.script.parent / name, content)
    return Script(source, "", sha256_files(source, files), files, variables)


def stored_script(run: RunFolder, names: Iterable[str]) -> Script:
    """The script that a run folder holds; names: files beside it. UserError where one is missing."""
    source = read_bytes(run.script)
    files = {name: read_bytes(run.files / name) for name in names}
    flat = run.flat_script.read_text(encoding="utf-8") if run.flat_script.is_file() else ""
    return Script(source, flat, sha256_files(source, files), files)


def kept_or_made(config: GolfConfig, *, keep: bool) -> Script:
    """`make_script`, or what it gave for this configuration before."""
    note = kept_scripts.place(config, keep=keep)
    if (kept := kept_scripts.read(note)) is not None:
        source, flat = kept
        return Script(source, flat, sha256_bytes(source))
    made = make_script(config, keep=keep)
    kept_scripts.write(note, made.source, made.flat)
    return made


@lru_cache(maxsize=16)  # a second's work, and a job's script is asked for in several places
def make_script(config: GolfConfig, *, keep: bool = False) -> Script:
    """The script of a configuration; UserError where golf_model cannot be flattened. Does not import torch.

    keep: it can also keep the weights that it packs, which takes a few hundred bytes of code.
    """
    unused = unused_modules(config, keep=keep)
    flat = flatten(PACKAGE, ENTRY, config_as_source(config), script_head(), unused, "process.errors")
    source = pack_twin(flat)
    return Script(source=source, flat=flat, sha256=sha256_bytes(source))


Packing = Literal["now", "long_names", "older"]
"""How scripts are made of their twins. long_names: as until 29 November 2026, names as they are; older: as before
that, with types and indents as well, under LZMA."""


def pack_twin(flat: str, packing: Packing = "now") -> bytes:
    """The script that is shipped for a readable twin; line numbers of the one are those of the other."""
    if packing == "older":
        return pack(compact(flat, typed=True), older=True)
    short = compact_sections(flat)
    return pack(renamed(*short) if packing == "now" else "\n".join(short))


def script_head() -> str:
    """The comment that both the packed script and its twin begin with."""
    width = max(map(len, HONOURED_VARIABLES))
    return "\n".join(
        [
            "# Parameter Golf script: one model, its training, its artifact and its score, configuration baked in.",
            "# Run as `torchrun --standalone --nproc_per_node=N train_gpt.py`, or with plain python as one process.",
            "# It reads these environment variables:",
            *(f"#   {name:<{width}}  {meaning}" for name, meaning in HONOURED_VARIABLES.items()),
            "# These belong to the official script; their values are baked in here, and setting one is an error:",
            *_wrapped(REFUSED_VARIABLES),
        ]
    )


def _wrapped(names: tuple[str, ...]) -> list[str]:
    """Names in comment lines of at most LINE_LENGTH characters."""
    lines = ["#  "]
    for name in names:
        if len(lines[-1]) + 1 + len(name) > LINE_LENGTH:
            lines.append("#  ")
        lines[-1] += f" {name}"
    return lines
