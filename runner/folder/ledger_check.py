"""`golf ledger verify`: is the chain whole, does the disk hold what it vouches for, and what was launched in all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.folder.paths import RunFolder
from runner.folder.truncated_tail import unfinished
from runner.listing import listed
from runner.printable import cut
from runner.results.runs import EvidenceFile, RunResult
from runner.untrusted import is_regular, read_bytes, sha256_of

MAX_LEDGER_BYTES, MOST_RESULT_BYTES = 256 << 20, 64 << 20
NAMED = re.compile(r"attempt-\d{1,9}/(?:train|eval)\.log|attempt-\d{1,9}/events\.jsonl")
"""Logs and events of a seed's attempts, as a result names them."""
_ATTEMPT: dict[str, type] = {"seed": int, "attempt": int}
FIELDS: dict[str, dict[str, type]] = {
    "registered": {"seeds": list},
    "design": {"seeds": list, "looks": list, "levels": list},
    "look": {"seeds": list, "p": float, "level": float, "decision": str},
    "duel": {"seeds": list, "first": list, "side": str, "policy": str, "own": dict, "other": dict},
    "turn": {"seed": int, "pair": int, "other_run": str, "other_hash": str},
    "queued": _ATTEMPT,
    "launched": _ATTEMPT,
    "trained": _ATTEMPT,
    "repacked": {
        **_ATTEMPT,
        "run": str,
        "trained_script_sha256": str,
        "kept_sha256": str,
        "trained_artifact_sha256": str,
        "seconds": float,
        "export": dict,
    },
    "finished": {**_ATTEMPT, "status": str},
    "stopped": {"reason": str},
    "published": {"results_sha256": str},
}
"""Kinds of entries that are looked at, and what each has at least."""


@dataclass(frozen=True)
class Audit:
    """What was found: figures for people, and what is wrong (nothing, where all is well)."""

    lines: list[str]
    problems: list[str]


