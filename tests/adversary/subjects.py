"""What is attacked: an honest file of each kind, how it is spoiled, and the functions of golf that then read it.

A reader answers `refused` (one message of golf's own), `told` (it reads, and says that something is wrong) or
`taken`.
`WrongAccept` is raised where that cannot be: a file was changed and is called what it was.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from runner.errors import UserError
from tests.adversary.mutations import bent, flipped, mutated, spoiled
from tests.fixtures.kept_record import keep_record
from tests.fixtures.places import ROOT
from tests.fixtures.tiny_data import VOCAB, make_tiny_data

Answer = str
MOST_SECONDS = 10
"""Of a processor's time, for one file."""
REFUSED, TOLD, TAKEN = "refused", "told", "taken"


class WrongAccept(Exception):
    """What was changed, and taken for what it was."""


@dataclass(frozen=True)
class World:
    """Honest files to begin with, and a folder in which they are spoiled."""

    base: Path
    work: Path

    @property
    def record(self) -> Path:
        return next((self.base / "kept" / "records" / "local").iterdir())

    @property
    def shards(self) -> Path:
        return self.base / "data"

    @property
    def tokenizer(self) -> Path:
        return next(self.shards.glob("*.model"))

    @property
    def entry(self) -> Path:
        return self.base / "entry"

    @property
    def artifacts(self) -> dict[str, Path]:
        """Container -> an artifact in it."""
        return {path.stem: path for path in sorted((self.base / "artifacts").iterdir())}


def make_world(base: Path) -> World:
    """A record that was really made, its data, somebody else's entry, and an artifact in each container."""
    from tests.adversary.artifacts import make_artifacts
    from tests.runner.audit.entries import write_entry

    keep_record(make_tiny_data(base / "data"), base / "kept")
    write_entry(base / "entry")
    (base / "artifacts").mkdir()
    for name, blob in make_artifacts().items():
        (base / "artifacts" / f"{name}.ptz").write_bytes(blob)
    return World(base, base / "work")


def begin_file() -> None:
    """The time for one file begins; whoever handles SIGPROF is told where it is over (tests.adversary.bounded)."""
    if signal.getsignal(signal.SIGPROF) not in (signal.SIG_DFL, signal.SIG_IGN, None):
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)


def fresh(world: World, source: Path) -> Path:
    """A copy of a folder to be spoiled."""
    begin_file()
    place = world.work / source.name
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(source, place))


