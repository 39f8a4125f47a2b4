"""Files of a record folder, read as anybody's: bounded, never a link. First of all its results.json.

The only place where results.json becomes values again, so every verb refuses the same files with the same words.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from runner.errors import UserError
from runner.files import sha256_file
from runner.printable import cut
from runner.results import RecordData
from runner.strict import MAX_SEED

RESULTS = "results.json"
CHECKSUMS = "SHA256SUMS"
NAMES = frozenset(
    {
        *("README.md", "submission.json", "results.csv", "environment.json", "requirements.txt", "loss.svg"),
        *(RESULTS, "train_gpt.py", "train_gpt_flat.py", "ledger.jsonl"),
    }
)
"""What a record's files are called, but for logs, tokenizer and what lies beside a script."""
TOKENIZER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.model")
GITS_OWN = re.compile(r"\.git|git~\d", re.IGNORECASE)
"""How names begin that git itself reads, or that a file system takes for such a one."""
MOST_BYTES = 256 << 20
"""A larger file of a record is not read into memory. Results of three seeds: about 30 kB; of 20,000: some 150 MB."""
BEYOND = 10**15
"""No limit of a job is that large."""


def bounded(path: Path) -> bytes:
    """A file's content; UserError where it is missing, a link, too large, or cannot be read."""
    if path.is_symlink() or not path.is_file():
        raise UserError(f"{path}: {'is no plain file' if path.exists() else 'no such file'}; a record of golf has it")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def read_results(folder: Path) -> RecordData:
    """results.json of a record folder; UserError, in one line, where there is none or it is not one of ours."""
    return results_of(bounded(folder / RESULTS), folder / RESULTS)


def results_of(content: bytes, path: Path) -> RecordData:
    """What results.json holds. path: where it was read, for the UserError where it is not as golf writes it."""
    try:
        data = RecordData.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        problem = f"{cut(where)}: {cut(first['msg'])}"
    else:
        problem = impossible(data)
        if not problem:
            return data
    raise UserError(f"{path}: is not a record's: {problem}; it is not as golf wrote it, or of another version")


def impossible(data: RecordData) -> str:
    """What no run of golf can have written, though its type fits; empty where there is nothing."""
    for result in data.results:
        if not 0 <= result.seed <= MAX_SEED or not 0 <= result.attempt <= MAX_SEED:
            return "results: a seed or attempt beyond what a job may name"
    for name in ("cap_bytes", "train_seconds", "eval_seconds"):
        if not 0 < data.limits.get(name, 0) < BEYOND:
            return f"limits: {name} is missing or no positive number"
    return ""


def listed_sums(folder: Path) -> dict[str, str]:
    """Name -> hash of SHA256SUMS; lines that are none of ours are left out."""
    pairs = (line.split("  ", 1) for line in bounded(folder / CHECKSUMS).decode("utf-8", "replace").splitlines())
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def unknown_names(folder: Path, data: RecordData) -> list[str]:
    """Names in SHA256SUMS of files that no record has, or that a link leads to: nobody knows what they would do where
    the folder is copied to. A file beside the script is known by the job, and is none of git's own."""
    files = data.job.get("files")
    beside = {f"files/{name}" for name in (files if isinstance(files, list) else ()) if isinstance(name, str)}
    seeds = {f"train_seed{result.seed}.log" for result in data.results}
    tokenizer = {name for name in listed_sums(folder) if data.data.tokenizer and TOKENIZER.fullmatch(name)}
    known = NAMES | beside | seeds | tokenizer
    return sorted(
        name
        for name in listed_sums(folder)
        if name not in known
        or any(GITS_OWN.match(part) for part in Path(name).parts)
        or any((folder / above).is_symlink() for above in (Path(name), *Path(name).parents[:-1]))
    )


def is_as_listed(folder: Path) -> bool:
    """Whether a record's results.json is still the one that its SHA256SUMS lists."""
    return (folder / CHECKSUMS).is_file() and listed_sums(folder).get(RESULTS) == sha256_file(folder / RESULTS)
