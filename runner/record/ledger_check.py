"""`golf ledger verify RECORD`: are a record's results those that its ledger vouches for, of all the seeds registered?

A record has no attempts beside it, but its results, written out one by one, have the hashes of their files in the run
folder. Whoever changes a number in it would have to change the ledger from there on. What the README says in words is
not read here.
"""

from __future__ import annotations

import json
from pathlib import Path

from runner.errors import UserError
from runner.files import sha256_bytes, sha256_files
from runner.folder.ledger import check_chain, seeds_of
from runner.folder.ledger_check import Audit, audit_ledger
from runner.job.external_script import MAX_FILE_BYTES
from runner.record.files import RESULTS, bounded, results_of
from runner.results.runs import RunResult
from runner.untrusted import files_below, json_of


def result_hashes(result: RunResult, raw: object) -> set[str]:
    """SHA-256 of a result as its file in the run folder has it: as read, or as it stands, should it be of old."""
    texts = result.model_dump_json(indent=2), json.dumps(raw, indent=2, ensure_ascii=False)
    return {sha256_bytes(f"{text}\n".encode()) for text in texts}


def audit_record(folder: Path) -> Audit:
    """Hold a record's results, seeds and script against the ledger in it."""
    audit = audit_ledger(folder / "ledger.jsonl")
    if audit.problems:
        return audit
    try:
        content = bounded(folder / RESULTS)
        data = results_of(content, folder / RESULTS)
    except UserError as error:
        return Audit(audit.lines, [str(error)])
    entries = check_chain(folder / "ledger.jsonl")
    finished = {(entry["seed"], entry["attempt"]): entry for entry in entries if entry["kind"] == "finished"}
    problems = []
    for result, raw in zip(data.results, json_of(content, RESULTS)["results"], strict=True):
        entry = finished.get((result.seed, result.attempt), {})
        if entry.get("result_sha256") not in result_hashes(result, raw):
            problems.append(f"seed {result.seed}: its result is not the one that the ledger vouches for")
    registered = set(seeds_of(entries))
    shown = [result.seed for result in data.results]
    launched = {entry["seed"] for entry in entries if entry["kind"] == "launched"}
    missing = sorted((registered & launched) - set(shown))
    if missing:
        problems.append(f"seed {', '.join(map(str, missing))} was launched and is not in the record")
    if len(set(shown)) < len(shown):
        problems.append("a seed stands twice in the record")
    if not shown:
        problems.append("the record has no result")
    beside = files_below(folder / "files") if (folder / "files").is_dir() else []
    others = {path.relative_to(folder / "files").as_posix(): bounded(path, MAX_FILE_BYTES) for path in beside}
    script = sha256_files(bounded(folder / "train_gpt.py"), others)
    if script not in {entry.get("script_sha256") for entry in entries if entry["kind"] == "registered"}:
        problems.append(f"{folder / 'train_gpt.py'}: is not the script that the ledger registered")
    found = f"results of seed {', '.join(map(str, shown)) or 'none'} and script: as the ledger vouches"
    return Audit(audit.lines if problems else [*audit.lines, found], problems)
