"""Clocks of scripts that are not ours, on real processes: the truth lies in the interval, tricks widen or fail it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.job.external_script import OutputsSpec
from runner.logs.line_clock import LineClock
from runner.node.attempt import run_attempt
from runner.node.messages import Event, Finished, Message
from runner.node.sightings import Sightings, line_patterns
from runner.results.phases import PhaseResult
from tests.fixtures.fake_script import fake_data
from tests.fixtures.official_script import SCRIPT, truth_of
from tests.fixtures.places import DOCS
from tests.runner.node.test_attempt import spec_for


def told(tmp_path: Path, script: str, outputs: OutputsSpec, **env: str) -> list[Message]:
    """What comes of a script of somebody else's, alone on its node."""
    spec = spec_for(script.encode(), outputs=outputs, env=env, alone=True)
    return list(run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=tmp_path / "scratch"))


def ended(messages: Sequence[Message]) -> Finished:
    """How it ended: well."""
    last = messages[-1]
    assert isinstance(last, Finished)
    assert (last.status, last.reason) == ("completed", "")
    return last


def ran(tmp_path: Path, script: str, outputs: OutputsSpec, **env: str) -> tuple[Finished, list[Event]]:
    """How it ended, and what it announced."""
    messages = told(tmp_path, script, outputs, **env)
    return ended(messages), [message for message in messages if isinstance(message, Event)]


def train_of(finished: Finished) -> PhaseResult:
    assert finished.train is not None
    return finished.train


@pytest.mark.parametrize("habit", [{}, {"VAL_LOSS_EVERY": "0", "TRAIN_LOG_EVERY": "200", "WARMUP_STEPS": "0"}])
def test_an_official_script_is_known_to_half_a_second_and_the_truth_lies_inside(
    tmp_path: Path, habit: dict[str, str]
) -> None:
    messages = told(tmp_path, SCRIPT, OutputsSpec(), CAP="1.2", **habit)
    finished, seconds = ended(messages), truth_of(messages)
    train = train_of(finished)
    assert train.clock is not None
    assert train.arrival_clock is not None
    assert train.clock.low <= seconds <= train.clock.high <= train.clock.low + 0.5
    assert train.arrival_clock.low <= seconds <= train.arrival_clock.high
    assert (train.narrowed_by, train.clock_doubt) == ("its own training time", "")
    assert train.own_seconds == pytest.approx(seconds, abs=0.001)
    assert train.compared is not None
    assert train.compared.arrived > 0.15  # nine steps at the least, between the lines of the first ten
    assert train.over_seconds is not None
    assert train.frozen_seconds is not None
    assert 0.05 < train.frozen_seconds - train.over_seconds < train.wall_seconds
    assert train.busy_after_seconds is not None
    assert finished.eval is not None
    assert finished.eval.clock is not None
    assert finished.eval.clock.low <= finished.eval.clock.high


READS = """
import glob, os, time
def read():
    for path in glob.glob(os.environ["DATA_PATH"] + "/fineweb_train_*.bin"):
        open(path, "rb").read()
def train(seconds, reads=False):
    until = time.time() + seconds
    while time.time() < until:
        if reads:
            read()
        time.sleep(0.02)
def lines(seconds):
    begun = time.time()
    print("step:0/9 val_loss:2.0 val_bpb:1.0 train_time:0ms step_avg:0.01ms")
    for step in range(1, 10):
        train(seconds / 9)
        took = 1000 * (time.time() - begun)
        print(f"step:{step}/9 train_loss:2.0 train_time:{took:.0f}ms step_avg:{took / step:.2f}ms")
    print(f"stopping_early: wallclock_cap train_time:{took:.0f}ms step:9/9")
def end():
    open("final_model.int8.ptz", "wb").write(b"weights")
    print("final_int8_zlib_roundtrip_exact val_loss:2.00000000 val_bpb:1.00000000")
"""


def test_reading_shards_before_the_first_line_counts(tmp_path: Path) -> None:
    train = train_of(ran(tmp_path, READS + "train(2.5, reads=True)\nlines(0.5)\nend()\n", OutputsSpec())[0])
    assert train.clock is not None
    assert train.clock.low > 2.9
    assert train.first_train_read is not None
    assert train.last_train_read is not None
    assert train.last_train_read - train.first_train_read > 2.0
    assert train.reads_watched


def test_an_artifact_that_is_dated_back_was_written_when_it_was(tmp_path: Path) -> None:
    late = (
        "lines(0.3)\nstopped = time.time()\ntrain(1.0)\nend()\nos.utime('final_model.int8.ptz', (stopped, stopped))"
    )
    train = train_of(ran(tmp_path, READS + f"read()\n{late}\n", OutputsSpec())[0])
    assert train.over_seconds is not None
    assert train.frozen_seconds is not None
    assert train.frozen_seconds - train.over_seconds > 0.9
    assert train.frozen_seconds <= train.wall_seconds


