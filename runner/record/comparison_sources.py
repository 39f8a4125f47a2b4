"""Where the arms of a comparison come from: our records, anybody's record folders, lists of scores.

Nothing that is read is executed, and sizes are bounded. What is said of an arm is what its files say; holding two of
them against each other is compare.py's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runner.audit.facts import Audit
from runner.data.shards import is_validation_shard
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.printable import cut
from runner.record.files import CHECKSUMS, RESULTS, is_as_listed, read_results
from runner.record.find import is_ours
from runner.results.comparisons import Arm
from runner.results.record import RecordData
from runner.untrusted import json_of, read_text

MOST_TYPED = 1_000_000
"""Bytes of a file of scores."""
LEAST, MOST = 1e-6, 1e6
"""Between them lies every score, in any unit."""
NUMBERS = re.compile(r"[\s,;]+")
LEADING_ZERO = re.compile(r"[-+]?0\d")
BARE_COMMA = re.compile(r"\d,\d")
ALTERED = {
    "origin": "as its results.json says",
    "problem": f"its {RESULTS} is not the one that {CHECKSUMS} lists; see golf verify",
}
"""What is said of a record that was changed after it was written, instead of `measured`."""
CLAIMED = "as its script claims, and no check confirms"
SAME_COVERAGE = 1e-6
"""Ratios of loss to bpb that differ by more, relatively, are not of the same tokens."""


def arm_of_record(data: RecordData) -> Arm:
    """A record of ours as an arm."""
    scored = [(result, result.final_score) for result in data.results]
    kept = [(result, score) for result, score in scored if score is not None and LEAST < score.val_bpb < MOST]
    known = [score.val_loss / score.val_bpb for _, score in kept if LEAST < score.val_loss < MOST]
    one_constant = bool(known) and max(known) - min(known) <= SAME_COVERAGE * max(known)
    registered = data.job.get("seeds")
    seeds = len(registered) if isinstance(registered, list) else len(data.results)
    tokenizer, validation = _hashes(data.data.files)
    return Arm(
        name=data.name,
        val_bpb=tuple(score.val_bpb for _, score in kept),
        nats_per_bpb=sum(known) / len(known) if one_constant else None,
        seeds=tuple(result.seed for result, _ in kept),
        unscored=max(seeds, len(data.results)) - len(kept),
        verdict=data.verdict.status,
        origin=CLAIMED if data.only_claimed else "measured",
        problem="" if one_constant or not known else "its seeds were scored on different tokens",
        run=data.run,
        track=data.track,
        tokenizer=tokenizer,
        validation=validation,
        val_bytes=data.data.val_bytes,
        artifacts=tuple(result.artifact.sha256 for result, _ in kept if result.artifact is not None),
        looked=_looked(data),
    )


def _looked(data: RecordData) -> str:
    """Where seeds were added until a look decided, how many of how many ran."""
    found = None if data.comparison is None else data.comparison.sequential
    return "" if found is None else f"{len(data.results)} of at most {len(found.order)} ran"


def _hashes(files: Mapping[str, str]) -> tuple[str, str]:
    """Of the tokenizer, and of the validation shards together; '' where the record does not name them."""
    validation = [digest for name, digest in sorted(files.items()) if is_validation_shard(name)]
    others = [digest for name, digest in files.items() if not name.endswith(".bin")]
    together = sha256_bytes("\n".join(validation).encode()) if validation else ""
    return others[0] if len(others) == 1 else "", together


def arm_of_folder(path: Path) -> Arm:
    """A record folder as an arm: ours by its results.json, anybody else's by what its logs show."""
    if is_ours(path):
        arm = arm_of_record(read_results(path)).model_copy(update={"name": path.resolve().name})
        return arm if is_as_listed(path) else arm.model_copy(update=ALTERED)
    from runner.audit.audit import audit_folder

    return arm_of_audit(audit_folder(path), path)


def arm_of_audit(audit: Audit, path: Path) -> Arm:
    """Anybody's record folder, read, as an arm: the runs that its headline is made of."""
    runs = [run for run in audit.runs if run.role == "primary" and run.final_val_bpb is not None]
    known = [run.final_val_loss / run.final_val_bpb for run in runs if run.final_val_loss and run.final_val_bpb]
    errors = list(dict.fromkeys(one.kind for one in audit.findings if one.severity == "error"))
    scored = [run.final_val_bpb for run in runs if run.final_val_bpb is not None]
    return Arm(
        name=path.resolve().name,
        val_bpb=tuple(require_score(value, str(path)) for value in scored),
        nats_per_bpb=sum(known) / len(known) if known else None,
        seeds=tuple(run.seed for run in runs if run.seed is not None)
        if all(run.seed is not None for run in runs)
        else (),
        problem=f"its audit finds errors: {', '.join(errors)}" if errors else "",
        origin="as its logs say, not measured here",
        track=audit.track or "",
    )


