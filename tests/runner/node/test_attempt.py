"""One attempt on real processes: what it says, what it leaves, and what a bad script makes of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.errors import DataError
from runner.files import locked, sha256_bytes
from runner.job.external_script import OutputsSpec
from runner.logs.frames import FrameReader, signed
from runner.node import attempt
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.deadlines import train_deadlines
from runner.node.messages import (
    ArtifactBytes,
    Event,
    Finished,
    LeftBehind,
    LogChunk,
    Message,
    Started,
    TrainingEnded,
)
from runner.node.orphans import end_halted, kill_marked, mark, marked, sweep, work_folder
from runner.node.phase import Silence, Supervised
from runner.results.nodes import Host
from runner.results.phases import Artifact, LogFacts
from runner.results.runs import LeftFile, Leftovers, Trained, Training
from tests.fixtures.fake_script import PLAIN, fake_data, fake_script
from tests.fixtures.results import phase

JOB = f"fake{os.getpid()}"
"""Its processes are looked for on the whole machine, where these tests may run twice."""
KEY = b"k" * 32
"""Of a supervisor that is none."""


def spec_for(script: bytes, **changes: object) -> AttemptSpec:
    spec = AttemptSpec(
        job=JOB,
        seed=42,
        attempt=1,
        script=script,
        artifact_name="final_model.ptz",
        hardware="cpu",
        nproc=1,
        gpus=0,
        threads=1,
        train_seconds=5,
        eval_seconds=5,
        stall_seconds=0,
        launcher=PLAIN,
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def said(spec: AttemptSpec, tmp_path: Path) -> list[Message]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    messages = list(run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=scratch))
    assert list(scratch.iterdir()) == [], "the work folder stayed behind"
    return messages


def end(messages: list[Message]) -> Finished:
    last = messages[-1]
    assert isinstance(last, Finished)
    return last


def test_a_work_folder_lies_where_it_is_told_and_else_where_golf_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "default_scratch", lambda: tmp_path / "own")
    for scratch, place in ((tmp_path / "told", tmp_path / "told"), (None, tmp_path / "own")):
        place.mkdir()
        going = run_attempt(spec_for(fake_script()), lambda: fake_data(tmp_path / "data"), scratch=scratch)
        assert isinstance(next(going), Started)
        assert len(list(place.iterdir())) == 1
        going.close()
        assert list(place.iterdir()) == []


def test_a_good_script_gives_log_events_artifact_and_clocks(tmp_path: Path) -> None:
    messages = said(spec_for(fake_script()), tmp_path)
    assert isinstance(messages[0], Started)
    train_log = b"".join(m.data for m in messages if isinstance(m, LogChunk) and m.phase == "train")
    assert b"step:5/5 train_loss:2.5000" in train_log
    assert [m.name for m in messages if isinstance(m, Event)] == [
        "train_start",
        "train_end",
        "artifact_frozen",
        "eval_start",
        "eval_end",
    ]
    artifact = next(m for m in messages if isinstance(m, ArtifactBytes))
    assert artifact.data == b"weights of seed 42"
    assert artifact.sha256 == sha256_bytes(artifact.data)
    finished = end(messages)
    assert (finished.status, finished.reason) == ("completed", "")
    assert finished.train is not None
    assert finished.train.clock is not None
    assert 0.04 <= finished.train.clock.low <= finished.train.wall_seconds
    assert finished.eval is not None
    assert finished.eval.clock is not None


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [
        ("crash", "failed", "the train process ended with exit code 7"),
        ("nan", "failed", "the train process ended with exit code 3"),
        ("no_artifact", "failed", "the training process wrote no artifact (final_model.ptz)"),
        ("tamper", "failed", "the artifact changed after it was frozen"),
    ],
)
def test_a_bad_script_is_a_result_with_its_reason(tmp_path: Path, behaviour: str, status: str, reason: str) -> None:
    finished = end(said(spec_for(fake_script(behaviour)), tmp_path))
    assert (finished.status, finished.reason) == (status, reason)


REPLACES = b"""
import os
if os.environ["GOLF_PHASE"] == "eval":
    exec(os.environ["HOW"])
