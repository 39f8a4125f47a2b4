"""`golf eval`: score one artifact again, by any rule and on any shards, without training anything.

Runs the job's own script in its evaluation phase, in a folder that holds the script and the artifact alone: the way
in which the referee scores. What was scored is counted here a second time.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golf_model.config.checks import ConfigError
from golf_model.config.export import ARTIFACT_NAME
from golf_model.config.golf_config import GolfConfig
from runner.data.shards import find_shards, find_sidecars
from runner.data.tokenizer import load_tokenizer, require_vocab
from runner.errors import UserError
from runner.logs.lines import LineSplitter
from runner.logs.log_facts import LogReader
from runner.node.environment import handed_on
from runner.node.work_folder import SCRIPT_NAME
from runner.plan.coverage import Coverage, coverage
from runner.printable import printable
from runner.record.cut_off import cut_off, output_of, require_cut_off
from runner.results.phases import Score
from runner.script.bundle import make_script

LONGEST_S = 4 * 3600.0
"""How long scoring may take."""
SHOWN_LINES = ("device:", "fallback:", "final_int", "final_float", "final_step")
"""Beginnings of the script's lines that people get to see while it scores."""


@dataclass(frozen=True)
class ValidationFiles:
    """What a score needs of a data set."""

    val_files: tuple[Path, ...]
    tokenizer: Path
    sidecars: tuple[Path, ...]


@dataclass(frozen=True)
class Rescored:
    """A score, how long the script says it took, and what the rule covers by our own count."""

    score: Score
    seconds: float | None
    counted: Coverage


def with_rule(config: GolfConfig, **changes: Any) -> GolfConfig:
    """The configuration with another scoring rule; UserError where it cannot work. None leaves a field as it is."""
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return replace(config, eval=replace(config.eval, **given))
    except ConfigError as error:
        raise UserError(f"--{error.where.rpartition('.')[2]}: {error.message}") from None


def other_data(data: Path | None, tokenizer: Path | None, of_job: Path | None) -> tuple[Path | None, Path | None]:
    """Shards and tokenizer that the command line names; (None, None) where it names none and the job's are meant.

    A tokenizer that did not make the shards counts other bytes, and nothing in a shard says which one did: where the
    job names none, the command line has to.
    """
    if data is None:
        if tokenizer is not None:
            raise UserError("--tokenizer: goes with --data, the shards that it made")
        return None, None
    found = tokenizer or of_job
    if found is None:
        raise UserError(
            "--data: the job's embedded corpus has another tokenizer; add --tokenizer FILE of those shards"
        )
    return data, found


def rescore(
    config: GolfConfig, artifact: Path, folder: Path, tokenizer: Path, threads: int, say: Callable[[str], None]
) -> Rescored:
    """Score `artifact` on the validation shards in `folder`; UserError with the script's words where it fails."""
    if not artifact.is_file():
        raise UserError(f"{artifact}: no such file; give the path of an artifact, e.g. final_model.ptz")
    require_vocab(load_tokenizer(tokenizer), config.model.vocab_size, str(tokenizer))
    files = ValidationFiles(find_shards(folder, "val"), tokenizer, find_sidecars(folder))
    script = {SCRIPT_NAME: make_script(config).source}
    reader = scored_by(script, artifact, ARTIFACT_NAME, folder, tokenizer, {"OMP_NUM_THREADS": str(threads)}, say)
    counted = coverage(files, config.eval, config.batch.train_seq_len)
    return Rescored(reader.final_scores[-1], reader.facts.get("eval_seconds"), counted)


def scored_by(
    files: Mapping[str, bytes],
    artifact: Path,
    name: str,
    folder: Path,
    tokenizer: Path,
    env: Mapping[str, str],
    say: Callable[[str], None],
    pattern: re.Pattern[str] | None = None,
    *,
    apart: bool = False,
) -> LogReader:
    """Run a script's evaluation phase on an artifact, and read what it said; UserError where it gave no score.

    files: the script and what lies beside it, by name; name: of the artifact, as the script looks for it; env: more
    of its environment; pattern: how somebody else's script writes a score. apart: it may be anybody's, and is run
    only where it can be cut off from this machine (runner.record.cut_off).
    """
    reader = LogReader(pattern=pattern)
    with tempfile.TemporaryDirectory(prefix="golf-eval-") as place:
        work, shards = Path(place, "work"), Path(place, "shards")
        work.mkdir()
        shards.mkdir()
        # Nothing else is any business of a scoring script.
        pieces = Path(place, "tokenizer.model")
        for shard in (*find_shards(folder, "val"), *find_sidecars(folder)):
            _lay(shard, shards / shard.name, copied=apart)
        _lay(tokenizer, pieces, copied=apart)
        for path, content in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(content)
        shutil.copyfile(artifact, work / name)
        surroundings = handed_on(os.environ) | {
            "GOLF_PHASE": "eval",
            "DATA_PATH": str(shards),
            "TOKENIZER_PATH": str(pieces),
            "RUN_ID": "eval",
            "TMPDIR": str(work),
        }
        command = [sys.executable, "-u", SCRIPT_NAME]
        if apart:
            require_cut_off()
            command = cut_off(command, Path(place), work)
            surroundings["HOME"] = str(work)
        lines, failed = LineSplitter(), ""
        try:
            for piece in output_of(command, work, {**surroundings, **env}, LONGEST_S):
                reader.feed(piece)
                for line, _ in lines.feed(piece):
                    text = printable(line.decode("utf-8", "replace").rstrip())
                    if text.startswith(SHOWN_LINES) and "_exact" not in text:
                        say(text)
        except UserError as error:
            failed = f"the script {error}"
    if failed or not reader.final_scores:
        reader.feed(b"\n")
        told = [line.removeprefix("error: ") for line in reader.tail if line.startswith("error: ")]
        words = (told or reader.tail or [failed or "the script said nothing"])[-1]
        raise UserError(f"{artifact}: cannot be scored: {words}")
    return reader


def _lay(source: Path, place: Path, *, copied: bool) -> None:
    """A file where the script looks for it: a link, or a copy for a process that can see nothing else."""
    if copied:
        shutil.copyfile(source, place)
    else:
        place.symlink_to(source.resolve())


def report_lines(found: Rescored) -> list[str]:
    """The score for people, and whether the counts agree."""
    score, counted = found.score, found.counted
    agree = (score.rule, score.tokens, score.bytes) == (counted.rule, counted.tokens, counted.bytes)
    seconds = "unknown time" if found.seconds is None else f"{found.seconds:.2f} s"
    said = "as counted here" if agree else f"NOT as counted here: {counted.tokens:,} tokens, {counted.bytes:,} bytes"
    return [
        f"{score.val_bpb:.6f} bits per byte, {score.val_loss:.6f} nats per token, rule {score.rule}, in {seconds}",
        f"{score.tokens or 0:,} tokens, {score.bytes or 0:,} bytes, {said}",
    ]