def arm_of(words: str, name: str, nats_per_bpb: float | None = None) -> Arm:
    """What stands on the command line for an arm: `1.081,1.0808`, a file of scores, or a record folder.

    name: of the arm where the words give it none. nats_per_bpb: where its source has none. Raises UserError.
    """
    typed = _typed(words)
    if typed is not None:
        arm = Arm(name=name, val_bpb=tuple(require_score(value, words) for value in typed), origin="as typed")
    else:
        path = Path(words)
        if path.is_dir():
            arm = arm_of_folder(path)
        elif path.is_file():
            arm = arm_of_file(path)
        else:
            raise UserError(f"{cut(words)}: neither numbers with commas between them nor a file or record folder")
    return arm if arm.nats_per_bpb is not None else arm.model_copy(update={"nats_per_bpb": nats_per_bpb})


def arm_of_file(path: Path) -> Arm:
    """A text or JSON file of scores, one for each seed.

    Text: numbers between blanks, commas or line ends; what follows a # is a comment. JSON: a list of numbers; or an
    object with `val_bpb`, a list, and perhaps `nats_per_bpb`, `seeds` and `name`; or a submission.json whose
    `seed_results` have them. A results.json stands for its record folder.
    """
    if path.name == RESULTS:
        return arm_of_folder(path.parent)
    try:
        text = read_text(path, MOST_TYPED, links=True)
    except UserError as error:
        raise UserError(f"{error}; a file of scores has a line for each seed") from None
    origin = "as the file says"
    if text.lstrip()[:1] not in ("{", "["):
        lines = " ".join(line.partition("#")[0] for line in text.splitlines())
        values = _typed(lines)
        if values is None:
            raise UserError(f"{path}: is neither JSON nor numbers with blanks or commas between them")
        return Arm(name=path.name, val_bpb=tuple(require_score(v, str(path)) for v in values), origin=origin)
    data = json_of(text, str(path))
    found = _of_json(data, str(path))
    return Arm(**{"name": path.name, "origin": origin, **found})


def _of_json(data: Any, source: str) -> dict[str, Any]:
    if isinstance(data, list):
        return {"val_bpb": _scores(data, source)}
    if not isinstance(data, dict):
        raise UserError(f"{source}: holds neither a list of scores nor a mapping")
    if isinstance(data.get("val_bpb"), list):
        seeds, name = data.get("seeds"), data.get("name")
        found: dict[str, Any] = {"val_bpb": _scores(data["val_bpb"], source)}
        if data.get("nats_per_bpb") is not None:
            found["nats_per_bpb"] = require_score(data["nats_per_bpb"], f"{source}: nats_per_bpb")
        if isinstance(seeds, list) and all(isinstance(seed, int) for seed in seeds):
            found["seeds"] = _distinct(seeds, source)
        return found | ({"name": name} if isinstance(name, str) and name.strip() else {})
    results = data.get("seed_results")
    if not isinstance(results, dict) or not all(isinstance(entry, dict) for entry in results.values()):
        raise UserError(f"{source}: has neither a list val_bpb nor seed_results with the score of each seed")
    scores = _scores([entry.get("val_bpb") for entry in results.values()], source)
    losses = [entry.get("val_loss") for entry in results.values()]
    found = {"val_bpb": scores}
    if scores and all(isinstance(loss, (int, float)) for loss in losses):
        found["nats_per_bpb"] = require_score(sum(losses) / sum(scores), f"{source}: val_loss / val_bpb")
    if all(str(seed).isdecimal() for seed in results):
        found["seeds"] = _distinct([int(seed) for seed in results], source)
    return found


def _distinct(seeds: list[int], source: str) -> tuple[int, ...]:
    for seed, times in Counter(seeds).items():
        if times > 1:
            raise UserError(f"{source}: seed {seed} stands twice; give the score of each seed once")
    return tuple(seeds)


def _scores(values: Iterable[Any], source: str) -> tuple[float, ...]:
    return tuple(require_score(value, source) for value in values)


def require_score(value: Any, source: str, what: str = "score") -> float:
    """A positive finite number; UserError that names its source, and what it was meant for, otherwise."""
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not LEAST < number < MOST:
        raise UserError(f"{cut(source)}: {cut(repr(value))} is not a {what}; {what}s are positive numbers")
    return number


def _typed(words: str) -> list[float] | None:
    """The numbers in a text that holds nothing else, else None; UserError where its commas may be decimal points."""
    parts = [part for part in NUMBERS.split(words) if part]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    padded = any(LEADING_ZERO.match(part) for part in parts)
    pointless = bool(BARE_COMMA.search(words)) and not any("." in part for part in parts)
    if padded or pointless or (";" in words and "," in words):
        raise UserError(
            f"{cut(words)}: its commas may be decimal commas. Write decimal points, and one sign between scores, "
            "such as 1.081,1.0812"
        )
    return numbers or None
