"""What a person sees while seeds run: a few, and a thousand."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.backends.nodes import Need
from runner.drive.collect import Collector
from runner.drive.watch.progress import MOST_ROWS, Progress
from runner.drive.watch.seed_counts import SeedCounts
from runner.folder.paths import AttemptFolder
from runner.job.external_script import OutputsSpec
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest
from runner.live.ahead import Ahead
from runner.node.messages import Event, LogChunk, Started
from tests.fixtures.results import failed_result, run_result
from tests.runner.drive.test_run import plan_for
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


HEAD = b"train_batch_tokens:524288 train_seq_len:1024 iterations:20000 warmup_steps:20 max_wallclock_seconds:600\n"


def warming(folder: Path, seed: int, *lines: bytes) -> Collector:
    """One that is in its warm-up."""
    place = folder / str(seed) / "attempt-1"
    place.mkdir(parents=True)
    made = Collector(spec_for(b"", seed=seed), AttemptFolder(place))
    for message in (Started("node", "folder"), LogChunk("train", HEAD), Event("train", "warmup_start", 1.0)):
        made.take(message)
    made.take(LogChunk("train", b"".join(lines)))
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


def test_a_validation_while_it_trains_is_named_and_has_its_step(tmp_path: Path) -> None:
    place = tmp_path / "attempt-1"
    place.mkdir()
    made = Collector(spec_for(b"", seed=1), AttemptFolder(place))
    for message in (
        Started("node", "folder"),
        Event("train", "train_start", 1.0),
        LogChunk("train", b"step:1000/20000 val_loss:2.2 val_bpb:1.3 train_time:43000ms step_avg:43.00ms\n"),
        LogChunk("train", b"step:1500/20000 train_loss:2.1 train_time:64500ms step_avg:43.00ms\n"),
    ):
        made.take(message)
    made.close()
    table, _ = screen(1, Clock(), terminal=True)
    table.update(1, made)
    head, row = shown(table).splitlines()
    assert "bpb @step" in head
    assert "1,500  2.1000  1.3000 @1,000  64.5 / 60 s" in row
    lines, out = screen(1, Clock())
    lines.update(1, made)
    assert out.getvalue() == "seed 1: training  step 1,500  loss 2.1000  bpb @step 1.3000 @1,000  clock 64.5 / 60 s\n"


def test_a_few_seeds_have_a_row_each(tmp_path: Path) -> None:
    progress, _ = screen(3, Clock(), terminal=True)
    progress.update(2, collector_of(tmp_path, 2))
    lines = shown(progress).splitlines()
    assert len(lines) == 4
    assert "training" in lines[2]
    assert "5.9000" in lines[2]
    assert "0.4 / 60 s" in lines[2]


def test_the_steps_before_the_clock_are_counted_on_the_screen(tmp_path: Path) -> None:
    progress, _ = screen(3, Clock(), terminal=True)
    progress.update(1, warming(tmp_path, 1))
    progress.update(2, warming(tmp_path, 2, b"warmup_step:2/20\n", b"warmup_step:3/20\n"))
    lines = shown(progress).splitlines()
    assert "warm-up 0/20" in lines[1]
    assert "warm-up 3/20" in lines[2]
    assert progress.counts.states["warming up"] == 2  # one state for those that count
    begun = warming(tmp_path / "again", 2, b"warmup_step:20/20\n")
    begun.take(Event("train", "train_start", 900.0))
    progress.update(2, begun)
    assert "training" in shown(progress).splitlines()[2]
    assert "warm-up" not in shown(progress).splitlines()[2]


def test_away_from_a_terminal_the_warm_up_is_counted_in_lines(tmp_path: Path) -> None:
    clock = Clock()
    progress, out = screen(1, clock)
    collector = warming(tmp_path, 1)
    for step in range(1, 21):
        clock.now += 240
        collector.take(LogChunk("train", f"warmup_step:{step}/20\n".encode()))
        progress.update(1, collector)
    collector.close()
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["seed 1: warm-up 1/20", "seed 1: warm-up 2/20"]
    assert len(lines) == 20


def test_a_script_that_announces_nothing_is_known_by_its_log(tmp_path: Path) -> None:
    place = tmp_path / "attempt-1"
    place.mkdir()
    collector = Collector(replace(spec_for(b"", seed=1), outputs=OutputsSpec()), AttemptFolder(place))
    progress, _ = screen(1, Clock(), terminal=True)
    states = []
    for line in (
        HEAD,
        b"warmup_step:3/20\n",
        b"warmup_step:20/20\n",
        b"step:1/9 train_loss:6 train_time:1ms step_avg:1ms\n",
    ):
        collector.take(LogChunk("train", line))
        progress.update(1, collector)
        shown(progress)
        states.append(progress.rows[1].said)
    collector.close()
    assert states == ["warm-up 0/20", "warm-up 3/20", "starting", "training"]


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


def test_two_scores_have_a_deviation_and_one_has_none() -> None:
    counts = SeedCounts(2, 0.0)
    counts.score(1.25)
    assert counts.line(0.0) == "2 seeds: 2 waiting; bpb 1.25000"
    counts.score(1.75)
    assert counts.line(0.0) == "2 seeds: 2 waiting; bpb 1.50000 ± 0.35355"


@pytest.mark.parametrize(
    ("ended", "seconds", "said"),
    [
        (30, 60, "; 30 a minute"),
        (3, 120, "; 1.5 a minute"),
        (10, 60, "; 10 a minute"),
        (99, 600, "; 9.9 a minute"),
        (1, 60, "; 1.0 a minute"),
        (0, 60, ""),
        (3, 0, ""),
        (3, -1, ""),
    ],
)
def test_the_pace_is_what_ended_since_the_start(ended: int, seconds: float, said: str) -> None:
    counts = SeedCounts(50, 1000.0)
    assert counts.ended == counts.scored == 0
    counts.ended = ended
    assert counts.line(1000.0 + seconds) == "50 seeds: 50 waiting" + said
    assert counts.line(1000.0 + seconds, pace=False) == "50 seeds: 50 waiting"


def test_states_are_counted_each_and_whatever_runs_together() -> None:
    counts = SeedCounts(1200, 0.0)
    for state in ("training", "scoring", "completed", "failed", "timeout", "lost", "not started", "completed"):
        counts.move("waiting", state)
    counts.move("failed", "lost")
    said = "2 completed, 1 timeout, 2 lost, 1 not started, 2 running, 1,192 waiting"
    assert counts.line(0.0) == f"1,200 seeds: {said}"


def test_above_its_rows_the_whole_job_is_told_and_beside_a_seed_what_it_waits_for(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    clock = Clock()
    progress, _ = screen(3, clock, terminal=True)
    progress.ahead = Ahead(plan_for(tiny_data, (1, 2, 3), concurrent=3))
    assert shown(progress).splitlines()[0] == "3 seeds: 3 waiting; 5 to 40 s left"
    assert shown(progress).splitlines()[2].split() == ["1", "waiting", "waits", "for", "a", "node"]
    clock.now = 2.0
    progress.queued = lambda: 2
    progress.update(2, collector_of(tmp_path, 2))
    lines = shown(progress).splitlines()
    assert lines[0] == "3 seeds: 1 running, 2 waiting; 5 s to 2 min left"
    assert "0.4 / 60 s  ░░░░░░░░" in lines[3]
    assert lines[4].split() == ["3", "waiting", "waits", "for", "a", "core"]
    progress.ahead.ended(10.0, whole=True)
    clock.now = 4.0
    assert "; 10 to 30 s left" in shown(progress).splitlines()[0]


def test_what_it_costs_is_told_where_a_price_is_known(tiny_data: DataRequest) -> None:
    clock = Clock()
    progress, _ = screen(2, clock, terminal=True)
    rented = PROFILES["h100x1"]
    plan = replace(plan_for(tiny_data, (1, 2)), hardware=rented, need=Need(rented, 1, 1))
    progress.ahead = Ahead(plan)
    progress.ahead.ended(3600.0, whole=False)
    progress.queued = lambda: 0
    assert progress.job_line(1.0) == "2 seeds: 2 waiting; $2.70 spent, about $2.70 in all"


def test_away_from_a_terminal_the_job_is_told_at_its_start_at_each_end_and_once_a_minute(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    clock = Clock()
    progress, out = screen(3, clock)
    progress.ahead = Ahead(plan_for(tiny_data, (1, 2, 3), concurrent=3))
    one = collector_of(tmp_path, 1)
    progress.update(1, one)
    for clock.now in (11.0, 22.0, 61.0, 72.0):
        progress.update(1, one)
    progress.finished(1, run_result(1))
    told = [line for line in out.getvalue().splitlines() if not line.startswith("seed 1:")]
    assert [line.partition(";")[0] for line in told] == [
        "3 seeds: 1 running, 2 waiting",
        "seed 2: waiting  waits for a core",
        "seed 3: waiting  waits for a core",
        "3 seeds: 1 running, 2 waiting",
        "3 seeds: 1 completed, 2 waiting",
    ]


def test_a_seed_that_the_budget_holds_back_says_so(tiny_data: DataRequest, tmp_path: Path) -> None:
    progress, _ = screen(2, Clock(), terminal=True)
    progress.ahead = Ahead(plan_for(tiny_data, (1, 2)))
    progress.update(1, collector_of(tmp_path, 1))
    progress.queued, progress.held_back = lambda: 1, lambda: [2]
    assert shown(progress).splitlines()[3].split("  ")[-1].strip() == "waits for room in the budget"