else:
    open("final_model.ptz", "wb").write(b"weights")
"""


@pytest.mark.parametrize(
    "how",
    [
        "os.unlink('final_model.ptz'); os.mkfifo('final_model.ptz')",
        "os.unlink('final_model.ptz'); os.symlink('/dev/zero', 'final_model.ptz')",
        "os.unlink('final_model.ptz')",
    ],
    ids=["a pipe", "a link to what never ends", "nothing"],
)
def test_what_is_put_in_the_artifacts_place_is_not_waited_for(tmp_path: Path, how: str) -> None:
    finished = end(said(spec_for(REPLACES, env={"HOW": how}), tmp_path))
    assert (finished.status, finished.reason) == ("failed", "the artifact changed after it was frozen")


DEEP = b"""
import os
for _ in range(1100):
    os.mkdir("d"); os.chdir("d")
"""


def test_folders_nested_without_measure_are_removed_with_the_work_folder(tmp_path: Path) -> None:
    finished = end(said(spec_for(DEEP), tmp_path))
    assert finished.reason == "the training process wrote no artifact (final_model.ptz)"


ANNOUNCES = b"""
import os
pipe = os.open(os.environ["GOLF_EVENTS"], os.O_WRONLY)
for number in range(3500):
    os.write(pipe, b'{"event": "number %d"}\\n' % number)
