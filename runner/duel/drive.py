"""Two planned jobs, turn by turn, each turn a seed that runs as `golf run` runs it, to the duel's outcome.

State is in the two run folders and their ledgers, as of any run: the same command goes on where it was killed, and a
seed that has ended is never run again. Writing records is the caller's step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from runner.backends.backend import Backend
from runner.budget.gate import Gate
from runner.drive.assess import JudgedRun, assess, counted_result, publish
from runner.drive.driver import Observe
from runner.drive.opened_run import opened_run
from runner.drive.run import run_seeds
from runner.drive.which_run import job_sha256, run_name
from runner.duel.judge import Corner, judge_duel, same_data_order
from runner.duel.pairs import SIDES, Pair, begin_turn, register
from runner.errors import UserError
from runner.files import write_atomic
from runner.folder.held import held
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.job.load import with_seeds
from runner.job.open_data import DataRequest
from runner.job.spec import resolved, without_folders
from runner.plan.plan import Plan
from runner.plan.run_time import gate_of
from runner.printable import print_line
from runner.results.duels import DuelSide, Side
from runner.results.frozen import PolicyName
from runner.results.runs import RunResult
from runner.script.bundle import Script
from runner.sinks.sinks import Sinks
from runner.sinks.told import opening, verdict

Make = Callable[[Side, str], Callable[[DataRequest], Backend]]
"""What runs a side's turn, on the host of that name where it lives."""


@dataclass(frozen=True)
class Entrant:
    """One side's job, planned."""

    plan: Plan
    script: Script

    @property
    def run(self) -> str:
        """Its run folder's name."""
        return run_name(self.plan, self.script)

    @property
    def facts(self) -> DuelSide:
        """How a record names it."""
        return DuelSide(
            job=self.plan.job.name,
            run=self.run,
            script_sha256=self.script.sha256,
            job_sha256=job_sha256(self.plan),
        )


def run_duel(
    entrants: Mapping[Side, Entrant],
    wanted: Sequence[int] | int,
    policy: PolicyName,
    root: Path,
    console: Console,
    make: Make,
    way: Mapping[str, str | bool] | None = None,
    observe: Mapping[Side, Observe | None] | None = None,
    sinks: Mapping[Side, Sinks] | None = None,
) -> dict[Side, JudgedRun]:
    """Run planned jobs to their verdicts and the duel's outcome; see the module's first lines.

    observe, sinks: of each side, as of any run (runner.drive.run).
    """
    listeners = sinks or {side: Sinks() for side in SIDES}
    with ExitStack() as stack:
        opened = {}
        for side in sorted(SIDES, key=lambda side: entrants[side].run):  # in one order, whoever else takes both
            entrant = entrants[side]
            opened[side] = stack.enter_context(opened_run(entrant.plan, entrant.script, root, console, way))
        ledgers = {side: opened[side][1] for side in SIDES}
        now = {side: entrants[side].facts for side in SIDES}
        pairs, sides = register(ledgers, now, wanted, entrants["candidate"].plan.job.seeds, policy)
        named = {side: _with_seeds(entrants[side], pairs) for side in SIDES}
        for side in SIDES:
            write_atomic(opened[side][0].job, json.dumps(named[side].plan.resolved, indent=2) + "\n")
        gates = {side: _gate(named[side], *opened[side]) for side in SIDES}
        for side in SIDES:
            job, patterns = named[side].plan.job, list[str]()
            if job.script is not None:
                patterns = [job.outputs.step]
            listeners[side].tell(opening(named[side].run, without_folders(named[side].plan.resolved), patterns))

        def turn(side: Side, seed: int, host: str) -> None:
            entrant, watch = named[side], (observe or {}).get(side)
            folder, ledger = opened[side]
            run_seeds(
                entrant.plan,
                entrant.script,
                folder,
                ledger,
                console,
                [seed],
                make(side, host),
                watch,
                sinks=listeners[side],
                gate=gates[side],
            )

        _drive(named, pairs, opened, sides, console, turn)
        done = {side: assess(named[side].plan, named[side].script, opened[side][0], ledgers[side]) for side in SIDES}
        corners = {side: Corner(sides[side], done[side], ledgers[side]) for side in SIDES}
        one, other = (
            (entrants[side].plan.job, entrants[side].plan.nproc, entrants[side].plan.data.facts.files)
            for side in SIDES
        )
        outcome = judge_duel(pairs, corners, policy, same_order=same_data_order(one, other))
        for side in SIDES:
            data = done[side].data.model_copy(update={"duel": outcome[side]})
            write_atomic(opened[side][0].duel, outcome[side].model_dump_json(indent=2) + "\n")
            publish(ledgers[side], data)
            done[side] = replace(done[side], data=data)
            listeners[side].tell(verdict(data))
        return done


def _gate(entrant: Entrant, folder: RunFolder, ledger: Ledger) -> Gate | None:
    """What keeps a side within its job's budget, if that has one; UserError where its seeds cannot be within it."""
    spent = list(held(folder, ledger.entries))
    gate = gate_of(entrant.plan, spent)
    if gate is not None and not spent and not gate.fits(gate.expected()):
        raise UserError(f"{entrant.run}: {gate.refusal()}")
    return gate


def _with_seeds(entrant: Entrant, pairs: Sequence[Pair]) -> Entrant:
    """The same for the duel's seeds, which run one at a time whatever the job says."""
    job = with_seeds(entrant.plan.job, [pair.seed for pair in pairs])
    return replace(entrant, plan=replace(entrant.plan, job=job, resolved=resolved(job), concurrent=1))


def _drive(
    entrants: Mapping[Side, Entrant],
    pairs: Sequence[Pair],
    opened: Mapping[Side, tuple[RunFolder, Ledger]],
    sides: Mapping[Side, DuelSide],
    console: Console,
    turn: Callable[[Side, int, str], None],
) -> None:
    """Take the turns that are not over yet, until one comes to nothing."""
    ledgers = {side: opened[side][1] for side in SIDES}

    def result_of(side: Side, seed: int) -> RunResult | None:
        folder, ledger = opened[side]
        return counted_result(folder, seed, entrants[side].script.sha256, ledger.finished_hashes())

    last = ""
    for pair in pairs:
        for side in pair.turns:
            found = result_of(side, pair.seed)
            beside = result_of("candidate" if side == "baseline" else "baseline", pair.seed)
            if found is None or found.status != "completed":
                begin_turn(ledgers, sides, pair, side)
                name = entrants[side].plan.job.name
                print_line(console, f"pair {pair.number} of {len(pairs)}, seed {pair.seed}: {side} {name}")
                host = beside.host.node if beside is not None and beside.host is not None else last
                turn(side, pair.seed, host)
                found = result_of(side, pair.seed)
            if found is None or found.status != "completed":
                print_line(
                    console,
                    f"pair {pair.number} is not complete, so the duel ends here; mend what is wrong, and the same "
                    "command goes on",
                )
                return
            last = last if found.host is None else found.host.node
