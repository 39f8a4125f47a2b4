"""What a person sees while seeds run: a few, and a thousand."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from runner.drive.collect import Collector
from runner.drive.progress import MOST_ROWS, Progress
from runner.drive.seed_counts import SeedCounts
from runner.folder.paths import AttemptFolder
from runner.node.messages import Event, LogChunk, Started
from tests.fixtures.results import failed_result, run_result
from tests.runner.node.test_attempt import spec_for


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def collector_of(folder: Path, seed: int) -> Collector:
    """One that has begun to train."""
    place = folder / str(seed) / "attempt-1"
    place.mkdir(parents=True)
    made = Collector(spec_for(b"", seed=seed), AttemptFolder(place))
    made.take(Started("node", "folder"))
    made.take(Event("train", "train_start", 1.0))
    made.take(LogChunk("train", b"step:10/20000 train_loss:5.9 train_time:430ms step_avg:43.00ms\n"))
    made.close()
    return made


def screen(seeds: int, clock: Clock, *, terminal: bool = False) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=100, height=30, force_terminal=terminal)
    return Progress(console, list(range(1, seeds + 1)), 60, clock), out


def shown(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(progress.table())
    return captured.get()


def test_a_few_seeds_have_a_row_each(tmp_path: Path) -> None:
    progress, _ = screen(3, Clock(), terminal=True)
    progress.update(2, collector_of(tmp_path, 2))
    lines = shown(progress).splitlines()
    assert len(lines) == 4
    assert "training" in lines[2]
    assert "5.9000" in lines[2]
    assert "0.4 / 60 s" in lines[2]


def test_a_thousand_seeds_fit_a_screen_and_every_one_is_counted(tmp_path: Path) -> None:
    progress, _ = screen(1000, Clock(), terminal=True)
    for seed in range(1, 101):
        progress.update(seed, collector_of(tmp_path, seed))
    for seed in range(1, 51):
        progress.finished(seed, run_result(seed))
    progress.finished(51, failed_result(51))
    lines = shown(progress).splitlines()
    assert len(lines) < 20
    assert lines[0].startswith("1,000 seeds: 50 completed, 1 failed, 49 running, 900 waiting; bpb ")
    assert "training" in shown(progress)
    assert "37 more that run" in lines[-1]


def test_away_from_a_terminal_a_thousand_seeds_make_a_line_now_and_then_and_one_for_each_failure(
    tmp_path: Path,
) -> None:
    clock = Clock()
    progress, out = screen(1000, clock)
    progress.opening()
    with progress:
        for seed in range(1, 101):
            clock.now += 1
            progress.update(seed, collector_of(tmp_path, seed))
            progress.finished(seed, failed_result(seed) if seed == 7 else run_result(seed))
    lines = out.getvalue().splitlines()
    assert lines[0] == "1,000 seeds: 1,000 waiting"
    assert "seed 7: failed  exit code 1" in lines
    assert 10 <= len(lines) <= 14
    assert lines[-1].startswith("1,000 seeds: 99 completed, 1 failed, 900 waiting")


@pytest.mark.parametrize("status", ["lost", "failed"])
def test_a_seed_that_is_tried_again_is_counted_once(tmp_path: Path, status: str) -> None:
    progress, _ = screen(MOST_ROWS + 1, Clock())
    progress.update(1, collector_of(tmp_path, 1))
    progress.finished(1, failed_result(1).model_copy(update={"status": status}))
    progress.update(1, collector_of(tmp_path / "again", 1))
    assert progress.rows[1].note == ""
    progress.finished(1, run_result(1))
    assert progress.counts.ended == 1
    assert progress.counts.states.total() == MOST_ROWS + 1
    assert progress.counts.line(1.0).startswith("41 seeds: 1 completed, 40 waiting")


def test_mean_and_deviation_are_those_of_the_finished_seeds() -> None:
    counts = SeedCounts(3, 0.0)
    for bpb in (1.25, 1.5, 1.75):
        counts.score(bpb)
    assert "bpb 1.50000 ± 0.25000" in counts.line(0.0)


@pytest.mark.parametrize(("ended", "seconds", "said"), [(30, 60, "30 a minute"), (3, 120, "1.5 a minute")])
def test_the_pace_is_what_ended_since_the_start(ended: int, seconds: float, said: str) -> None:
    counts = SeedCounts(50, 0.0)
    counts.ended = ended
    assert counts.line(seconds).endswith(said)
