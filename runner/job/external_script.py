"""Somebody else's script as a job names it: the files that run, which of them count as code, and what comes out.

The bytes run unchanged on every node. What a script prints is read by patterns whose defaults fit the official
script and the five pull requests under `jobs/`; a job replaces them where its script prints something else.
"""

from __future__ import annotations

import platform
import re
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, model_validator

from golf_model.config.checks import ConfigError, require
from runner import untrusted
from runner.errors import UserError
from runner.logs.log_facts import NUMBER
from runner.logs.patterns import PatternError, bounded_pattern
from runner.printable import control_in
from runner.strict import VARIABLE, Strict

DATA_SUFFIXES = frozenset({".bin", ".csv", ".json", ".md", ".model", ".txt", ".vocab"})
"""Files beside a script that do not count as code; everything else does."""
MAX_FILE_BYTES = 64 << 20
"""Largest extra file; shards and weights do not travel with a script."""

MOST_COMPILED = 2 << 20
"""Bytes of a program that is compiled to see whether it does."""

PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(==[A-Za-z0-9.+!_-]+)?")
ARTIFACT = "final_model*.ptz"
_FIGURE = NUMBER[1:-1]
SCORE = rf"^(?P<rule>final_\w+?)(?:_exact)?\b.*? val_loss:(?P<val_loss>{_FIGURE}) val_bpb:(?P<val_bpb>{_FIGURE})"
STEP = r"^step:\d+/\d+ "
TRAINED = r"\btrain_loss:"
STOP = r"^(stopping_early:|peak memory allocated:|Serialized model)"
WARMUP = r"^warmup_step:\d+/\d+"
TRAIN_TIME = rf"\btrain_time:(?P<ms>{_FIGURE})ms"
TIMES, SIZES = frozenset({"ms", "s"}), frozenset({"code_bytes", "artifact_bytes", "total_bytes"})
"""Groups of the patterns `train_time` and `sizes`, of which each needs one."""
PATTERNS = ("score", "step", "trained", "stop", "warmup", "train_time", "train_start", "train_end", "seed", "sizes")


class OutputsSpec(Strict):
    """How to read what a script leaves: its artifact and its lines."""

    artifact: str = ARTIFACT
    """Pattern of the compressed weights in the working folder; of several files, the one that was written last."""
    score: str = SCORE
    """A line with a score: groups val_loss (nats per token), val_bpb, rule where it names one; the last counts."""
    step: str = STEP
    """A line of training: a step, or a mid-run validation; groups step, train_loss, val_loss, val_bpb where it has
    them, which are shown as its claims."""
    trained: str = TRAINED
    """What stands in such a line that reports a training step, and not in one that reports a validation; empty where
    each of them reports a step."""
    stop: str = STOP
    """A line that says that training is over, however long it has been; empty for none."""
    warmup: str = WARMUP
    """A line of a warm-up step, which is undone: training begins after it. Empty for none."""
    train_time: str = TRAIN_TIME
    """What in lines of `step` and `stop` tells its own training time: group ms or s; empty where nothing does."""
    train_start: str = ""
    """A line that is printed at the moment when training begins; empty for none."""
    train_end: str = ""
    """A line that is printed at the moment when training ends, before a last validation; empty for none."""
    seed: str = ""
    """A line that tells the seed it runs as, beside the official `seed:1337`: group seed."""
    sizes: str = ""
    """A line that tells sizes in bytes, beside the official ones: groups code_bytes, artifact_bytes, total_bytes."""
    announce: bool = False
    """Give the script golf's pipe, GOLF_EVENTS, on which it announces its phases itself (docs/own-script.md)."""
    eval_env: dict[Annotated[str, Field(pattern=VARIABLE)], str] = Field(default_factory=dict)
    """Variables that make the script score its artifact only; empty where it has no such switch."""

    @model_validator(mode="after")
    def _usable(self) -> OutputsSpec:
        groups = {name: _groups(name, getattr(self, name)) for name in PATTERNS}
        for name in ("score", "step"):
            require(getattr(self, name) != "", name, "is empty, which fits every line; leave it out for the default")
        for group in ("val_loss", "val_bpb"):
            require(group in groups["score"], "score", f"needs the group (?P<{group}>...)")
        for name, wanted in (("train_time", TIMES), ("seed", frozenset({"seed"})), ("sizes", SIZES)):
            told = getattr(self, name) == "" or bool(groups[name] & wanted)
            named = ", ".join(f"(?P<{group}>...)" for group in sorted(wanted))
            require(told, name, f"needs {'one of the groups' if len(wanted) > 1 else 'the group'} {named}")
        path = PurePosixPath(self.artifact)
        inside = not path.is_absolute() and ".." not in path.parts and path.name != ""
        require(inside, "artifact", "must be a pattern inside the working folder, such as final_model*.ptz")
        require_line(self.artifact, "artifact")
        return self

    def pattern(self, name: str) -> re.Pattern[str]:
        """One of PATTERNS, compiled: the default by Python's matcher, which is quicker and bounded on all of them."""
        said: str = getattr(self, name)
        ours = said == type(self).model_fields[name].default
        return re.compile(said) if ours else bounded_pattern(said)