"""


def test_of_many_events_that_wait_for_a_slow_reader_none_is_dropped(tmp_path: Path) -> None:
    names: list[str] = []
    for message in run_attempt(spec_for(ANNOUNCES), lambda: fake_data(tmp_path / "data"), scratch=tmp_path):
        if isinstance(message, Event):
            if not names:
                time.sleep(1)
            names.append(message.name)
    assert names == [f"number {number}" for number in range(3500)]
    assert isinstance(message, Finished)
    assert message.reason == "the training process wrote no artifact (final_model.ptz)"


def trained_by(attempt: int, content: bytes) -> Trained:
    """What is kept of a training whose artifact is this."""
    host = Host(node="there", hardware="cpu", device="d", cpus=1, nproc=1)
    return Trained(
        seed=42,
        script_sha256="0" * 64,
        artifact=Artifact(file="final_model.ptz", bytes=len(content), sha256=sha256_bytes(content)),
        train=phase("train", 1.5),
        log=LogFacts(steps=7),
        score=None,
        by_rule={},
        by=Training(attempt=attempt, host=host, preflight=None, idle_seconds=None, started_at="2026-01-02T03:04:05Z"),
    )


def test_an_order_with_an_artifact_is_only_scored(tmp_path: Path) -> None:
    place = tmp_path / "weights"
    place.write_bytes(b"weights of seed 42")
    trained = trained_by(3, place.read_bytes())
    spec = spec_for(fake_script(), attempt=4, trained=trained, artifact_at=str(place)).loaded()
    messages = said(spec, tmp_path)
    assert [m.name for m in messages if isinstance(m, Event)] == ["eval_start", "eval_end"]
    assert {m.phase for m in messages if isinstance(m, LogChunk)} == {"eval"}
    assert [m.data for m in messages if isinstance(m, ArtifactBytes)] == [b"weights of seed 42"]
    assert not any(isinstance(m, TrainingEnded) for m in messages)
    finished = end(messages)
    assert (finished.status, finished.train) == ("completed", trained.train)
    assert finished.eval is not None
    assert finished.eval.clock is not None


@pytest.mark.parametrize("content", [b"other weights", None])
def test_an_artifact_that_did_not_arrive_whole_is_not_scored(tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "weights"
    if content is not None:
        place.write_bytes(content)
    spec = spec_for(fake_script(), trained=trained_by(1, b"weights"), artifact_at=str(place)).loaded()
    finished = end(said(spec, tmp_path))
    assert (finished.status, finished.reason) == ("lost", "the artifact that it was to score did not arrive whole")


def test_the_artifact_is_sent_before_it_is_scored_so_that_it_outlives_whoever_scores_it(tmp_path: Path) -> None:
    messages = said(spec_for(fake_script("eval_bug")), tmp_path)
    kinds = [type(m) for m in messages if isinstance(m, ArtifactBytes | TrainingEnded | Finished)]
    assert kinds == [ArtifactBytes, TrainingEnded, Finished]
    first = next(i for i, m in enumerate(messages) if isinstance(m, LogChunk) and m.phase == "eval")
    assert any(isinstance(m, TrainingEnded) for m in messages[:first])
    assert end(messages).reason == "the eval process ended with exit code 1"


def test_a_script_that_scores_while_it_trains_has_nothing_that_could_be_scored_again(tmp_path: Path) -> None:
    script = b"open('final_model.ptz', 'wb').write(b'x'); raise SystemExit"
    messages = said(spec_for(script, outputs=OutputsSpec()), tmp_path)
    assert not any(isinstance(m, TrainingEnded) for m in messages)
    assert end(messages).status == "completed"


def test_what_training_left_is_told_where_nothing_of_it_is_the_artifact(tmp_path: Path) -> None:
    messages = said(spec_for(fake_script("no_artifact"), files={"side.py": b"x" * 9000}), tmp_path)
    (left,) = [m for m in messages if isinstance(m, LeftBehind)]
    assert left.leftovers == Leftovers(
        wanted="final_model.ptz",
        files=[
            LeftFile(name="model.pt", bytes=3000),
            LeftFile(name="out/half.bin", bytes=700),
            LeftFile(name="log.txt", bytes=12),
        ],
        kept="model.pt",
    )
    assert left.data == b"w" * 3000
    assert not any(isinstance(m, LeftBehind) for m in said(spec_for(fake_script()), tmp_path))


def test_a_hanging_script_is_stopped_as_a_timeout(tmp_path: Path) -> None:
    finished = end(said(spec_for(fake_script("hang"), stall_seconds=0.5), tmp_path))
    assert (finished.status, finished.reason) == ("timeout", "no output for 0.5 s")


def test_data_missing_on_the_node_is_a_result(tmp_path: Path) -> None:
    def missing() -> object:
        raise DataError("no shards here")

    messages = list(run_attempt(spec_for(fake_script()), missing, scratch=tmp_path))  # type: ignore[arg-type]
    assert end(messages).reason == "data on this node: no shards here"


def test_closing_the_stream_kills_the_script_and_removes_its_folder(tmp_path: Path) -> None:
    spec = spec_for(fake_script("hang"))
    stream = run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=tmp_path)
    for message in stream:
        if isinstance(message, LogChunk):
            break
    before = time.monotonic()
    stream.close()
    assert time.monotonic() - before < 3
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert marked(f"{JOB}-seed42") == []


def listener(*lines: bytes) -> Supervised:
    """One that hears these lines and no supervisor."""
    supervised = Supervised.__new__(Supervised)
    supervised.frames, supervised.heard, supervised.bad, supervised.supervisor = queue.Queue(), 0, "", None
    supervised.lines = FrameReader(KEY, time.monotonic())
    supervised._read(io.BytesIO(b"".join(lines)))
    return supervised


def told(number: int, kind: str, **facts: Any) -> bytes:
    began = {"began": time.monotonic(), "pid": 2, "supervisor": 1} if kind == "start" else {}
    return signed(json.dumps({"kind": kind, "n": number, "t": 0.0, **began, **facts}).encode(), KEY)


def heard(supervised: Supervised) -> list[str]:
    """Kinds of the frames that came, which end."""
    found = list(iter(lambda: supervised.frames.get(timeout=1), None))
    return [frame["kind"] for frame in found if frame is not None]


def test_a_word_that_a_killed_supervisor_did_not_finish_is_none_and_ends_the_phase() -> None:
    supervised = listener(told(1, "start"), told(2, "event", name="a", t_event=0.0)[:40])
    assert (heard(supervised), supervised.bad) == (["start"], "")


@pytest.mark.parametrize(
    "line", [b"garbage\n", b"\n", b'{"kind": "exit"}\n', b"x" * 200_000], ids=lambda line: line[:9]
)
def test_after_a_line_that_its_supervisor_did_not_write_nothing_counts(line: bytes) -> None:
    supervised = listener(told(1, "start"), line, told(2, "event", name="a", t_event=0.0))
    assert heard(supervised) == ["start"]
    assert supervised.bad.startswith("what its supervisor told cannot be relied on: a line ")


def test_after_the_exit_nobody_who_holds_the_pipe_is_waited_for() -> None:
    nothing = {"wall_seconds": 0.0, "peak_rss_mib": 0.0, "late_events": 0.0, "late": 0.0, "reason": ""}
    end = told(2, "exit", returncode=0, over_limit=False, survivors=0, **nothing)
    supervised = listener(told(1, "start"), end, b"garbage\n")
    assert (heard(supervised), supervised.bad) == (["start", "exit"], "")


MEDDLES = """
import glob, os, signal, sys, time
above = os.getppid()
def into_the_pipe():
    for path in glob.glob(f"/proc/{above}/fd/*"):
        if os.readlink(path).startswith("pipe:") and path.endswith("/1"):
            with open(path, "wb", buffering=0) as pipe:
                pipe.write(LINE)
