"""Which seeds a duel runs and in which order, and the entries by which both ledgers know before the first starts.

Pairs alternate: baseline and candidate, candidate and baseline, and so on (ABBA). A drift in time then adds to either
job alike, and what running second does to a score can be told from the gain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import UserError
from runner.folder.duels import KIND, TURN, has_turn, registered_duel, seeds_before
from runner.folder.ledger import Ledger
from runner.listing import counted, listed
from runner.results.duels import DuelSide, Side
from runner.results.frozen import PolicyName

MOST_PAIRS = 100
SIDES: tuple[Side, Side] = ("baseline", "candidate")


@dataclass(frozen=True)
class Pair:
    """One seed of both jobs."""

    number: int
    """From 1."""
    seed: int
    first: Side

    @property
    def turns(self) -> tuple[Side, Side]:
        """Both sides in their order."""
        return SIDES if self.first == "baseline" else SIDES[::-1]


def alternate(seeds: Sequence[int]) -> list[Pair]:
    """A pair for each seed; odd ones begin with the baseline."""
    return [Pair(number, seed, SIDES[(number - 1) % 2]) for number, seed in enumerate(seeds, start=1)]


def chosen_seeds(named: Sequence[int], wanted: int, taken: Iterable[int]) -> list[int]:
    """The first `wanted` seeds that are not `taken`: those that the candidate's job names, then 1, 2, 3 and so on."""
    gone = set(taken)
    found: list[int] = []
    for seed in (*named, *range(1, wanted + len(named) + len(gone) + 1)):
        if seed not in gone and len(found) < wanted:
            gone.add(seed)
            found.append(seed)
    return found


def require_pairs(wanted: int) -> None:
    """UserError for a number of pairs that no duel has."""
    if not 2 <= wanted <= MOST_PAIRS:
        raise UserError(
            f"--pairs {wanted}: from 2 to {MOST_PAIRS}; a test takes two, and five or more show something"
        )


def register(
    ledgers: Mapping[Side, Ledger],
    sides: Mapping[Side, DuelSide],
    wanted: Sequence[int] | int,
    named: Sequence[int],
    policy: PolicyName,
) -> tuple[list[Pair], Mapping[Side, DuelSide]]:
    """The duel's pairs and both jobs, which both ledgers hold from now on, as they were when that was first done.

    wanted: seeds, or how many. named: seeds that the candidate's job names. UserError where the ledgers hold other
    pairs, or seeds ran before.
    """
    other: dict[Side, str] = {"baseline": sides["candidate"].run, "candidate": sides["baseline"].run}
    taken = {seed for side in SIDES for seed in seeds_before(ledgers[side].entries, other[side])}
    if isinstance(wanted, int):
        seeds = chosen_seeds(named, wanted, taken)
    else:
        seeds = list(wanted)
        if clash := [seed for seed in seeds if seed in taken]:
            raise UserError(
                f"seed {listed(clash)} belongs to one of these runs already: a pair runs one right after the other; "
                "give seeds that have not run, or --pairs N alone, which takes such"
            )
    pairs = alternate(seeds)
    known = {side: registered_duel(ledgers[side].entries, other[side]) for side in SIDES}
    for entry in known.values():
        if entry is not None:  # words of a job may have changed since; what decides its results has not
            beside: Side = "candidate" if entry["side"] == "baseline" else "baseline"
            sides = {entry["side"]: DuelSide(**entry["own"]), beside: DuelSide(**entry["other"])}
    for side, entry in known.items():
        made = _entry(side, sides, pairs, policy)
        if entry is None:
            ledgers[side].append(KIND, **made)
        elif differ := [name for name, value in made.items() if entry.get(name) != value]:
            raise UserError(
                f"{ledgers[side].path}: this duel was registered with other {', '.join(differ)}: "
                f"{counted(len(entry['seeds']), 'pair')}, seed {listed(entry['seeds'])}, policy {entry['policy']}. "
                "It cannot change once scores may be seen: ask for the same again, or give a job another name"
            )
    return pairs, sides


def _entry(side: Side, sides: Mapping[Side, DuelSide], pairs: Sequence[Pair], policy: PolicyName) -> dict[str, Any]:
    other = sides["candidate" if side == "baseline" else "baseline"]
    return {
        "side": side,
        "seeds": [pair.seed for pair in pairs],
        "first": [pair.first for pair in pairs],
        "policy": policy,
        "own": sides[side].model_dump(mode="json"),
        "other": other.model_dump(mode="json"),
    }


def begin_turn(ledgers: Mapping[Side, Ledger], sides: Mapping[Side, DuelSide], pair: Pair, side: Side) -> None:
    """Note that it is a side's turn, unless that stands there; the other ledger's last hash says what came before."""
    beside: Side = "candidate" if side == "baseline" else "baseline"
    ledger, other = ledgers[side], sides[beside].run
    if not has_turn(ledger.entries, other, pair.seed):
        last = ledgers[beside].entries[-1]["hash"]
        ledger.append(TURN, pair=pair.number, seed=pair.seed, other_run=other, other_hash=last)
