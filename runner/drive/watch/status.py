"""Where runs stand, read from their folders: one row a seed. What a log says is shown as it says it.

Of a run of many seeds (CROWD) the ledger alone is read, and the folders of those seeds only that have a row: some
that run and some that ended badly.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.drive.collect import LIST, read_result
from runner.errors import UserError
from runner.files import sha256_file
from runner.folder.launches import stopped
from runner.folder.ledger import check_chain, seeds_of
from runner.folder.paths import AttemptFolder, RunFolder
from runner.folder.recorded import record_of
from runner.folder.runs import driver_of
from runner.folder.trainings import train_log
from runner.listing import listed
from runner.live.noted import noted
from runner.live.phase_words import doing, events_in
from runner.live.run_facts import live_facts
from runner.live.seed_state import SeedState
from runner.live.tails import Told, told_by
from runner.logs.log_facts import BPB, live_bpb_told, warm_up_told
from runner.logs.loss_curves import thinned
from runner.results.runs import RunResult

CROWD = 40
"""As many seeds of a run have a row of their own."""
CROWD_ROWS = 10
"""Rows, of more, for those that run and for those that ended badly."""
RUN_WIDTH = 28
"""Columns that a run's name keeps for itself, so that it stays whole beside long reasons."""
BAD = ("failed", "timeout", "lost")
"""Ends of an attempt that leave its seed without a score."""
TAIL_LINES = 15
"""Lines of a log that tell why it ended."""
TOLD = ("seed", "attempt", "state", "step", "loss", "bpb", "clock", "note", "clock_low", "bpb_told")
"""Of a seed's state what a program is told as it is."""
MOST_LOSSES = 60
"""Points of a seed's loss that are told."""


def entries_of(run: RunFolder) -> list[dict[str, Any]]:
    """The run's ledger, none before there is one; a line that is just being written is not there yet.

    UserError where its chain is broken: what stands in it says nothing then.
    """
    try:
        return check_chain(run.ledger, unfinished_ok=True)
    except FileNotFoundError:
        return []


def run_state(run: RunFolder) -> str:
    """Whether a driver is at work on the run; of one that has ended, its verdict, or that nobody goes on with it."""
    driver = driver_of(run)
    lives = None if driver is None else driver.lives()
    if driver is not None and lives is None:
        return f"driver on {driver.host}, not seen from here"
    if lives:
        return "running"
    recorded = record_of(run)
    return recorded.verdict if recorded else "no driver"


def driver_vanished(run: RunFolder) -> bool:
    """Whether a driver ended without a word of its own: killed, or its machine went down."""
    driver = driver_of(run)
    return driver is not None and not driver.ended and driver.lives() is False


def seed_states(run: RunFolder) -> list[SeedState]:
    """Every registered seed of a run, in the order of registration."""
    alive = run_state(run) == "running"
    return [_seed_state(run, seed, entry, alive) for seed, entry in last_entries(run).items()]


def last_entries(run: RunFolder) -> dict[int, dict[str, Any] | None]:
    """Every registered seed, in the order of registration -> the last that the ledger says of it.

    What was queued and withdrawn leaves the seed as it stood before; where that is nowhere and the ledger says why,
    that it was withdrawn is all that is said of it.
    """
    entries = entries_of(run)
    last: dict[int, dict[str, Any] | None] = {}
    before: dict[int, dict[str, Any] | None] = {}
    for entry in entries:
        if entry["kind"] == "queued":
            before[entry["seed"]] = last.get(entry["seed"])
        if entry["kind"] == "withdrawn":
            never = entry if "reason" in entry else None
            last[entry["seed"]] = before.get(entry["seed"]) or never
        elif "seed" in entry and entry["kind"] != "trained":
            last[entry["seed"]] = entry
    return {seed: last.get(seed) for seed in seeds_of(entries)}


def crowd(run: RunFolder, last: dict[int, dict[str, Any] | None]) -> tuple[str, list[SeedState]]:
    """How many of a run's seeds stand where, and the rows of some: those that run, and those that ended badly."""
    alive = run_state(run) == "running"
    words = {seed: _ledger_word(entry, alive) for seed, entry in last.items()}
    counts = ", ".join(f"{count:,} {word}" for word, count in Counter(words.values()).most_common())
    busy = [seed for seed, word in words.items() if word == "running"]
    bad = [seed for seed, word in words.items() if word in BAD]
    shown = [*busy[:CROWD_ROWS], *bad[:CROWD_ROWS]]
    return counts, [_seed_state(run, seed, last[seed], alive) for seed in shown]


