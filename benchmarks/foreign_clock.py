"""How exactly does golf know how long somebody else's script trained, beside what the script itself knows?

    python benchmarks/foreign_clock.py [--runs N] [--cap SECONDS] [--json FILE]

Runs a small script in the official dialect that really spends its time (tests/fixtures/official_script.py): steps of
chance length, printed now and then, validations in between, the line that says it stopped only after one more. It
writes its true training time to a file that golf does not read. Each row is one run with another seed and other
habits: the truth, the interval in the record, the interval by arrival alone, and whether the truth lies in both. Exit
code 1 where it does not, or the record's interval is wider than half a second.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from runner.data.dataset import DataSet
from runner.job.external_script import OutputsSpec
from runner.job.open_data import open_requested
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Finished
from runner.results.frozen import Interval
from runner.results.phases import PhaseResult
from tests.fixtures.official_script import SCRIPT, truth_of
from tests.fixtures.tiny_data import make_tiny_data

WIDEST_S = 0.5
HABITS: tuple[dict[str, str], ...] = (
    {},
    {"VAL_LOSS_EVERY": "0"},
    {"TRAIN_LOG_EVERY": "200"},
    {"WARMUP_STEPS": "0", "STEP_S": "0.05", "VAL_LOSS_EVERY": "15"},
    {"ITERATIONS": "60"},
)
"""What users change: no validation in between, rare lines, no warm-up, an end by the number of steps."""


def run_once(seed: int, cap: float, habit: dict[str, str], data: DataSet, folder: Path) -> tuple[float, PhaseResult]:
    """One attempt; the truth in seconds, and what the record says of its training."""
    spec = AttemptSpec(
        job="clock",
        seed=seed,
        attempt=1,
        script=SCRIPT.encode(),
        artifact_name="",
        hardware="cpu",
        nproc=1,
        gpus=0,
        threads=1,
        train_seconds=cap,
        eval_seconds=60,
        stall_seconds=0,
        env={"CAP": str(cap), **habit},
        outputs=OutputsSpec(),
        alone=True,
        launcher=("-u",),
    )
    messages = list(run_attempt(spec, lambda: data, scratch=folder / "scratch"))
    last = messages[-1]
    if not isinstance(last, Finished) or last.status != "completed" or last.train is None:
        raise SystemExit(f"seed {seed}: {last}")
    return truth_of(messages), last.train


@dataclass(frozen=True)
class Row:
    """One run: seconds by the script's own file, and by the record."""

    seed: int
    habit: str
    truth: float
    record: str
    width: float
    """Of the record's interval; not finite where there is none."""
    arrival: str
    """The interval by arrival alone."""
    inside: bool
    """Whether the truth lies in both."""

    @staticmethod
    def of(seed: int, habit: dict[str, str], truth: float, train: PhaseResult) -> Row:
        """From what an attempt left."""
        clock, arrival = train.clock, train.arrival_clock or train.clock
        return Row(
            seed,
            " ".join(f"{name}={value}" for name, value in habit.items()) or "as it is",
            truth,
            shown(clock),
            math.inf if clock is None else round(clock.high - clock.low, 3),
            shown(arrival),
            all(one is not None and one.low <= truth <= one.high for one in (clock, arrival)),
        )


def shown(interval: Interval | None) -> str:
    """`1.98 to 2.05`."""
    return "none" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"


def main() -> None:
    """Run, print the table, say whether all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cap", type=float, default=2.0, help="seconds that each run trains")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        data = open_requested(make_tiny_data(Path(place) / "data"))
        for seed in range(1, given.runs + 1):
            habit = HABITS[(seed - 1) % len(HABITS)]
            rows.append(Row.of(seed, habit, *run_once(seed, given.cap, habit, data, Path(place))))
    table = Table("seed", "habit", "truth s", "in the record", "width", "by arrival alone", "truth inside")
    for row in rows:
        inside = "yes" if row.inside else "NO"
        table.add_row(
            str(row.seed), row.habit, f"{row.truth:.3f}", row.record, f"{row.width:.3f}", row.arrival, inside
        )
    Console(width=140).print(table)
    good = sum(row.inside and row.width <= WIDEST_S for row in rows)
    print(f"{good} of {len(rows)} runs: the truth inside, at most {WIDEST_S} s wide")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    sys.exit(good != len(rows))


if __name__ == "__main__":
    main()