def test_of_two_artifacts_the_one_dated_back_is_still_the_last(tmp_path: Path) -> None:
    dated = (
        "open('final_model.a.ptz', 'wb').write(b'early')\ntime.sleep(0.05)\nlines(0.1)\nend()\n"
        "os.utime('final_model.int8.ptz', (0, 0))\n"
    )
    spec = spec_for((READS + dated).encode(), outputs=OutputsSpec(), alone=True)
    *_, artifact, _ = run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=tmp_path / "scratch")
    assert getattr(artifact, "name", "") == "final_model.int8.ptz"


def test_a_file_is_frozen_by_its_change_of_state_or_the_kernels_note_whichever_is_later(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    os.utime(path, (0, 0))
    watch = Sightings(LineClock(line_patterns(OutputsSpec())))
    assert watch.frozen(path, tmp_path, 100.0) is None
    watch.clock.epoch = path.stat().st_ctime - 5.0
    assert watch.frozen(path, tmp_path, 100.0) == pytest.approx(5.0, abs=0.002)
    watch.writes["a"] = 6.5
    assert watch.frozen(path, tmp_path, 100.0) == 6.5
    assert watch.frozen(path, tmp_path, 6.25) == 6.25
    watch.clock.epoch = None
    assert watch.frozen(path, tmp_path, 100.0) == 6.5


SNIPPET = """
import json, os


def announce(event):
    pipe = os.environ.get("GOLF_EVENTS")
    if pipe and os.environ.get("RANK", "0") == "0":
        with open(pipe, "w") as golf:
            golf.write(json.dumps({"event": event}) + "\\n")
"""
"""As docs/own-script.md gives it."""

QUIET = """
time.sleep(0.2)
announce("warmup_start")
read()
time.sleep(0.2)
announce("train_start")
train(0.5, reads=True)
announce("validation_start")
time.sleep(0.3)
announce("validation_end")
train(0.5, reads=True)
announce("train_end")
LATE
open("final_model.int8.ptz", "wb").write(b"weights")
announce("eval_start")
time.sleep(0.3)
print("final_int8_zlib_roundtrip_exact val_loss:2.00000000 val_bpb:1.00000000")
announce("eval_end")
time.sleep(0.2)
"""


def test_the_page_on_scripts_gives_the_snippet_that_is_tried_here() -> None:
    assert SNIPPET.strip() in (DOCS / "own-script.md").read_text()


def quiet(late: str = "") -> str:
    return READS + SNIPPET + QUIET.replace("LATE", late)


def test_a_script_that_announces_its_phases_needs_no_line(tmp_path: Path) -> None:
    finished, events = ran(tmp_path, quiet(), OutputsSpec(announce=True))
    train, scored = train_of(finished), finished.eval
    assert [event.name for event in events][:3] == ["warmup_start", "train_start", "validation_start"]
    assert set(train.events) == {event.name for event in events}
    assert train.clock is not None
    assert train.clock.low <= 1.05
    assert 0.95 <= train.clock.high < train.clock.low + 0.5
    assert (train.narrowed_by, train.irregular) == ("what it announced", "")
    assert scored is not None
    assert scored.clock is not None
    assert 0.2 <= scored.clock.low <= 0.35
    assert 0.3 <= scored.clock.high < 0.8  # it sleeps for 0.3 s, and no less
    assert scored.narrowed_by == "what it announced"


def test_a_shard_read_after_the_announced_end_leaves_the_clock_unknown(tmp_path: Path) -> None:
    train = train_of(ran(tmp_path, quiet("time.sleep(0.7)\nread()"), OutputsSpec(announce=True))[0])
    assert train.clock is None
    assert "a training shard was read" in train.irregular
    assert "after training was said to be over" in train.irregular


def test_without_announce_there_is_no_pipe_and_the_snippet_does_nothing(tmp_path: Path) -> None:
    finished, events = ran(tmp_path, quiet() + "assert 'GOLF_EVENTS' not in os.environ\n", OutputsSpec())
    assert (events, train_of(finished).events, train_of(finished).clock) == ([], {}, None)


BAR = """
import time
begun = time.time()
for step in range(1, 41):
    time.sleep(0.02)
    print(f"\\r{step}/40 [loss=2.0, t={time.time() - begun:.3f}]", end="", flush=True)
print("\\ntraining is over")
time.sleep(0.2)
open("final_model.int8.ptz", "wb").write(b"weights")
print("code 1,234 B, artifact 5678 B")
print("result val_loss:2.0 val_bpb:1.0", end="")
"""


def test_a_progress_bar_is_a_dialect_and_its_last_line_needs_no_end(tmp_path: Path) -> None:
    outputs = OutputsSpec(
        step=r"^\d+/\d+ \[",
        trained="",
        stop="^training is over",
        score=r"^result val_loss:(?P<val_loss>\S+) val_bpb:(?P<val_bpb>\S+)",
        train_time=r"t=(?P<s>[\d.]+)\]",
    )
    finished, _ = ran(tmp_path, BAR, outputs)
    train = train_of(finished)
    assert train.own_seconds is not None
    assert train.clock is not None
    assert train.clock.low <= train.own_seconds <= train.clock.high <= train.clock.low + 0.5
    assert train.compared is not None
    assert train.compared.arrived == pytest.approx(train.compared.claimed, abs=0.4)
    assert finished.eval is not None
    assert finished.eval.clock is not None