def _ledger_word(entry: dict[str, Any] | None, alive: bool) -> str:
    kind = "" if entry is None else entry["kind"]
    if entry is not None and kind == "finished":
        return str(entry["status"])
    if kind == "launched":
        return "running" if alive else "interrupted"
    if kind == "withdrawn":
        return "not started"
    if kind == "queued":
        return "waiting" if alive else "interrupted"
    return "waiting" if alive else "not started"


def _seed_state(run: RunFolder, seed: int, entry: dict[str, Any] | None, alive: bool) -> SeedState:
    if entry is None:
        return SeedState(run.path.name, seed, None, "waiting" if alive else "not started")
    if entry["kind"] == "withdrawn":
        return SeedState(run.path.name, seed, None, "not started", note=str(entry["reason"]).split(":")[0])
    folder = run.attempt(seed, entry["attempt"])
    vouched = entry.get("result_sha256")
    result = _result_of(folder.result, vouched)
    if vouched is not None and result is None:
        return SeedState(run.path.name, seed, folder.number, "unknown", note="its result is not the ledger's")
    if result is not None:
        return _ended_state(run, seed, folder, result)
    if entry["kind"] == "queued":
        return SeedState(run.path.name, seed, folder.number, "waiting for a node" if alive else "interrupted")
    if alive and entry["kind"] != "launched":
        return SeedState(run.path.name, seed, folder.number, "waiting")
    told = told_of(run, seed, folder)
    facts = told.facts
    gone = "its driver is gone" if driver_vanished(run) else ""
    where = f"on node {str(entry.get('node', ''))[:8]}" if alive else gone
    phase = "eval" if folder.log("eval").exists() else "train"
    happened = {event for process, event in events_in(folder.events) if process == phase}
    word = doing(phase, happened, stepped="steps" in facts)
    state = (warm_up_told(facts) if phase == "train" else "") or word if alive else "interrupted"
    return SeedState(
        run.path.name,
        seed,
        folder.number,
        state,
        facts.get("steps"),
        facts.get("train_loss"),
        facts.get("live_val_bpb"),
        facts.get("train_seconds"),
        where,
        bpb_told=live_bpb_told(facts),
        losses=thinned(told.losses, MOST_LOSSES),
        size=facts.get("total_bytes"),
        size_forecast=facts.get("forecast_total"),
        size_forecast_percent=facts.get("forecast_percent"),
    )


def _ended_state(run: RunFolder, seed: int, folder: AttemptFolder, result: RunResult) -> SeedState:
    """A seed whose newest attempt has a result that counts."""
    final, clock = result.final_score, result.train.clock if result.train else None
    return SeedState(
        run.path.name,
        seed,
        folder.number,
        result.status,
        result.log.steps,
        final.val_loss if final else None,
        final.val_bpb if final else None,
        clock.high if clock else None,
        result.reason.splitlines()[0] if result.reason else "",
        clock.low if clock else None,
        losses=thinned(told_of(run, seed, folder).losses, MOST_LOSSES),
        size=None if result.artifact is None else result.artifact.bytes + result.code_bytes,
    )


