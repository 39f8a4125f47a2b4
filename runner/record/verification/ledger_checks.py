"""`golf verify`, the ledger: is its chain whole, and does it tell of these very attempts, ends, times and results?

Who has nothing but a record can chain its ledger anew. What then still tells is that one fact stands in two places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.errors import UserError
from runner.files import sha256_bytes
from runner.folder.launches import launches, stopped
from runner.folder.ledger import Ledger
from runner.folder.ledger_check import is_known
from runner.folder.left_out import replaced
from runner.record.answers import Findings, answer, is_pass, said
from runner.record.files import RESULTS, bounded
from runner.record.folder import Record, of_this_golf
from runner.record.published import last_published, published_sha256
from runner.results.runs import Launch, RunResult
from runner.results.verdicts import Check
from runner.untrusted import json_of

NEAR_SECONDS = 60.0
"""How far apart two wall clock times of one moment may be: a busy driver, a disk that is slow."""
Entry = Mapping[str, Any]


def ledger_checks(record: Record) -> Iterator[Check]:
    """Every answer about the ledger."""
    title, place = "The ledger's chain whole?", record.folder / "ledger.jsonl"
    if not place.exists():
        yield answer("ledger", title, "unknown", "no ledger in the folder", "whole")
        return
    try:
        bounded(place)
        ledger = Ledger(place, read_only=True)
    except (UserError, RecursionError) as error:
        told = str(error).splitlines()[0].replace(f"{place}:", "line ")
        yield answer("ledger", title, "fail", told, "whole")
        return
    strange = [entry["seq"] for entry in ledger.entries if not is_known(entry)]
    if strange:
        yield answer("ledger", title, "fail", f"entry {strange[0]} is none that golf writes", "whole")
        return
    yield answer("ledger", title, "pass", f"{len(ledger.entries)} entries", "whole")
    yield registered_check(record, ledger)
    yield vouched_check(record, ledger)
    yield published_check(record, ledger.entries)
    yield attempts_check(record, ledger.entries)
    yield times_check(record, ledger.entries)


def registered_check(record: Record, ledger: Ledger) -> Check:
    """Did it register this script and these seeds, and count what the results say?"""
    data = record.data
    scripts = {entry.get("script_sha256") for entry in ledger.entries if entry["kind"] == "registered"}
    names = {entry.get("job") for entry in ledger.entries if entry["kind"] == "registered"}
    wrong = ["other counts"] if ledger.counts() != data.ledger else []
    wrong += [] if scripts == {record.script_sha256} else ["another script"]
    wrong += [] if ledger.registered_seeds() == data.job.get("seeds") else ["other seeds"]
    wrong += [] if names <= {data.name, None} else ["another job"]
    title = "Registered: this script and these seeds?"
    return answer("registered", title, is_pass(not wrong), said(wrong, "as in results.json"), "as in results.json")


def vouched_check(record: Record, ledger: Ledger) -> Check:
    """Does it carry the hash of every result?"""
    vouched, results = ledger.finished_hashes(), record.data.results
    unknown = [f"seed {result.seed}" for result in results if result_sha256(result) not in vouched]
    told = said(unknown, f"{len(results)} results")
    return answer("vouched", "Does it vouch for every result?", is_pass(not unknown), told, "by hash")


def result_sha256(result: RunResult) -> str:
    """Hash of the result.json that an attempt left: what was never written is left out, as fields come and go."""
    return sha256_bytes((result.model_dump_json(indent=2, exclude_unset=True) + "\n").encode())


def published_check(record: Record, entries: Sequence[Entry]) -> Check:
    """Does its last entry carry the hash of all that results.json says?"""
    title, limit = "Does it vouch for results.json?", "by hash, in its last entry"
    last, new = last_published(entries), any(result.evidence for result in record.data.results)
    if last is None:
        told = "no entry does, and a golf that notes hashes of logs writes one" if new else "an older golf wrote none"
        return answer("published", title, "fail" if new else "unknown", told, limit)
    raw = json_of(bounded(record.folder / RESULTS), RESULTS)
    if published_sha256(raw) != last["results_sha256"]:
        told = f"entry {last['seq']} vouches for another"
        return answer("published", title, "fail", told, limit)
    if last["seq"] != len(entries):
        told = f"entry {last['seq']} does, and {len(entries) - last['seq']} came after it"
        return answer("published", title, "fail", told, limit)
    return answer("published", title, "pass", f"entry {last['seq']}", limit)


PLACES = ("node", "host", "started_at")
"""Of a launch, that older records do not hold."""


def as_far_as_noted(launch: Launch, stored: Sequence[Launch]) -> Launch:
    """A launch of the ledger without what an older golf did not note of any."""
    noted = {name for one in stored for name in one.model_fields_set}
    return launch.model_copy(update={name: "" for name in PLACES if name not in noted})


def attempts_check(record: Record, entries: Sequence[Entry]) -> Check:
    """Are attempts, their ends and their nodes those that the ledger tells of?"""
    found, data = Findings("attempts", "Attempts as the ledger tells them?", "entries of the ledger"), record.data
    told = [as_far_as_noted(one, data.launches) for one in launches(entries)]
    found.same("launches", data.launches, told, "the ledger", sure=of_this_golf(data))
    found.require(bool(data.launches) == any(entry["kind"] == "launched" for entry in entries), "launches: others")
    found.same("stopped", data.stopped, stopped(entries), "the ledger")
    launched, finished = by_attempt(entries, "launched"), by_attempt(entries, "finished")
    reports = {plain_json(entry["report"]) for entry in entries if entry["kind"] == "checked" and "report" in entry}
    for number, result in enumerate(data.results):
        key, where = (result.seed, result.attempt), f"results.{number}"
        found.require(result.status == "failed" or key in launched, f"{where}: the ledger launched no such attempt")
        end = finished.get(key)
        if end is not None:
            found.same(f"{where}.status", result.status, end["status"], "the ledger")
        trained = None if result.training is None else result.training.attempt
        begin = launched.get(key)
        if begin is not None:
            found.same(f"{where}.training.attempt", trained, begin.get("trained_by"), "the ledger")
        for place, report in ((where, result.preflight), (f"{where}.training", result.training)):
            noted = getattr(report, "preflight", report)
            if noted is not None and reports:
                fine = plain_json(noted.model_dump(mode="json")) in reports
                found.require(fine, f"{place}.preflight: the ledger has no such report of a node")
    shown = {result.seed for result in data.results}
    missing = sorted({seed for seed, _ in launched} - shown)
    found.require(not missing, f"seed {', '.join(map(str, missing[:8]))} was launched and is not in results")
    if data.left_out is not None:
        found.same("left_out.replaced", data.left_out.replaced, replaced(entries, data.results), "the ledger")
    return found.check()


def times_check(record: Record, entries: Sequence[Entry]) -> Check:
    """Are times of day, and how long nodes were held, as the ledger has them?"""
    found = Findings("times", "Dates and hours as in the ledger?", f"times of its entries, ± {NEAR_SECONDS:g} s")
    launched, finished = by_attempt(entries, "launched"), by_attempt(entries, "finished")
    ends: dict[str, list[float]] = {}
    for number, result in enumerate(record.data.results):
        key, where = (result.seed, result.attempt), f"results.{number}"
        begin, end = launched.get(key), finished.get(key)
        if begin is not None:
            near(found, f"{where}.started_at", result.started_at, begin["time"])
        if end is not None and not end.get("late"):
            near(found, f"{where}.finished_at", result.finished_at, end["time"])
        if result.training is not None and (first := launched.get((result.seed, result.training.attempt))):
            near(found, f"{where}.training.started_at", result.training.started_at, first["time"])
        held = None if end is None else end.get("held_seconds")
        phases = [result.eval] if result.training is not None else [result.train, result.eval]
        if isinstance(held, int | float) and not (record.data.job.get("script")):
            ran = sum(phase.wall_seconds for phase in phases if phase is not None)
            told = f"{where}: its processes ran {ran:.1f} s, and it held its node for {held:.1f} s by the ledger"
            found.require(ran <= held + 1, told)
    dates = [result.finished_at[:10] for result in record.data.results]
    found.same("date", record.data.date, max(dates, default=""), "the last result")
    idle_times(found, record.data.results, entries, ends)
    return found.check()


def idle_times(
    found: Findings, results: Sequence[RunResult], entries: Sequence[Entry], ends: dict[str, list[float]]
) -> None:
    """How long nodes stood idle before a seed, by the time between two entries. ends: filled in, by node."""
    nodes = {(entry["seed"], entry["attempt"]): str(entry.get("node")) for entry in entries if is_launch(entry)}
    stood = {(result.seed, result.attempt): result.idle_seconds for result in results}
    places = {(result.seed, result.attempt): number for number, result in enumerate(results)}
    for entry in entries:
        if entry["kind"] not in ("launched", "finished"):
            continue
        key = entry["seed"], entry["attempt"]
        node, now = nodes.get(key, ""), moment(entry["time"])
        if now is None:
            continue
        if entry["kind"] == "finished":
            ends.setdefault(node, []).append(now)
        elif (idle := stood.get(key)) is not None:
            since = now - ends[node][-1] if ends.get(node) else None
            by = "no seed ended there before" if since is None else f"{since:g}"
            told = f"results.{places[key]}.idle_seconds is {idle:g}, by the ledger {by}"
            found.require(since is not None and abs(idle - since) <= NEAR_SECONDS, told)


def is_launch(entry: Entry) -> bool:
    """Whether an entry tells of an attempt's start on a node."""
    return bool(entry["kind"] == "launched")


def by_attempt(entries: Sequence[Entry], kind: str) -> dict[tuple[int, int], Entry]:
    """(seed, attempt) -> the last entry of a kind."""
    return {(entry["seed"], entry["attempt"]): entry for entry in entries if entry["kind"] == kind}


def plain_json(value: object) -> str:
    """One text for one value of JSON."""
    return json.dumps(value, sort_keys=True)


def moment(text: str) -> float | None:
    """A time of day as seconds; None where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def near(found: Findings, where: str, stored: str, other: str) -> None:
    """Whether two times of day are of one moment."""
    ours, theirs = moment(stored), moment(other)
    fine = ours is not None and theirs is not None and abs(ours - theirs) <= NEAR_SECONDS
    found.require(fine, f"{where} is {stored}, by the ledger {other}")
