"""`golf ledger verify`: is the chain whole, does the disk hold what it vouches for, and what was launched in all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.files import sha256_file
from runner.ledger import check_chain
from runner.paths import RunFolder
from runner.torn import unfinished


@dataclass(frozen=True)
class Audit:
    """What was found: figures for people, and what is wrong (nothing, where all is well)."""

    lines: list[str]
    problems: list[str]


def audit_ledger(path: Path) -> Audit:
    """Check a ledger file on its own: a record's copy, which has no attempts beside it."""
    try:
        entries = check_chain(path, unfinished_ok=True)
        rest = unfinished(path.read_bytes())
    except UserError as error:
        return Audit([], [str(error)])
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error}; give a ledger.jsonl, or a run") from None
    registrations = [entry for entry in entries if entry["kind"] == "registered"]
    lines = [f"{path}: {len(entries)} entries, chain whole, head {entries[-1]['hash'][:16]}" if entries else "empty"]
    lines += [
        f"registered {entry['time']}{' (later)' if number else ''}: seeds {', '.join(map(str, entry['seeds']))}"
        for number, entry in enumerate(registrations)
    ]
    if rest:
        lines.append(f"line {len(entries) + 1} is torn: a kill or a power cut tore it; the next run sets it aside")
    ends = {(entry["seed"], entry["attempt"]): entry["status"] for entry in entries if entry["kind"] == "finished"}
    for entry in entries:
        if entry["kind"] == "launched":
            key = entry["seed"], entry["attempt"]
            ended = ends.get(key, "no end noted: its driver was killed, or runs still")
            lines.append(f"launched {entry['time']}: seed {key[0]} attempt {key[1]}: {ended}")
    problems = []
    registered = {seed for entry in registrations for seed in entry["seeds"]}
    known: set[int] = set()
    for entry in entries:
        known |= set(entry["seeds"]) if entry["kind"] == "registered" else set()
        if entry["kind"] == "launched" and entry["seed"] not in known:
            late = "only later" if entry["seed"] in registered else "never"
            problems.append(f"{path}: entry {entry['seq']}: seed {entry['seed']} was launched and {late} registered")
    return Audit(lines, problems)


def audit_run(run: RunFolder) -> Audit:
    """Check a run's ledger against its folder."""
    audit = audit_ledger(run.ledger)
    if audit.problems:
        return audit
    entries = check_chain(run.ledger, unfinished_ok=True)
    problems = []
    vouched = {
        (entry["seed"], entry["attempt"]): entry["result_sha256"] for entry in entries if "result_sha256" in entry
    }
    for (seed, attempt), sha256 in vouched.items():
        result = run.attempt(seed, attempt).result
        if not result.is_file():
            problems.append(f"{result}: is gone; the ledger vouches for it")
        elif sha256_file(result) != sha256:
            problems.append(f"{result}: was changed after the ledger vouched for it; it counts no more")
    queued = {(entry["seed"], entry["attempt"]) for entry in entries if entry["kind"] == "queued"}
    for seed in sorted({int(path.name) for path in (run.path / "seeds").glob("*") if path.name.isdecimal()}):
        for folder in run.attempts(seed):
            if (seed, folder.number) not in queued:
                problems.append(f"{folder.path}: no entry of the ledger launched this attempt")
    return Audit(audit.lines, problems)