def _result_of(path: Path, vouched: str | None) -> RunResult | None:
    """The stored result, if it is the one that the ledger vouches for, or the ledger says nothing of one yet."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _result_as_it_is(path, vouched, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=1024)
def _result_as_it_is(path: Path, vouched: str | None, state: tuple[int, int, int]) -> RunResult | None:
    """state: of the file, for which its content is remembered: who looks again and again reads it once."""
    result = read_result(path)
    return None if result is None or vouched not in (None, sha256_file(path)) else result


def told_of(run: RunFolder, seed: int, folder: AttemptFolder) -> Told:
    """What the log of the training that an attempt scores says."""
    known = noted(run)
    return told_by(train_log(run, seed, folder), () if known is None else known.own)


def status_table(runs: Sequence[RunFolder]) -> Table:
    """All seeds of some runs for people."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    longest = max((len(run.path.name) for run in runs), default=0)
    for title in ("run", "it is", "seed", "try", "state", "step", "loss", BPB, "train s", ""):
        number = title in ("seed", "try", "step", "loss", BPB, "train s")
        # What a verb takes as a run's name is shown whole, however narrow the terminal.
        table.add_column(
            title,
            justify="right" if number else "left",
            overflow="fold" if title == "run" else "ellipsis",
            min_width=min(RUN_WIDTH, longest) if title == "run" else None,
        )
    for run in runs:
        name, driver = run.path.name, run_state(run)
        try:
            last = last_entries(run)
        except UserError as error:
            table.add_row(Text(name), Text(driver), "", "", Text("unknown"), *[""] * 4, Text(str(error)))
            continue
        if not last:
            table.add_row(Text(name), Text(driver), "", "", Text("no seed is registered"))
        if len(last) > CROWD:
            counts, states = crowd(run, last)
            table.add_row(Text(name), Text(driver), f"{len(last):,}", "", Text(counts))
            name = driver = ""
        else:
            states = [_seed_state(run, seed, entry, driver == "running") for seed, entry in last.items()]
        for state in states:
            cells = (name, driver, str(state.seed), _shown(state.attempt), state.state, _shown(state.step))
            ends = dict.fromkeys(filter(None, (_shown(state.clock_low, 1), _shown(state.clock, 1))))
            numbers = (_shown(state.loss, 4), state.bpb_told or _shown(state.bpb, 4), " to ".join(ends))
            table.add_row(*(Text(cell) for cell in (*cells, *numbers, state.note)))
            name = driver = ""
    return table


def advice(runs: Sequence[RunFolder], output: Path) -> list[str]:
    """Of runs that were stopped, why; of those in which a seed ended badly, how to see the last lines of its log."""
    told = []
    for run in runs:
        try:
            last, why = last_entries(run), stopped(entries_of(run))
        except UserError:
            continue
        told += [f"{run.path.name} was stopped: {why}"] if why else []
        if recorded := record_of(run):
            told.append(f"{run.path.name}: {recorded.verdict}, its record: {output / recorded.place}")
        bad = [seed for seed, entry in last.items() if entry is not None and entry.get("status") in BAD]
        if bad:
            others = f"; the same with {listed(bad[1:])}" if len(bad) > 1 else ""
            told.append(f"how the log of seed {bad[0]} ends: {tail_command(run.path.name, bad[0], output)}{others}")
            told += left_behind(run, bad[:CROWD_ROWS])
    return told


def status_facts(runs: Sequence[RunFolder], output: Path) -> dict[str, Any]:
    """The same as plain data: every seed of every run, without rounding."""
    return {"runs": [_run_facts(run, output) for run in runs]}


def _run_facts(run: RunFolder, output: Path) -> dict[str, Any]:
    recorded = record_of(run)
    facts: dict[str, Any] = {
        "run": run.path.name,
        "folder": str(run.path),
        "state": run_state(run),
        "verdict": recorded.verdict if recorded else None,
        "record": str(output / recorded.place) if recorded else None,
    }
    try:
        states, entries = seed_states(run), entries_of(run)
    except UserError as error:
        return {**facts, "problem": str(error), "seeds": []}
    driver = driver_of(run)
    whole, each = live_facts(run, entries, states, local=driver is not None and driver.local)
    seeds = [
        {**{name: getattr(state, name) for name in TOLD}, **more} for state, more in zip(states, each, strict=True)
    ]
    return {**facts, "stopped": stopped(entries) or None, **whole, "seeds": seeds}


def left_behind(run: RunFolder, seeds: Sequence[int]) -> list[str]:
    """Where that lies which seeds' newest attempts left instead of an artifact, a line for each that did."""
    lists = [(seed, attempt.left / LIST) for seed in seeds for attempt in run.attempts(seed)[-1:]]
    return [f"seed {seed} left no artifact; what it left: {path}" for seed, path in lists if path.is_file()]


def tail_command(run: str, seed: int, output: Path) -> str:
    """What to type to see how a seed's log ends."""
    there = "" if output == Path() else f" --output {shlex.quote(str(output))}"
    return f"golf logs {run}/{seed} --tail {TAIL_LINES}{there}"


def _shown(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
