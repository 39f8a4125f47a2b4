"""`golf verify`, the duel: does what a record says of its pairs follow from its own results, ledger and scores?

The other job's scores are its own record's: here only what is worked out from them is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runner.compare.compare import POLICIES
from runner.compare.paired import decided, measured
from runner.folder.duels import has_turn, registered_duel
from runner.record.answers import Findings
from runner.record.folder import Record, of_this_golf
from runner.results.duels import Duel
from runner.results.record import RecordData
from runner.results.verdicts import Check


def duel_checks(record: Record, entries: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """One answer for a record that tells of a duel, or none. entries: its ledger's."""
    data = record.data
    if data.duel is None:
        return
    found = Findings("duel", "The duel as ledger and scores have it?", "worked out anew")
    _sides(found, record, data.duel, entries)
    _scores(found, data, data.duel)
    figures = measured(data.duel.pairs, POLICIES[data.duel.policy], data.duel.nats_per_bpb)
    for name, wanted in figures.items():
        found.same(f"duel.{name}", getattr(data.duel, name), wanted, "its pairs", sure=of_this_golf(data))
    wanted = decided(figures["test"], data.duel.obstacles, data.duel.alpha)
    found.same("duel.outcome", data.duel.outcome, wanted, "its test")
    yield found.check()


def _sides(found: Findings, record: Record, duel: Duel, entries: Sequence[dict[str, Any]]) -> None:
    """Both jobs by their hashes, and the order that was registered."""
    own, other = (duel.candidate, duel.baseline) if duel.side == "candidate" else (duel.baseline, duel.candidate)
    found.same("duel, this record's run", own.run, record.data.run, "the record")
    found.same("duel, this record's script", own.script_sha256, record.script_sha256, "the script")
    entry = registered_duel(entries, other.run)
    if entry is None:
        found.require(False, f"duel: the ledger knows of none with {other.run}")
        return
    wanted = {
        "side": duel.side,
        "policy": duel.policy,
        "own": own.model_dump(mode="json"),
        "other": other.model_dump(mode="json"),
    }
    for name, value in wanted.items():
        found.same(f"duel, {name}", value, entry.get(name), "the ledger")
    found.same("duel, its seeds", [pair.seed for pair in duel.pairs], entry.get("seeds"), "the ledger")
    found.same("duel, its order", [pair.first for pair in duel.pairs], entry.get("first"), "the ledger")
    found.same("duel.asked", duel.asked, len(duel.pairs), "its pairs")
    for pair in duel.pairs:
        counts = not pair.left_out and not has_turn(entries, other.run, pair.seed)
        found.require(not counts, f"duel: the ledger knows no turn of seed {pair.seed}")


def _scores(found: Findings, data: RecordData, duel: Duel) -> None:
    """This record's own scores, as its results have them."""
    scores = {one.seed: None if one.final_score is None else one.final_score.val_bpb for one in data.results}
    for pair in duel.pairs:
        said = pair.candidate_bpb if duel.side == "candidate" else pair.baseline_bpb
        found.same(f"duel, seed {pair.seed}", said, scores.get(pair.seed), "the results")
