"""Kill one part of a run at a random moment, many times, and see that nothing is lost.

    python -m tests.chaos [--trials N] [--seed N] [--json FILE] [--only DEATH] [--first N]
                          [--minutes M] [--trace]

Starts a cluster of several raylets on this machine, runs each kind of job once undisturbed, and then, trial by trial,
one of them with one death: of the script, of one of torchrun's workers, of the supervisor, of the Ray worker, of a
node's raylet, of a whole node, of the driver (which is then started again by the same command). A trial that breaks a
promise is printed with all that happened; the last lines are a table by kind of death. Exit code 1 if one did.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from runner.node.attempt import cpu_name
from tests.chaos.cluster import Raylets
from tests.chaos.jobs import FAKE, KINDS, MODEL, WORKERS, Kind, write_job
from tests.chaos.kills import DEATHS
from tests.chaos.trial import SHARE, Trial, one_trial, undisturbed
from tests.fixtures.tiny_data import make_tiny_data

SHARES = (SHARE, SHARE / 2, SHARE / 4)
"""Of the usual time a moment is drawn from so much; from less when the run had ended before it came."""
MODEL_EVERY = 7
"""One trial in so many is with the real model."""


def kind_of(number: int, death: str) -> Kind:
    """Which job a trial disturbs: each death meets the real model now and then."""
    turn = number // len(DEATHS)
    if (turn + DEATHS.index(death)) % MODEL_EVERY == MODEL_EVERY - 1:
        return MODEL
    return WORKERS if death == "torchrun worker" else FAKE


def rows(trials: list[Trial]) -> list[dict[str, Any]]:
    """The table: one row a kind of death."""
    found = []
    for death in DEATHS:
        mine = [trial for trial in trials if trial.death == death]
        times = [trial.recovery for trial in mine if trial.recovery is not None]
        if mine:
            found.append(
                {
                    "death": death,
                    "trials": len(mine),
                    "with the model": sum(trial.kind.ours for trial in mine),
                    "survived": sum(not trial.problems for trial in mine),
                    "recovery median s": round(statistics.median(times), 1) if times else None,
                    "recovery max s": round(max(times), 1) if times else None,
                    "lost lines": sum(trial.lost.lines for trial in mine),
                    "of those older than 2 s": sum(trial.lost.old for trial in mine),
                    "nothing left to kill": sum(not trial.died for trial in mine),
                }
            )
    return found


def one_row(trial: Trial) -> dict[str, Any]:
    """A trial in short."""
    return {
        "number": trial.number,
        "death": trial.death,
        "job": trial.kind.name,
        "died": trial.died,
        "problems": trial.problems,
        "recovery s": None if trial.recovery is None else round(trial.recovery, 2),
        "lost lines": trial.lost.lines,
        "seconds": round(trial.seconds, 1),
    }


def table(found: list[dict[str, Any]]) -> Table:
    """For people."""
    shown = Table(box=None, pad_edge=False)
    for name in found[0]:
        shown.add_column(name, justify="left" if name == "death" else "right")
    for row in found:
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    return shown


def main() -> None:
    """Run the trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument(
        "--seed", type=int, default=None, help="of all random moments; printed, so that it can be had again"
    )
    parser.add_argument("--json", type=Path, default=None, help="where the table goes as well")
    parser.add_argument("--only", choices=DEATHS, default=None, help="this death in every trial")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial, which its moment hangs on")
    parser.add_argument("--minutes", type=float, default=None, help="begin no trial after so long")
    parser.add_argument("--trace", action="store_true", help="tell what happened also where all went well")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(3), "big")
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(f"seed {seed}, {options.trials} trials")
    for name in (signal.SIGINT, signal.SIGTERM):  # also where a shell began us with SIGINT ignored
        signal.signal(name, lambda number, frame: sys.exit(128 + number))
    begun, load, trials = time.monotonic(), os.getloadavg()[0], []
    raylets = Raylets()
    try:
        data = make_tiny_data(raylets.folder / "data")
        numbers = range(options.first, options.first + options.trials)
        wanted = [(number, options.only or DEATHS[number % len(DEATHS)]) for number in numbers]
        needed = [kind for kind in KINDS if any(kind_of(number, death) == kind for number, death in wanted)]
        jobs = {kind.name: write_job(kind, raylets.folder, data) for kind in needed}
        usual = {}
        for kind in needed:
            usual[kind.name] = undisturbed(raylets, kind, jobs[kind.name], raylets.folder / f"usual-{kind.name}")
            console.print(f"undisturbed {kind.name}: {usual[kind.name].seconds:.1f} s")
        for number, death in wanted:
            if options.minutes is not None and time.monotonic() - begun > 60 * options.minutes:
                console.print(f"stopped before trial {number}: {options.minutes:g} minutes are over")
                break
            kind, moments = kind_of(number, death), random.Random(f"{seed}/{number}")
            for share in SHARES:
                trial = one_trial(number, death, kind, moments, raylets, jobs[kind.name], usual[kind.name], share)
                if trial.died or trial.problems:
                    break
            trials.append(trial)
            raylets.mend()
            told = "FAILED" if trial.problems else "well"
            recovered = "" if trial.recovery is None else f", lived again after {trial.recovery:.1f} s"
            console.print(
                f"trial {number} {death}, {kind.name}: {told} in {trial.seconds:.1f} s{recovered}", highlight=False
            )
            if trial.problems or options.trace:
                console.print(f"  had again by --seed {seed} --first {number} --trials 1", highlight=False)
                for line in [*(f"PROBLEM {problem}" for problem in trial.problems), *trial.trace]:
                    console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    finally:
        if all(not trial.problems for trial in trials):
            raylets.close()
        else:
            raylets.stop()
            console.print(f"kept for a look: {raylets.folder}")
    found = rows(trials)
    console.print(table(found))
    failed = sum(bool(trial.problems) for trial in trials)
    console.print(
        f"{len(trials) - failed} of {len(trials)} trials well, {time.monotonic() - begun:.0f} s, seed {seed}"
    )
    if options.json is not None:
        facts = {
            "seed": seed,
            "trials": len(trials),
            "failed": failed,
            "seconds": round(time.monotonic() - begun),
            "hardware": f"{os.cpu_count()} cores, {cpu_name()}",
            "busy before": f"{load:.1f} processes at a time in the minute before",
            "versions": {
                "python": platform.python_version(),
                "ray": metadata.version("ray"),
                "torch": metadata.version("torch"),
            },
            "deaths": found,
            "each": [one_row(trial) for trial in trials],
        }
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
