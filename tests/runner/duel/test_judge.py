"""Which pairs count: both seeds scored, each in its turn, on one node; and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.drive.assess import JudgedRun
from runner.duel.judge import Corner, judge_duel, pair_of
from runner.duel.pairs import Pair, begin_turn, register
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.results.duels import Duel, Side
from runner.results.runs import RunResult
from runner.script.bundle import Script
from tests.fixtures.results import SCRIPT, SCRIPT_SHA256, record, run_result, score
from tests.runner.duel.test_pairs import FACTS

SEEDS = (1337, 42, 2024)


def result(seed: int, loss: float, node: str = "pod-1", **changes: object) -> RunResult:
    made = run_result(seed, **changes)
    assert made.host is not None
    assert made.artifact is not None
    return made.model_copy(
        update={
            "host": made.host.model_copy(update={"node": node}),
            "final_score": score(loss),
            "artifact": made.artifact.model_copy(update={"sha256": f"{loss:.6f}".replace(".", "0") * 8}),
        }
    )


LOSSES: dict[Side, tuple[float, ...]] = {"baseline": (3.70, 3.69, 3.71), "candidate": (3.681, 3.6705, 3.6902)}


def corners(
    tmp_path: Path, results: dict[Side, list[RunResult]], *, in_turn: bool = True
) -> tuple[list[Pair], dict[Side, Corner]]:
    """Two runs as their ledgers would have them. in_turn: whether seeds were queued after their turns had come."""
    ledgers: dict[Side, Ledger] = {side: Ledger(tmp_path / f"{side}.jsonl") for side in FACTS}
    pairs, _ = register(ledgers, FACTS, 3, SEEDS, "readme")
    for pair in pairs:
        for side in pair.turns:
            if in_turn:
                begin_turn(ledgers, FACTS, pair, side)
            ledgers[side].append("queued", seed=pair.seed, attempt=1)
    found: dict[Side, Corner] = {}
    for side, facts in FACTS.items():
        data = record().model_copy(update={"results": results[side], "run": facts.run, "name": facts.job})
        run = JudgedRun(data, RunFolder(tmp_path), Script(SCRIPT, "", SCRIPT_SHA256), {}, None)
        found[side] = Corner(facts, run, ledgers[side])
    return pairs, found


def both(**changes: list[RunResult]) -> dict[Side, list[RunResult]]:
    made: dict[Side, list[RunResult]] = {
        side: [result(seed, loss) for seed, loss in zip(SEEDS, losses, strict=True)]
        for side, losses in LOSSES.items()
    }
    return {side: changes.get(side, some) for side, some in made.items()}


def judged(tmp_path: Path, results: dict[Side, list[RunResult]], *, in_turn: bool = True) -> Duel:
    pairs, found = corners(tmp_path, results, in_turn=in_turn)
    return judge_duel(pairs, found, "readme", same_order=True)["candidate"]


def test_three_sound_pairs_decide(tmp_path: Path) -> None:
    found = judged(tmp_path, both())
    assert [pair.left_out for pair in found.pairs] == ["", "", ""]
    assert (found.outcome, found.obstacles) == ("holds", [])
    assert found.test_nats is not None
    assert found.test_nats.gain == pytest.approx((0.019 + 0.0195 + 0.0198) / 3)


def test_a_pair_on_two_nodes_is_marked_and_left_out(tmp_path: Path) -> None:
    moved = [result(1337, 3.70), result(42, 3.69, "pod-2"), result(2024, 3.71)]
    found = judged(tmp_path, both(baseline=moved))
    assert found.pairs[1].left_out == "its seeds ran on two nodes: pod-1, pod-2"
    assert (found.test is not None and found.test.df, found.outcome) == (1, "holds")
    assert [(node.node, node.pairs) for node in found.nodes] == [("pod-1", 2)]


def test_a_seed_that_ran_before_its_turn_does_not_count(tmp_path: Path) -> None:
    found = judged(tmp_path, both(), in_turn=False)
    assert {pair.left_out for pair in found.pairs} == {
        "the baseline's seed did not run in its turn",
        "the candidate's seed did not run in its turn",
    }
    assert found.outcome == "undecided"
    assert found.obstacles[0] == "no pair counts, and a test takes two"


def test_a_pair_that_is_not_complete_leaves_it_undecided(tmp_path: Path) -> None:
    found = judged(tmp_path, both(candidate=[result(1337, 3.681), result(42, 3.6705)]))
    assert found.pairs[2].left_out == "no score of the candidate"
    assert (found.outcome, found.obstacles) == ("undecided", ["pair 3 of 3 is not complete"])
    assert found.test is not None


def test_one_artifact_in_both_is_no_pair(tmp_path: Path) -> None:
    found = judged(tmp_path, both(candidate=both()["baseline"]))
    assert found.outcome == "undecided"
    assert any("same artifact" in reason for reason in found.obstacles)


def test_the_time_between_two_turns_is_told(tmp_path: Path) -> None:
    first = result(1337, 3.70, started_at="2026-01-01T10:00:00Z", finished_at="2026-01-01T10:10:00Z")
    second = result(1337, 3.681, started_at="2026-01-01T10:10:21Z", finished_at="2026-01-01T10:20:00Z")
    pairs, found = corners(tmp_path, both(baseline=[first], candidate=[second]))
    assert pair_of(pairs[0], found).apart_seconds == 21
    swapped = {"baseline": found["candidate"], "candidate": found["baseline"]}
    assert pair_of(pairs[0], swapped).apart_seconds is None  # type: ignore[arg-type]
