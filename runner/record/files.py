"""Files of a record folder, read as anybody's: bounded, never a link. First of all its results.json.

The only place where results.json becomes values again, so every verb refuses the same files with the same words.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import ValidationError

from runner.errors import UserError
from runner.printable import cut
from runner.results.comparisons import Comparison
from runner.results.record import RecordData
from runner.strict import MAX_SEED
from runner.untrusted import MOST_BYTES, is_regular, json_of, read_bytes, refused, sha256_of

RESULTS = "results.json"
CHECKSUMS = "SHA256SUMS"
NAMES = frozenset(
    {
        *("README.md", "submission.json", "results.csv", "environment.json", "requirements.txt", "loss.svg"),
        *(RESULTS, "train_gpt.py", "train_gpt_flat.py", "ledger.jsonl"),
    }
)
"""What a record's files are called, but for logs, tokenizer and what lies beside a script."""
LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n\x00]+)")
TOKENIZER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.model")
GITS_OWN = re.compile(r"\.git|git~\d", re.IGNORECASE)
"""How names begin that git itself reads, or that a file system takes for such a one."""
IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What some file systems leave out of a name."""
MOST_SUMS_BYTES, MOST_LISTED = 8 << 20, 50_000
"""Of SHA256SUMS, and files that it may list."""
MOST_LOG_BYTES = 1 << 30
"""Of a listed file, which may be a log."""
MOST_JOB_VALUES = 200_000
"""In the job that a record keeps; each of its seeds is one."""
BEYOND = 10**15
"""No limit of a job is that large."""


def bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file's content; UserError where it is missing, a link, no plain file, too large, or cannot be read."""
    return read_bytes(path, most)


def read_results(folder: Path) -> RecordData:
    """results.json of a record folder; UserError, in one line, where there is none or it is not one of ours."""
    return results_of(bounded(folder / RESULTS), folder / RESULTS)


def results_of(content: bytes, path: Path) -> RecordData:
    """What results.json holds. path: where it was read, for the UserError where it is not as golf writes it."""
    plain = json_of(content, str(path))
    try:
        # Not as JSON, of which pydantic's parser takes 1.5 kB for each mapping; only sides of a comparison need that.
        if isinstance(plain, dict) and plain.get("comparison") is not None:
            plain["comparison"] = Comparison.model_validate_json(json.dumps(plain["comparison"]))
        data = RecordData.model_validate(plain)
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
    if values_in(data.job, MOST_JOB_VALUES) > MOST_JOB_VALUES:
        return f"job: more than {MOST_JOB_VALUES:,} values"
    for result in data.results:
        if not 0 <= result.seed <= MAX_SEED or not 0 <= result.attempt <= MAX_SEED:
            return "results: a seed or attempt beyond what a job may name"
    for name in ("cap_bytes", "train_seconds", "eval_seconds"):
        if not 0 < data.limits.get(name, 0) < BEYOND:
            return f"limits: {name} is missing or no positive number"
    return ""


def values_in(value: object, most: int) -> int:
    """How many values a plain one holds, itself among them; counted no further than a little over `most`."""
    count, pending = 0, [value]
    while pending and count <= most:
        one = pending.pop()
        count += 1
        pending += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return count + len(pending)


def listed_sums(folder: Path) -> dict[str, str]:
    """Name -> hash of SHA256SUMS; UserError for a line that is neither, or a name that stands twice."""
    place = folder / CHECKSUMS
    lines = bounded(place, MOST_SUMS_BYTES).decode("utf-8", "replace").split("\n")
    if len(lines) > MOST_LISTED:
        raise refused(place, f"{len(lines):,} lines; a record has at most {MOST_LISTED:,} files")
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line and number == len(lines):
            continue
        said = LINE.fullmatch(line)
        if said is None or said[2] in sums:
            what = "is no hash and name" if said is None else f"names {cut(said[2])} a second time"
            raise UserError(f"{place}:{number}: {what}; it is not as golf wrote it")
        sums[said[2]] = said[1]
    return sums


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
        or is_gits_own(name)
        or any((folder / above).is_symlink() for above in (Path(name), *Path(name).parents[:-1]))
    )


def is_gits_own(name: str) -> bool:
    """Whether a part of a name is one that git, or a file system on its behalf, takes for git's own."""
    plain = IGNORED.sub("", name).replace("\\", "/")
    return any(GITS_OWN.match(part) for part in plain.split("/"))


def is_as_listed(folder: Path) -> bool:
    """Whether a record's results.json is still the one that its SHA256SUMS lists."""
    if not is_regular(folder / CHECKSUMS):
        return False
    return listed_sums(folder).get(RESULTS) == sha256_of(folder / RESULTS, MOST_BYTES)
