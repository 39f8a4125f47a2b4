"""From the seeds that two runs of a duel have to its outcome: which pairs count, and what the test says of them.

A pair counts where both seeds were scored, each in its turn, on one and the same node. What does not is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.compare.compare import POLICIES
from runner.compare.obstacles import paired_obstacles
from runner.compare.paired import counting, decided, measured
from runner.drive.assess import JudgedRun
from runner.duel.pairs import Pair
from runner.folder.duels import in_turn
from runner.folder.ledger import Ledger
from runner.job.spec import JobSpec
from runner.listing import listed
from runner.record.comparison_sources import arm_of_record
from runner.results.comparisons import Arm
from runner.results.duels import Duel, DuelPair, DuelSide, Side
from runner.results.frozen import PolicyName
from runner.results.runs import RunResult

TWO_NODES = "its seeds ran on two nodes"


@dataclass(frozen=True)
class Corner:
    """One side of a duel: its run, and what the ledger says of it."""

    facts: DuelSide
    run: JudgedRun
    ledger: Ledger

    def result_of(self, seed: int) -> RunResult | None:
        """The seed's result that counts."""
        return next((result for result in self.run.data.results if result.seed == seed), None)


def pair_of(pair: Pair, corners: Mapping[Side, Corner]) -> DuelPair:
    """A pair with its scores, its node, and why it does not count."""
    results = {side: corner.result_of(pair.seed) for side, corner in corners.items()}
    scores = {
        side: None if result is None or result.final_score is None else result.final_score.val_bpb
        for side, result in results.items()
    }
    hosts = list(dict.fromkeys(host for side in pair.turns for host in _hosts(results[side])))
    return DuelPair(
        number=pair.number,
        seed=pair.seed,
        first=pair.first,
        baseline_bpb=scores["baseline"],
        candidate_bpb=scores["candidate"],
        node=hosts[0] if hosts else "",
        apart_seconds=_apart(results[pair.turns[0]], results[pair.turns[1]]),
        left_out=_why_not(pair, corners, results, hosts),
    )


def _why_not(
    pair: Pair, corners: Mapping[Side, Corner], results: Mapping[Side, RunResult | None], hosts: Sequence[str]
) -> str:
    lacking = [
        side
        for side in pair.turns
        if (result := results[side]) is None or result.status != "completed" or result.final_score is None
    ]
    if lacking:
        return f"no score of the {' and the '.join(lacking)}"
    others = {"baseline": corners["candidate"].facts.run, "candidate": corners["baseline"].facts.run}
    for side in pair.turns:
        result = results[side]
        trained = None if result is None or result.training is None else result.training.attempt
        if result is None or not in_turn(
            corners[side].ledger.entries, others[side], pair.seed, result.attempt if trained is None else trained
        ):
            return f"the {side}'s seed did not run in its turn"
    if len(hosts) > 1:
        return f"{TWO_NODES}: {', '.join(hosts)}"
    return "" if hosts else "on which node it ran is not known"


def _hosts(result: RunResult | None) -> list[str]:
    """Where a seed was trained and scored."""
    if result is None:
        return []
    found = [] if result.training is None else [result.training.host.node]
    return [*found, *([] if result.host is None else [result.host.node])]


def _apart(first: RunResult | None, second: RunResult | None) -> float | None:
    """Seconds between the end of one and the start of the other; None where one is lacking or the clock was set."""
    if first is None or second is None:
        return None
    begun = second.started_at if second.training is None else second.training.started_at
    try:
        gap = (datetime.fromisoformat(begun) - datetime.fromisoformat(first.finished_at)).total_seconds()
    except (ValueError, TypeError):
        return None
    return gap if gap >= 0 else None


def same_data_order(
    one: tuple[JobSpec, int, Mapping[str, str]], other: tuple[JobSpec, int, Mapping[str, str]]
) -> bool | None:
    """Whether both read the same tokens in the same order with the same seed; None where a script is not ours.

    Each: its job, its processes, and its data's files with their hashes.
    """
    if one[0].script is not None or other[0].script is not None:
        return None
    return (one[0].config.batch, one[1], one[2]) == (other[0].config.batch, other[1], other[2])


def _arm(corner: Corner, seeds: Sequence[int]) -> Arm:
    """A side's seeds of the duel, and no others."""
    arm = arm_of_record(corner.run.data)
    kept = [place for place, seed in enumerate(arm.seeds) if seed in seeds]
    whole = len(arm.artifacts) == len(arm.seeds)
    return arm.model_copy(
        update={
            "val_bpb": tuple(arm.val_bpb[place] for place in kept),
            "seeds": tuple(arm.seeds[place] for place in kept),
            "artifacts": tuple(arm.artifacts[place] for place in kept) if whole else (),
            "unscored": 0,
        }
    )


def judge_duel(
    pairs: Sequence[Pair], corners: Mapping[Side, Corner], policy: PolicyName, *, same_order: bool | None
) -> dict[Side, Duel]:
    """The outcome, for the record of either side."""
    rule = POLICIES[policy]
    told = [pair_of(pair, corners) for pair in pairs]
    known = counting(told)
    counted_seeds = [pair.seed for pair, _, _ in known]
    baseline, candidate = (_arm(corners[side], counted_seeds) for side in ("baseline", "candidate"))
    constant = candidate.nats_per_bpb or baseline.nats_per_bpb
    figures = measured(told, rule, constant)
    obstacles = list(_obstacles(told, (baseline, candidate)))
    if rule.margin_nats and constant is None and known:
        obstacles.append("the margin is in nats/token and no seed tells what a bit per byte is in nats/token")
    elif figures["test"] is None and len(known) >= 2:
        obstacles.append("all differences are the same, so how they scatter is not known")
    duel = Duel(
        baseline=corners["baseline"].facts,
        candidate=corners["candidate"].facts,
        side="candidate",
        outcome=decided(figures["test"], obstacles, rule.alpha),
        obstacles=obstacles,
        asked=len(pairs),
        same_data_order=same_order,
        **figures,
    )
    return {"candidate": duel, "baseline": duel.model_copy(update={"side": "baseline"})}


def _obstacles(pairs: Sequence[DuelPair], arms: tuple[Arm, Arm]) -> list[str]:
    """Why these pairs cannot decide."""
    lacking = [pair.number for pair in pairs if pair.baseline_bpb is None or pair.candidate_bpb is None]
    found = [f"pair {listed(lacking)} of {len(pairs)} is not complete"] if lacking else []
    known = len(counting(pairs))
    if known < 2:
        return [*found, f"{'one pair counts' if known else 'no pair counts'}, and a test takes two"]
    return [*found, *paired_obstacles(*arms)]