"""


def left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a node that has no means to keep a script apart: else it finds no process but its own."""
    monkeypatch.setattr("runner.node.phase.command_in", lambda command, bounds: command)


def test_a_script_in_its_bounds_does_not_reach_its_supervisors_pipe(tmp_path: Path) -> None:
    script = MEDDLES.replace("LINE", "b'garbage'") + "into_the_pipe(); print('done', flush=True)"
    last = end(said(spec_for(script.encode()), tmp_path))
    assert (last.status, last.reason) == ("failed", "the train process ended with exit code 1")
    assert last.train is not None
    assert last.train.isolation is not None
    assert last.train.isolation.layer != "none"


@pytest.mark.parametrize(
    "line", ["b'garbage'", 'b\'{"kind": "exit", "t": 1.0, "returncode": 0}\\n\'', "b'x' * 100_000"]
)
def test_an_attempt_whose_script_writes_into_its_supervisors_pipe_is_lost(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone(monkeypatch)
    script = MEDDLES.replace("LINE", line) + "into_the_pipe(); print('done', flush=True); time.sleep(60)"
    before = time.monotonic()
    stream = run_attempt(spec_for(script.encode()), lambda: fake_data(tmp_path / "data"), scratch=tmp_path)
    last = end(list(stream))
    what = "a line of more than 65,536 bytes" if "100_000" in line else "a line that it did not write"
    assert (last.status, last.reason) == ("lost", f"what its supervisor told cannot be relied on: {what}")
    assert time.monotonic() - before < 15
    assert marked(f"{JOB}-seed42") == []


def test_a_supervisor_that_is_halted_is_noticed_and_everything_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.node.phase.LEAST_SILENT_S", 1.5)
    spec = replace(spec_for(fake_script("hang")), stall_seconds=1.0)
    stream = run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=tmp_path)
    next(message for message in stream if isinstance(message, LogChunk))
    outermost = min(marked(f"{JOB}-seed42"), key=lambda process: process.create_time())
    supervisor = outermost.parent()
    assert supervisor is not None
    supervisor.suspend()
    before = time.monotonic()
    last = end(list(stream))
    assert (last.status, last.reason) == (
        "lost",
        "its supervisor gave no sign of life for 1.5 s: halted, or out of reach",
    )
    assert time.monotonic() - before < 6
    assert marked(f"{JOB}-seed42") == []