def sign(folder: Path) -> None:
    """SHA256SUMS anew, as a sender may who changed a file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    hashes = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    sums = (f"{digest}  {name}\n" for name, digest in hashes.items())
    (folder / "SHA256SUMS").write_text("".join(sums))


def verified(folder: Path) -> Answer:
    """`golf verify`, all that it asks."""
    from reports.record.rebuild import page_check
    from reports.terminal.verify import answers
    from runner.record.folder import open_record
    from runner.record.rescore_record import artifact_checks, source_of, why_not_run
    from runner.record.verify import verify_record

    record = open_record(folder)
    checks = [*verify_record(record), page_check(folder, record.data)]
    checks += artifact_checks(record, source_of(record, None, None, None), print, why_not_run(checks, run=False))
    answers(checks, "fine")
    return TOLD if any(check.status == "fail" for check in checks) else TAKEN


def record_case(world: World, dice: random.Random) -> Answer:
    """One file of a record is another; its list of hashes stays, or the list itself is spoiled."""
    folder = fresh(world, world.record)
    path = dice.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    before = path.read_bytes()
    path.write_bytes(spoiled(before, dice))
    if path.read_bytes() == before:
        path.write_bytes(flipped(before, dice))
    answer = verified(folder)
    if answer == TAKEN:
        raise WrongAccept(f"a changed {path.name} verifies")
    return answer


def forged_case(world: World, dice: random.Random) -> Answer:
    """A result of a seed is another, and the hashes are made to fit: the ledger vouches for what was."""
    folder = fresh(world, world.record)
    place = folder / "results.json"
    content = json.loads(place.read_text())
    forged = bent(content["results"], dice)
    content["results"] = forged[1:] if forged == content["results"] else forged  # 0 for 0.0 says the same
    place.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    sign(folder)
    answer = verified(folder)
    if answer == TAKEN:
        raise WrongAccept("a forged result verifies")
    return answer


def ledger_case(world: World, dice: random.Random) -> Answer:
    """A ledger on its own: whatever it says, it says of the beginning of what was written."""
    from runner.folder.ledger import check_chain
    from runner.folder.ledger_check import audit_ledger

    honest = (world.record / "ledger.jsonl").read_bytes()
    place = world.work / "ledger.jsonl"
    lines = honest.splitlines(keepends=True)
    if dice.random() < 0.4:
        at = dice.randrange(len(lines))
        lines[at] = spoiled(lines[at].rstrip(b"\n"), dice) + b"\n"
        place.write_bytes(b"".join(lines))
    else:
        place.write_bytes(spoiled(honest, dice))
    audit = audit_ledger(place)
    if audit.problems:
        return TOLD
    entries, whole = check_chain(place, unfinished_ok=True), check_chain(world.record / "ledger.jsonl")
    if entries != whole[: len(entries)]:
        raise WrongAccept("another ledger's chain is called whole")
    return TAKEN


def artifact_case(world: World, dice: random.Random) -> Answer:
    """An artifact in one of the containers; ours has a checksum, so that nothing of it may be another."""
    from golf_model.artifact.inspect import inspect_artifact
    from golf_model.process.errors import ScriptError

    name = dice.choice(sorted(world.artifacts))
    honest = world.artifacts[name].read_bytes()
    blob = flipped(honest, dice) if dice.random() < 0.5 else mutated(honest, dice)
    if name == "golf" and dice.random() < 0.5:
        blob = blob[:-32] + hashlib.sha256(blob[:-32]).digest()
    elif name == "golf" and blob != honest:
        try:
            inspect_artifact(blob)
        except ScriptError:
            return REFUSED
        raise WrongAccept("a changed artifact has the right checksum")
    try:
        json.dumps(inspect_artifact(blob))
    except (ScriptError, MemoryError):
        return REFUSED
    return TAKEN


def tokenizer_case(world: World, dice: random.Random) -> Answer:
    """A SentencePiece model."""
    from runner.data.tokenizer import byte_table, load_tokenizer, require_vocab

    place = world.work / "tokenizer.model"
    place.write_bytes(spoiled(world.tokenizer.read_bytes(), dice))
    tokenizer = load_tokenizer(place)
    byte_table(tokenizer)
    require_vocab(tokenizer, VOCAB)
    return TAKEN


def shard_case(world: World, dice: random.Random) -> Answer:
    """A token shard: of another length than it says, or with an id that the vocabulary lacks, it is none."""
    from runner.data.shards import HEADER_BYTES, TOKEN_BYTES, read_shard

    honest = sorted(world.shards.glob("fineweb_val_*.bin"))[0].read_bytes()
    head, rest = honest[:HEADER_BYTES], honest[HEADER_BYTES:]
    place = world.work / "fineweb_val_000000.bin"
    place.write_bytes(spoiled(head, dice) + rest if dice.random() < 0.5 else head + spoiled(rest, dice))
    tokens = read_shard(place, VOCAB)
    if len(tokens) * TOKEN_BYTES + HEADER_BYTES != place.stat().st_size or int(tokens.max()) >= VOCAB:
        raise WrongAccept("a shard of another length, or with an id of another vocabulary")
    return TAKEN


def job_case(world: World, dice: random.Random) -> Answer:
    """A job's YAML."""
    from runner.job.load import job_hash, load_job

    honest = dice.choice(sorted((ROOT / "jobs").glob("*.yaml"))).read_bytes()
    place = world.work / "job.yaml"
    if dice.random() < 0.5:
        place.write_text(yaml.safe_dump(bent(yaml.safe_load(honest), dice), allow_unicode=True))
    else:
        place.write_bytes(mutated(honest, dice))
    job_hash(load_job(place), "0" * 64, {})
    return TAKEN


def log_case(world: World, dice: random.Random) -> Answer:
    """A log, read by all who read logs."""
    from runner.audit.reading.logs import read_log
    from runner.job.external_script import OutputsSpec
    from runner.logs.log_facts import LogReader
    from runner.logs.loss_curves import curve

    place = world.work / "train.log"
    logs = [*sorted(world.record.glob("*.log")), *sorted(world.entry.glob("*.log"))]
    place.write_bytes(spoiled(dice.choice(logs).read_bytes(), dice))
    reader = LogReader(pattern=OutputsSpec().pattern("score") if dice.random() < 0.5 else None)
    reader.feed(place.read_bytes() + b"\n")
    reader.log_facts().model_dump_json()
    made = curve(1, [place], OutputsSpec(step=r"(?P<step>\d+).*loss:(?P<train_loss>\S+)").pattern("step"))
    assert made is None or made.model_dump_json()
    read_log(place)
    return TAKEN


def entry_case(world: World, dice: random.Random) -> Answer:
    """Somebody else's record folder, audited and reported."""
    from reports.audit.markdown import markdown_audit
    from reports.audit.terminal import terminal_audit
    from runner.audit.audit import audit_folder
    from runner.audit.facts import Audit
    from runner.record.comparison_sources import arm_of

    folder = fresh(world, world.entry)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        if dice.random() < 0.7:
            path.write_bytes(spoiled(path.read_bytes(), dice))
    audit = audit_folder(folder)
    assert Audit.model_validate_json(audit.model_dump_json()) == audit
    markdown_audit(audit)
    terminal_audit(audit)
    arm_of(str(folder), "A")
    return TAKEN


CASES: dict[str, Callable[[World, random.Random], Answer]] = {
    "record": record_case,
    "forged result": forged_case,
    "ledger": ledger_case,
    "artifact": artifact_case,
    "tokenizer": tokenizer_case,
    "shard": shard_case,
    "job": job_case,
    "log": log_case,
    "entry": entry_case,
}


def answer_to(world: World, kind: str, seed: int) -> Answer:
    """What golf answers to one spoiled file; WrongAccept, or whatever escapes it."""
    world.work.mkdir(parents=True, exist_ok=True)
    try:
        return CASES[kind](world, random.Random(f"{kind} {seed}"))
    except UserError:
        return REFUSED