def is_known(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a sound chain has what its kind has: anybody can compute hashes over anything."""
    kind, fields = entry.get("kind"), FIELDS.get(str(entry.get("kind")), {})
    if not isinstance(kind, str) or not isinstance(entry.get("time"), str):
        return False
    seeds = entry.get("seeds")
    whole = kind not in ("registered", "design", "look", "duel") or (
        isinstance(seeds, list) and all(type(seed) is int for seed in seeds)
    )
    return whole and all(isinstance(entry.get(name), wanted) for name, wanted in fields.items())


def audit_ledger(path: Path) -> Audit:
    """Check a ledger file on its own: a record's copy, which has no attempts beside it.

    UserError for what is no file or cannot be read, of which nothing is known.
    """
    try:
        rest = unfinished(read_bytes(path, MAX_LEDGER_BYTES))
    except UserError as error:
        raise UserError(f"{error}; give a ledger.jsonl, or a run") from None
    try:
        entries = check_chain(path, unfinished_ok=True)
    except UserError as error:
        return Audit([], [str(error)])
    if not entries:
        return Audit([], [f"{path}: is empty: nothing was registered"])
    strange = [entry["seq"] for entry in entries if not is_known(entry)]
    if strange:
        return Audit([], [f"{path}: entry {strange[0]}: is none that golf writes, though its hash is right"])
    registrations = [entry for entry in entries if entry["kind"] == "registered"]
    lines = [f"{path}: {len(entries)} entries, chain whole, head {entries[-1]['hash'][:16]}"]
    lines += [
        f"registered {entry['time']}{' (later)' if number else ''}: seeds {listed(entry['seeds'])}"
        for number, entry in enumerate(registrations)
    ]
    if rest:
        lines.append(f"line {len(entries) + 1} is cut off, by a kill or a power cut; the next run sets it aside")
    ends = {(entry["seed"], entry["attempt"]): entry["status"] for entry in entries if entry["kind"] == "finished"}
    for entry in entries:
        if entry["kind"] == "launched":
            key = entry["seed"], entry["attempt"]
            ended = ends.get(key, "no end noted: its driver was killed, or runs still")
            only = f", scores attempt {cut(str(entry['trained_by']), 20)}'s artifact" if "trained_by" in entry else ""
            lines.append(f"launched {entry['time']}: seed {key[0]} attempt {key[1]}{only}: {ended}")
        elif entry["kind"] == "stopped":
            lines.append(f"stopped {entry['time']}: {cut(entry['reason'], 400)}")
    problems = []
    registered = {seed for entry in registrations for seed in entry["seeds"]}
    known: set[int] = set()
    for entry in entries:
        known |= set(entry["seeds"]) if entry["kind"] == "registered" else set()
        if entry["kind"] == "launched" and entry["seed"] not in known:
            late = "only later" if entry["seed"] in registered else "never"
            problems.append(f"{path}: entry {entry['seq']}: seed {entry['seed']} was launched and {late} registered")
    return Audit(lines, problems)


def changed_evidence(result: Path) -> list[str]:
    """Logs and events that are others than the result notes, or gone."""
    try:
        noted = RunResult.model_validate_json(read_bytes(result, MOST_RESULT_BYTES)).evidence
    except (UserError, ValidationError):
        return []  # of another golf; its hash is right all the same
    places = [(result.parent.parent, one) for one in noted]
    return [told for folder, one in places if (told := _changed(folder, one))]


def _changed(folder: Path, noted: EvidenceFile) -> str:
    """What is wrong with a file of a seed's attempts that a result vouches for; '' where it is as it was."""
    path = folder / noted.name
    if not NAMED.fullmatch(noted.name):
        return f"{cut(str(path), 400)}: is no file of the seed's attempts; the result vouches for it"
    if not is_regular(path):
        return f"{path}: is gone; the result vouches for it"
    try:
        same = sha256_of(path, noted.bytes) == noted.sha256
    except UserError:  # it is longer, or cannot be read
        same = False
    return "" if same else f"{path}: was changed after the result was written"


def hash_of(path: Path) -> str:
    """SHA-256 of a result; '' for what is none that golf writes."""
    try:
        return sha256_of(path, MOST_RESULT_BYTES)
    except UserError:
        return ""


def audit_run(run: RunFolder) -> Audit:
    """Check a run's ledger against its folder."""
    audit = audit_ledger(run.ledger)
    if audit.problems:
        return audit
    entries = check_chain(run.ledger, unfinished_ok=True)
    problems = []
    vouched = {
        (entry["seed"], entry["attempt"]): entry["result_sha256"]
        for entry in entries
        if entry["kind"] == "finished" and "result_sha256" in entry
    }
    for (seed, attempt), sha256 in vouched.items():
        result = run.attempt(seed, attempt).result
        if not is_regular(result):
            problems.append(f"{result}: is gone; the ledger vouches for it")
        elif hash_of(result) != sha256:
            problems.append(f"{result}: was changed after the ledger vouched for it; it counts no more")
        else:
            problems += changed_evidence(result)
    for entry in entries:
        if entry["kind"] == "trained":
            trained = run.attempt(entry["seed"], entry["attempt"]).trained
            if trained.exists() and hash_of(trained) != entry.get("trained_sha256"):
                problems.append(
                    f"{trained}: was changed after the ledger vouched for it; its artifact counts no more"
                )
    # An empty folder is one whose driver died before it could queue the attempt: nothing was launched in it.
    queued = {(entry["seed"], entry["attempt"]) for entry in entries if entry["kind"] == "queued"}
    for seed in sorted({int(path.name) for path in (run.path / "seeds").glob("*") if path.name.isdecimal()}):
        for folder in run.attempts(seed):
            if (seed, folder.number) not in queued and any(folder.path.iterdir()):
                problems.append(f"{folder.path}: no entry of the ledger launched this attempt")
    return Audit(audit.lines, problems)