def test_only_a_process_that_stands_still_is_ended_as_halted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.node.orphans.HALTED_EVERY_S", 0.02)
    with subprocess.Popen(["sleep", "60"]) as worker:
        assert not end_halted(worker.pid, "nobody's")
        worker.send_signal(signal.SIGSTOP)
        give_up = time.monotonic() + 5
        while not (ended := end_halted(worker.pid, "nobody's")) and time.monotonic() < give_up:
            time.sleep(0.01)
        assert ended
        assert worker.wait(timeout=5) == -signal.SIGKILL
    assert not end_halted(worker.pid, "nobody's")


def test_a_listener_that_was_halted_itself_calls_nobody_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.25, 5000.25, 5000.5, 5001.0, 5002.0, 5003.0])
    monkeypatch.setattr("runner.node.phase.time.monotonic", lambda: next(now))
    silence = Silence(2.0)
    assert [silence.too_long(1) for _ in range(6)] == [False] * 6


def test_a_supervisor_that_was_halted_ends_with_its_attempt(tmp_path: Path) -> None:
    stream = run_attempt(spec_for(fake_script("hang")), lambda: fake_data(tmp_path / "data"), scratch=tmp_path)
    next(message for message in stream if isinstance(message, LogChunk))
    outermost = min(marked(f"{JOB}-seed42"), key=lambda process: process.create_time())
    supervisor = outermost.parent()
    assert supervisor is not None
    supervisor.suspend()
    stream.close()
    with contextlib.suppress(psutil.NoSuchProcess):
        assert supervisor.status() == psutil.STATUS_ZOMBIE
    assert marked(f"{JOB}-seed42") == []


def test_folders_of_dead_attempts_are_swept_and_no_others(tmp_path: Path) -> None:
    names = ("x1", "1", "a-clone-of-golf")
    dead, living, foreign = (tmp_path / name for name in names)
    for folder in (dead, living, foreign):
        folder.mkdir()
    (dead / "lock").touch()
    halted = subprocess.Popen(["sleep", "0.1"], env={**os.environ, "GOLF_SUPERVISES": mark("fake-seed1", dead)})
    halted.send_signal(signal.SIGSTOP)
    orphan, alive = (
        subprocess.Popen(["sleep", "600"], env={**os.environ, "GOLF_ATTEMPT": mark("fake-seed1", folder)})
        for folder in (dead, living)
    )
    with locked(living / "lock"):
        sweep(tmp_path)
    assert orphan.wait(timeout=5) == -signal.SIGKILL
    assert halted.wait(timeout=5) == 0
    assert alive.poll() is None
    alive.kill()
    alive.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, foreign.name])


def test_a_folder_whose_maker_died_before_it_locked_it_is_swept(tmp_path: Path) -> None:
    unfinished, kept = tmp_path / ".new-abc", tmp_path / ".kept"
    unfinished.mkdir()
    kept.mkdir()
    with work_folder(tmp_path) as base:
        assert sorted(path.name for path in tmp_path.iterdir()) == [".kept", base.name]
        sweep(tmp_path)
        assert base.is_dir()


def test_a_work_folder_whose_remover_died_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".gone-x1" / "train").mkdir(parents=True)  # its lock was removed first
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


FORKS = """
import os, time
end = time.monotonic() + 20
for number in range(500):
    if os.fork():
        while number % 7 == 0 and time.monotonic() < end:
            time.sleep(0.1)
        os._exit(0)
    time.sleep(0.01)
"""
"""One line of descent: whoever has forked never forks again, and all are gone in 20 s though nobody kills them."""


def test_what_forks_while_it_is_killed_is_killed_too(tmp_path: Path) -> None:
    marker = f"forks-{tmp_path.name}-{os.getpid()}"
    env = {**os.environ, "GOLF_ATTEMPT": marker}
    with subprocess.Popen([sys.executable, "-c", FORKS], env=env, start_new_session=True) as first:
        try:
            time.sleep(0.3)
            kill_marked(marker)
            left = marked(marker)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(first.pid, signal.SIGKILL)
    assert left == []


def test_training_is_killed_only_well_past_its_limit() -> None:
    clock = next(item for item in train_deadlines(spec_for(b"")) if item.begin == "train_start")
    assert clock.seconds == 15