def _groups(name: str, pattern: str) -> set[str]:
    """Names of a pattern's groups; ConfigError where it is none, or one that cannot be run in bounded time."""
    try:
        return set(bounded_pattern(pattern).groupindex)
    except PatternError as error:
        raise ConfigError(name, str(error)) from None


def is_code(name: str) -> bool:
    """Whether a file beside the script counts against the cap."""
    return PurePosixPath(name).suffix.lower() not in DATA_SUFFIXES


def counted_bytes(script: bytes, files: Mapping[str, bytes]) -> int:
    """Bytes of files that count as code: the script, and whatever beside it is code."""
    return len(script) + sum(len(content) for name, content in files.items() if is_code(name))


def uncounted_bytes(files: Mapping[str, bytes]) -> int:
    """Bytes beside the script that count as data, which may be weights for all that we know."""
    return sum(len(content) for name, content in files.items() if not is_code(name))


def require_line(name: str, place: str) -> None:
    """ConfigError where a name has a character by which a log could be made to say what it does not."""
    control = control_in(name)
    require(control == "", place, f"holds a control character ({control}); rename it")


def require_package(name: str, place: str) -> None:
    """ConfigError unless this names a package, and one version of it at most."""
    said = "must be a package's name, or name==version, such as flash-attn==2.8.3"
    require(PACKAGE.fullmatch(name) is not None, place, said)


def read_bytes(path: Path) -> bytes:
    """A file of a job; UserError where it is none, or too large to travel."""
    try:
        return untrusted.read_bytes(path, MAX_FILE_BYTES, links=True)
    except UserError as error:
        raise UserError(f"{error}; the job names it, and it is to travel with the script") from None


def require_python(path: Path, source: bytes) -> None:
    """UserError where a program does not even compile, so that no node is paid to find out. Runs nothing of it.

    Of one of more than MOST_COMPILED bytes nothing is asked: what a parser makes of it may take gigabytes.
    """
    if len(source) > MOST_COMPILED:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where, why = str(path), str(error) or "nested too deep"
        if isinstance(error, SyntaxError):
            where, why = f"{path}:{error.lineno or 1}", error.msg
        python = f"Python {platform.python_version()}, which would run it"
        raise UserError(f"{where}: does not compile under {python}: {why}; mend it, or name another script") from None


def require_plain_names(names: tuple[str, ...]) -> None:
    """ConfigError unless each name is one file beside the script, and each stands once."""
    for index, name in enumerate(names):
        path = PurePosixPath(name)
        inside = not path.is_absolute() and ".." not in path.parts and str(path) == name and name != "."
        require(inside, f"files.{index}", "must be a file in or below the script's folder, such as model.py")
        require_line(name, f"files.{index}")
        require(name != "train_gpt.py", f"files.{index}", "is the name that the script itself runs under")
        require(name not in names[:index], f"files.{index}", f"{name} stands twice")
