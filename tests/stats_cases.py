"""Files of per-seed scores with what must come out of them: read, and flattened into single statements.

The format: `records` (name -> `val_bpb`, a list, and `nats_per_bpb`), `published_p` (candidate -> p as printed on the
public leaderboard) and `cases` (baseline, candidate, and any of STATED). Any part of it may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from runner.compare.compare import compare
from runner.results.comparisons import Arm, Comparison
from runner.results.frozen import PolicyName
from runner.statistics import GainTest, one_sample


@dataclass(frozen=True)
class Pair:
    """Two arms that a file sets against each other."""

    baseline: Arm
    candidate: Arm

    def by(self, policy: PolicyName) -> Comparison:
        return _compared(self.baseline, self.candidate, policy)


@cache
def _compared(baseline: Arm, candidate: Arm, policy: PolicyName) -> Comparison:
    return compare(baseline, candidate, policy)


@dataclass(frozen=True)
class Statement:
    """One number that a file states, and what we make of the same seeds."""

    name: str
    stated: float
    tolerance: float
    ours: Callable[[], float]


def _p(test: GainTest | None) -> float:
    assert test is not None
    return test.p


def _gain_nats(pair: Pair) -> float:
    test = pair.by("progression").test_nats
    assert test is not None
    return test.gain


def _gain_bpb(pair: Pair) -> float:
    test = pair.by("progression").test
    assert test is not None
    return test.gain


def _std(pair: Pair) -> float:
    sample = pair.by("progression").candidate_bpb
    assert sample is not None
    assert sample.std is not None
    return sample.std


def _p_against_number(pair: Pair) -> float:
    """Against the baseline's mean less the margin, which is the same as a margin of the test."""
    found = pair.by("readme")
    assert found.baseline_bpb is not None
    assert found.test is not None
    return one_sample(pair.candidate.val_bpb, found.baseline_bpb.mean - found.test.margin).p


STATED: dict[str, tuple[float, Callable[[Pair], float]]] = {
    "gain_bpb": (1e-8, _gain_bpb),
    "gain_nats_per_token": (1e-8, _gain_nats),
    "sample_std_candidate": (1e-8, _std),
    "p_welch_any_gain": (1e-6, lambda pair: _p(pair.by("progression").test)),
    "p_welch_gain_at_least_0.005_nats": (1e-6, lambda pair: _p(pair.by("readme").test)),
    "p_one_sample_vs_baseline_mean_minus_margin": (1e-6, _p_against_number),
}
"""What a case may state -> how near ours must be, and how we get it."""
IN_NATS = {"gain_nats_per_token", "p_welch_gain_at_least_0.005_nats", "p_one_sample_vs_baseline_mean_minus_margin"}
"""What cannot be told without nats_per_bpb."""
PUBLISHED_TOLERANCE = 1e-3


def read_cases(path: Path) -> dict[str, Any]:
    """The file's content; a file that is named and cannot be read is an error."""
    data = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(data, dict), f"{path.name}: is no object"
    return data


def statements(data: dict[str, Any]) -> Iterator[Statement]:
    """Every number that the file states of a pair of records."""
    for case in data.get("cases", []):
        if not known_arms(data, case):
            continue
        pair = Pair(arm(data, case["baseline"]), arm(data, case["candidate"]))
        for key, stated in case.items():
            if key in STATED and (key not in IN_NATS or pair.by("progression").nats_per_bpb):
                tolerance, ours = STATED[key]
                yield Statement(named(pair, key), float(stated), tolerance, partial(ours, pair))
    for candidate, stated in data.get("published_p", {}).items():
        known = earlier(data, candidate)
        if known is not None:
            pair = Pair(known, arm(data, candidate))
            yield Statement(
                named(pair, "published_p"),
                float(stated),
                PUBLISHED_TOLERANCE,
                partial(STATED["p_welch_any_gain"][1], pair),
            )


def named(pair: Pair, key: str) -> str:
    return f"{pair.baseline.name}-{pair.candidate.name}-{key}"


def not_checked(data: dict[str, Any]) -> list[str]:
    """What the file states and nobody here knows how to check."""
    names = {key for case in data.get("cases", []) for key in case} - set(STATED) - {"baseline", "candidate", "note"}
    lone = {f"published_p {name}" for name in data.get("published_p", {}) if earlier(data, name) is None}
    pairs = [(case, arm(data, case["candidate"])) for case in data.get("cases", []) if known_arms(data, case)]
    names |= {f"{key} of {one.name}" for case, one in pairs for key in IN_NATS & set(case) if not one.nats_per_bpb}
    names |= {f"case {number}" for number, case in enumerate(data.get("cases", [])) if not known_arms(data, case)}
    return sorted(names | lone | (set(data) - {"note", "records", "published_p", "cases"}))


def known_arms(data: dict[str, Any], case: dict[str, Any]) -> bool:
    """Whether the file has the seeds of both arms of a case."""
    sides = [case.get("baseline"), case.get("candidate")]
    return all(isinstance(side, dict | list) or str(side) in data.get("records", {}) for side in sides)


def arm(data: dict[str, Any], name: Any) -> Arm:
    """A record of the file, by its name or standing in the case itself."""
    found = data.get("records", {})[str(name)] if isinstance(name, str | int) else name
    scores = found["val_bpb"] if isinstance(found, dict) else found
    constant = found.get("nats_per_bpb") if isinstance(found, dict) else None
    return Arm(name=str(name)[:20], val_bpb=tuple(map(float, scores)), nats_per_bpb=constant)


def earlier(data: dict[str, Any], candidate: str) -> Arm | None:
    """What a published p is against: the case's baseline, else the record before it in the file."""
    records = list(data.get("records", {}))
    if candidate not in records:
        return None
    for case in data.get("cases", []):
        if known_arms(data, case) and str(case["candidate"]) == candidate:
            return arm(data, case["baseline"])
    place = records.index(candidate)
    return arm(data, records[place - 1]) if place else None
