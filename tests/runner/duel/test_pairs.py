"""Which seeds a duel takes, in which order, and what its ledgers know before the first starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.duel.pairs import alternate, begin_turn, chosen_seeds, register, require_pairs
from runner.errors import UserError
from runner.folder.duels import has_turn, in_turn, open_turns
from runner.folder.ledger import Ledger
from runner.folder.ledger_check import is_known
from runner.results.duels import DuelSide, Side

FACTS: dict[Side, DuelSide] = {
    "baseline": DuelSide(job="one", run="one-00000001", script_sha256="a" * 64, job_sha256="b" * 64),
    "candidate": DuelSide(job="two", run="two-00000002", script_sha256="c" * 64, job_sha256="d" * 64),
}


@pytest.fixture
def ledgers(tmp_path: Path) -> dict[Side, Ledger]:
    return {"baseline": Ledger(tmp_path / "one.jsonl"), "candidate": Ledger(tmp_path / "two.jsonl")}


def test_pairs_go_abba() -> None:
    turns = [side[0] for pair in alternate((7, 8, 9, 10)) for side in pair.turns]
    assert "".join(turns) == "bccbbccb"


def test_named_seeds_come_first_and_none_that_is_taken() -> None:
    assert chosen_seeds((1337, 42, 2024), 5, {42, 1}) == [1337, 2024, 2, 3, 4]
    assert chosen_seeds((5, 6, 7), 2, ()) == [5, 6]


@pytest.mark.parametrize("wanted", [1, 101])
def test_a_number_that_no_duel_has_is_refused(wanted: int) -> None:
    with pytest.raises(UserError, match="from 2 to 100"):
        require_pairs(wanted)


def test_both_ledgers_hold_the_order_and_each_others_run(ledgers: dict[Side, Ledger]) -> None:
    pairs, sides = register(ledgers, FACTS, 3, (9, 4), "readme")
    assert sides == FACTS
    assert [(pair.seed, pair.first) for pair in pairs] == [(9, "baseline"), (4, "candidate"), (1, "baseline")]
    for side, other in (("baseline", "candidate"), ("candidate", "baseline")):
        (entry,) = ledgers[side].entries  # type: ignore[index]
        assert is_known(entry)
        assert (entry["kind"], entry["side"], entry["seeds"]) == ("duel", side, [9, 4, 1])
        assert entry["own"] == FACTS[side].model_dump()  # type: ignore[index]
        assert entry["other"] == FACTS[other].model_dump()  # type: ignore[index]


def test_the_same_is_found_again_and_another_is_refused(ledgers: dict[Side, Ledger]) -> None:
    pairs, _ = register(ledgers, FACTS, 3, (9, 4), "readme")
    ledgers["baseline"].append("registered", seeds=[9])
    assert register(ledgers, FACTS, 3, (9, 4), "readme") == (pairs, FACTS)
    assert [len(ledger.entries) for ledger in ledgers.values()] == [2, 1]
    with pytest.raises(UserError, match="registered with other seeds, first: 3 pairs, seed 9, 4, 1, policy readme"):
        register(ledgers, FACTS, 5, (9, 4), "readme")
    with pytest.raises(UserError, match="registered with other policy"):
        register(ledgers, FACTS, 3, (9, 4), "progression")


def test_killed_between_the_two_ledgers_the_second_is_written_later(ledgers: dict[Side, Ledger]) -> None:
    alone = {"baseline": ledgers["baseline"], "candidate": Ledger(ledgers["candidate"].path.with_name("lost.jsonl"))}
    found = register(alone, FACTS, 3, (9, 4), "readme")  # type: ignore[arg-type]
    assert register(ledgers, FACTS, 3, (9, 4), "readme") == found
    assert [len(ledger.entries) for ledger in ledgers.values()] == [1, 1]


def test_words_of_a_job_may_change_and_the_duel_stays_the_one_that_was_registered(
    ledgers: dict[Side, Ledger],
) -> None:
    found = register(ledgers, FACTS, 3, (9, 4), "readme")
    reworded = {side: facts.model_copy(update={"job_sha256": "e" * 64}) for side, facts in FACTS.items()}
    assert register(ledgers, reworded, 3, (9, 4), "readme") == found


def test_a_seed_that_has_run_is_in_no_pair(ledgers: dict[Side, Ledger]) -> None:
    ledgers["candidate"].append("registered", seeds=[9])
    assert [pair.seed for pair in register(ledgers, FACTS, 2, (9, 4), "readme")[0]] == [4, 1]


def test_a_seed_that_has_run_and_is_asked_for_is_refused(ledgers: dict[Side, Ledger]) -> None:
    ledgers["candidate"].append("registered", seeds=[9])
    with pytest.raises(UserError, match="seed 9 belongs to one of these runs already"):
        register(ledgers, FACTS, [9, 4], (), "readme")


def test_a_turn_names_the_other_ledgers_last_entry_and_stands_once(ledgers: dict[Side, Ledger]) -> None:
    pair = register(ledgers, FACTS, 2, (9, 4), "readme")[0][0]
    begin_turn(ledgers, FACTS, pair, "candidate")
    begin_turn(ledgers, FACTS, pair, "candidate")
    entries = ledgers["candidate"].entries
    assert [entry["kind"] for entry in entries] == ["duel", "turn"]
    assert entries[1]["other_hash"] == ledgers["baseline"].entries[-1]["hash"]
    assert is_known(entries[1])
    assert has_turn(entries, "one-00000001", 9)
    assert not has_turn(entries, "one-00000001", 4)
    assert open_turns(entries) == [(9, "one-00000001")]


def test_what_was_queued_before_its_turn_is_out_of_turn(ledgers: dict[Side, Ledger]) -> None:
    pair = register(ledgers, FACTS, 2, (9, 4), "readme")[0][0]
    ledgers["candidate"].append("queued", seed=9, attempt=1)
    begin_turn(ledgers, FACTS, pair, "candidate")
    ledgers["candidate"].append("queued", seed=9, attempt=2)
    entries = ledgers["candidate"].entries
    assert [in_turn(entries, "one-00000001", 9, number) for number in (1, 2, 3)] == [False, True, False]
