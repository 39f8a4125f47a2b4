"""What an attempt goes on from: trained once, scored again; after a killed driver, too; and no choice of scores."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend, Lost
from runner.drive.assess import JudgedRun
from runner.drive.orders import attempt_spec, checkpoint_store_name, kept_trainings, known_lives
from runner.drive.run import run_plan
from runner.files import sha256_bytes
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import audit_run
from runner.folder.paths import RunFolder
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from runner.lives.counted_lives import KnownLife
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Finished, LogChunk, Message, Started, TrainingEnded
from runner.node.orphans import marked
from runner.plan.plan import Plan
from runner.results.nodes import Host
from runner.script.bundle import Script, make_script
from tests.fixtures.commands import golf
from tests.fixtures.fake_script import fake_script
from tests.fixtures.results import phase
from tests.golf_model.test_main import CONFIG
from tests.runner.drive.test_retry import Scripted, run
from tests.runner.drive.test_run import Screen, checks, never, plan_for, script_of, statuses
from tests.runner.folder.test_runs import eventually, write_foreign_job


class FailsOnce(LocalBackend):
    """The first attempt of seed 1 has a bug in its evaluation that it loses later."""

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        failing = (spec.seed, spec.attempt) == (1, 1)
        super().submit(replace(spec, env={"FAIL": "1"}) if failing else spec, front=front)


def go(
    data: DataRequest,
    place: Path,
    behaviour: str = "good",
    seeds: tuple[int, ...] = (1, 2, 3),
    backend: type[LocalBackend] = LocalBackend,
    **job: object,
) -> JudgedRun:
    """A run of a fake script."""
    plan = plan_for(data, seeds, **job)
    return run_plan(plan, script_of(fake_script(behaviour)), place, Screen().console, backend)


def launched(run: RunFolder) -> list[tuple[int, int, int | None]]:
    """(seed, attempt, attempt whose training it scored) of every launch."""
    entries = check_chain(run.ledger)
    return [(e["seed"], e["attempt"], e.get("trained_by")) for e in entries if e["kind"] == "launched"]


def times_trained(run: RunFolder) -> int:
    return len(list(run.path.glob("seeds/*/*/train.log")))


def test_a_bug_in_evaluation_costs_three_seeds_one_training_and_two_evaluations(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = go(tiny_data, tmp_path, "eval_bug")
    assert launched(done.folder) == [(1, 1, None), (1, 2, 1)]
    assert times_trained(done.folder) == 1
    assert statuses(done) == {1: "failed"}
    assert done.data.verdict.status == "rejected"
    (result,) = done.data.results
    line = 1 + done.script.source.decode().splitlines().index('        raise ValueError(f"bad shape {shape}")')
    told = f"ValueError: bad shape 1 (train_gpt.py:{line} in evaluate)"
    assert result.reason.splitlines()[:2] == [told, "the eval process ended with exit code 1"]
    assert done.data.stopped == (
        f"the same failure twice: {told}, in evaluation (seed 1 attempt 1, then seed 1 attempt 2)"
    )


def test_an_evaluation_that_failed_once_is_done_again_on_the_same_bytes_and_the_seed_counts_once(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = go(tiny_data, tmp_path, seeds=(1, 2), backend=FailsOnce)
    assert launched(done.folder) == [(1, 1, None), (1, 2, 1), (2, 1, None)]  # at once, and not behind the others
    assert statuses(done) == {1: "completed", 2: "completed"}
    assert done.data.ledger == {"registrations": 1, "launches": 3, "completed": 2, "failed": 1}
    first, other = done.data.results
    assert (first.attempt, other.attempt, other.training) == (2, 1, None)
    assert first.training is not None
    assert (first.training.attempt, first.training.host.hardware) == (1, "cpu")
    folder = done.folder
    assert folder.attempt(1, 2).artifact("final_model.ptz").read_bytes() == b"weights of seed 1"
    assert not folder.attempt(1, 2).log("train").exists()
    assert done.logs[1] == [folder.attempt(1, 1).log("train"), folder.attempt(1, 2).log("eval")]
    assert first.train is not None
    assert first.train.clock is not None
    assert first.train_score == other.train_score.model_copy(  # type: ignore[union-attr]
        update={"val_loss": first.train_score.val_loss, "val_bpb": first.train_score.val_bpb}  # type: ignore[union-attr]
    )
    assert first.log.steps == 5
    assert [curve.seed for curve in done.data.curves] == [1, 2]
    for name in ("train_clock", "eval_clock", "artifact_hash", "process_agreement", "one_script", "seeds_complete"):
        assert checks(done, name) == {"pass"}, name
    assert [(one.attempt, one.status, one.trained_by) for one in done.data.launches] == [
        (1, "failed", None),
        (2, "completed", 1),
        (1, "completed", None),
    ]
    assert audit_run(folder).problems == []
    again = run_plan(plan_for(tiny_data, (1, 2)), done.script, tmp_path, Screen().console, never)
    assert again.data.results == done.data.results


HOST = Host(node="n", hardware="cpu", device="d", cpus=1, nproc=1)


class Scoring(Scripted):
    """Attempts without a process, that train unless they are told not to; how(spec) says how they end, None: well."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue:
            spec = self.queue.popleft().loaded()
            weights = spec.artifact or b"weights of seed %d" % spec.seed
            yield spec, Started("node", "folder")
            if spec.trained is None:
                yield (
                    spec,
                    LogChunk("train", b"seed:%d\nstep:5/5 train_loss:2.5 train_time:9ms step_avg:9ms\n" % spec.seed),
                )
            yield spec, ArtifactBytes("final_model.ptz", weights, sha256_bytes(weights))
            if spec.trained is None:
                yield spec, TrainingEnded(phase("train", 1.0), HOST)
            end = self.how(spec)
            if end is None:
                yield spec, LogChunk("eval", b"final_score rule:plain tokens:9 bytes:9 val_loss:2.5 val_bpb:1.5\n")
                end = Finished("completed", "", phase("train", 1.0), phase("eval", 1.0), HOST)
            yield spec, end


def scored(spec: AttemptSpec) -> None:
    """A good end."""


def fails(spec: AttemptSpec) -> Finished:
    """An evaluation that ends by exit code 1, each time at another moment."""
    ended = phase("eval", 100.0 * spec.attempt + 1000.0 * spec.seed, returncode=1)
    return Finished("failed", "the eval process ended with exit code 1", phase("train", 1.0), ended, HOST)


def without_processes(
    data: DataRequest,
    place: Path,
    how: Callable[[AttemptSpec], Finished | Lost | None],
    seeds: tuple[int, ...] = (1,),
    **job: Any,
) -> JudgedRun:
    return run(data, place, how, kind=Scoring, seeds=seeds, **job)[0]


def test_a_later_run_scores_what_an_earlier_one_trained(tiny_data: DataRequest, tmp_path: Path) -> None:
    without_processes(tiny_data, tmp_path, fails, tries=2)
    done = without_processes(tiny_data, tmp_path, scored, tries=3)
    assert launched(done.folder) == [(1, 1, None), (1, 2, 1), (1, 3, 1)]
    assert statuses(done) == {1: "completed"}
    assert done.data.results[0].train == phase("train", 1.0)
    assert done.data.results[0].log.steps == 5


def test_an_artifact_is_scored_as_often_as_there_are_tries_and_no_oftener_however_often_one_asks(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    for _ in range(3):
        done = without_processes(tiny_data, tmp_path, fails, tries=2)
    expected = [(1, 1, None), (1, 2, 1), (1, 3, None), (1, 4, 3), (1, 5, None), (1, 6, 5)]
    assert launched(done.folder) == expected


def test_with_one_try_nothing_is_scored_again(tiny_data: DataRequest, tmp_path: Path) -> None:
    for _ in range(2):
        done = without_processes(tiny_data, tmp_path, fails, tries=1)
    assert launched(done.folder) == [(1, 1, None), (1, 2, None)]


def test_what_only_scores_goes_ahead_of_what_has_to_train(tiny_data: DataRequest, tmp_path: Path) -> None:
    without_processes(tiny_data, tmp_path, fails, (3,), tries=1)
    done = without_processes(tiny_data, tmp_path, scored, (1, 2, 3), tries=3)
    assert [seed for seed, _, _ in launched(done.folder)] == [3, 3, 1, 2]


def script_sha(run: RunFolder) -> str:
    return str(check_chain(run.ledger)[0]["script_sha256"])


def kept(run: RunFolder, tries: int = 9) -> set[int]:
    """Seeds whose next attempt would only score."""
    return set(kept_trainings(run, Ledger(run.ledger), {1, 2}, script_sha(run), tries))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_was_changed_on_disk_is_not_gone_on_from(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = without_processes(tiny_data, tmp_path, fails, tries=2).folder
    first, second = run.attempt(1, 1), run.attempt(1, 2)
    assert kept(run) == {1}
    assert kept_trainings(run, Ledger(run.ledger), {1}, "another script", 9) == {}
    for path in (first.trained, first.artifact("final_model.ptz"), first.result, second.result):
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        assert kept(run) == set(), path
        path.unlink()
        assert kept(run) == set(), path
        path.write_bytes(whole)
    assert kept(run) == {1}
    edit(first.trained, '"wall_seconds"', '"wall_seconds" ')
    assert ["was changed after the ledger vouched" in problem for problem in audit_run(run).problems] == [True]


def ended(code: int, **changes: Any) -> Callable[[AttemptSpec], Finished]:
    """Evaluations that end by this exit code."""
    told = Finished("failed", "it ended", phase("train", 1.0), phase("eval", 1.0, returncode=code), HOST)
    return lambda spec: replace(told, **changes)


@pytest.mark.parametrize(
    ("how", "again"),
    [
        (scored, set()),
        (ended(1), {1}),
        (ended(-9), {1}),
        (ended(0), set()),  # the artifact changed after it was frozen
        (ended(2), set()),
        (ended(1, status="timeout"), set()),
        (lambda spec: Lost("NodeDiedError: gone"), {1}),
    ],
)
def test_only_an_evaluation_that_chance_may_have_ended_is_done_again(
    tiny_data: DataRequest, tmp_path: Path, how: Callable[[AttemptSpec], Finished | Lost | None], again: set[int]
) -> None:
    assert kept(without_processes(tiny_data, tmp_path, how, tries=1).folder) == again


def test_an_evaluation_that_failed_after_its_score_is_never_done_again_not_even_by_a_later_run(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    class AfterTheScore(Scoring):
        def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
            for spec, message in super().messages():
                if isinstance(message, Finished):
                    yield (
                        spec,
                        LogChunk("eval", b"final_score rule:plain tokens:9 bytes:9 val_loss:2.5 val_bpb:1.5\n"),
                    )
                yield spec, message

    for _ in range(2):
        done, _ = run(tiny_data, tmp_path, fails, kind=AfterTheScore, seeds=(1,))
    assert done.data.results[0].final_score is not None
    assert launched(done.folder) == [(1, 1, None), (1, 2, None)]  # the second by the second command, from the start


def test_a_node_that_dies_while_it_scores_costs_no_training(tiny_data: DataRequest, tmp_path: Path) -> None:
    def dies_once(spec: AttemptSpec) -> Lost | None:
        return Lost("NodeDiedError: gone") if (spec.seed, spec.attempt) == (1, 1) else None

    done = without_processes(tiny_data, tmp_path, dies_once, (1, 2))
    assert statuses(done) == {1: "completed", 2: "completed"}
    assert launched(done.folder) == [(1, 1, None), (1, 2, 1), (2, 1, None)]


@pytest.mark.parametrize("told", [True, False])
def test_a_driver_that_ends_between_training_and_score_goes_on_with_the_artifact(
    tiny_data: DataRequest, tmp_path: Path, told: bool
) -> None:
    def stops(spec: AttemptSpec) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        without_processes(tiny_data, tmp_path, stops)
    (folder,) = all_runs(tmp_path)
    if not told:  # it was killed after the file was written, before the ledger knew, and before it noted any end
        lines = folder.ledger.read_bytes().splitlines(keepends=True)
        assert [b'"trained"' in line for line in lines[-2:]] == [True, False]
        folder.ledger.write_bytes(b"".join(lines[:-2]))
    done = without_processes(tiny_data, tmp_path, scored)
    assert launched(folder) == [(1, 1, None), (1, 2, 1)]
    assert statuses(done) == {1: "completed"}
    late = [entry.get("late", False) for entry in check_chain(folder.ledger) if entry["kind"] == "trained"]
    assert late == [not told]
    assert audit_run(folder).problems == []


HANGS_ON_OLD_DATA = """
    val = os.path.join(os.environ["DATA_PATH"], "fineweb_val_000000.bin")
    if os.path.getmtime(val) < 1000:
        time.sleep(600)
    open("final_model.int8.ptz", "rb").read()
"""


@pytest.mark.slow
def test_a_driver_that_is_killed_while_it_scores_trains_no_second_time_and_counts_the_seed_once(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    data = replace(tiny_data, folder=str(shutil.copytree(str(tiny_data.folder), tmp_path / "data")))
    val = tmp_path / "data" / "fineweb_val_000000.bin"
    more = "env: {PACE: '0.01'}\noutputs: {eval_env: {EVAL_ONLY: '1'}}\n"
    write_foreign_job(tmp_path, data, "killed", seeds="[1]", more=more)
    script = tmp_path / "their_train.py"
    edit(script, '\n    open("final_model.int8.ptz", "rb").read()\n', HANGS_ON_OLD_DATA)
    os.utime(val, (500, 500))
    command = [sys.executable, "-m", "runner.cli", "run", "killed.yaml", "--local"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        eventually(lambda: any("EVAL_ONLY" in process.environ() for process in marked("killed-")))
        os.kill(driver.pid, signal.SIGKILL)
    eventually(lambda: not marked("killed-"))
    os.utime(val)
    done = golf(tmp_path, "run", "killed.yaml", "--local")
    assert done.returncode == 0, done.stdout
    (run,) = all_runs(tmp_path)
    assert launched(run) == [(1, 1, None), (1, 2, 1)]
    assert times_trained(run) == 1
    ends = [(entry["attempt"], entry["status"]) for entry in check_chain(run.ledger) if entry["kind"] == "finished"]
    assert ends == [(2, "completed")]
    assert "Trained once and scored again" in next(tmp_path.glob("records/*/*/README.md")).read_text()
    checked = golf(tmp_path, "verify", str(next(tmp_path.glob("records/*/*"))))
    assert checked.returncode == 0, checked.stdout


def resumable(data: DataRequest) -> tuple[Plan, Script]:
    """A job of ours that makes checkpoints."""
    schedule = replace(CONFIG.schedule, checkpoint_every_s=1.0)
    config = replace(CONFIG, schedule=schedule)
    plan = plan_for(data, (1,))
    job = plan.job.model_copy(update={"config": config, "script": None, "track": "local"})
    return replace(plan, job=job), make_script(config)


def test_what_a_killed_attempt_leaves_is_bound_to_the_ledger_that_launched_it(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan, script = resumable(tiny_data)
    run_there, moved = RunFolder(tmp_path / "there"), RunFolder(tmp_path / "moved")
    names: list[str] = []
    for folder in (run_there, run_there, moved):  # registered, registered again after it was moved away, elsewhere
        folder.ledger.unlink(missing_ok=True)
        ledger = Ledger(folder.ledger)
        ledger.append("registered", seeds=[1], nonce=len(names))
        names.append(checkpoint_store_name(plan, folder, ledger, 1))
        ledger.append("queued", seed=1, attempt=1)
        assert checkpoint_store_name(plan, folder, ledger, 1) == names[-1]
        assert attempt_spec(plan, script, folder, ledger, 1, 1).store == names[-1]
    assert len(set(names)) == 3
    assert all(name.endswith("-seed1") for name in names)


def test_the_lives_that_count_are_those_that_the_ledger_queued_with_what_their_logs_tell(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ledger = Ledger(folder.ledger)
    ledger.append("registered", seeds=[1, 2])
    for attempt in (1, 2):
        ledger.append("queued", seed=1, attempt=attempt)
        ledger.append("launched", seed=1, attempt=attempt, node="local")
    ledger.append("queued", seed=1, attempt=3, trained_by=2)
    ledger.append("queued", seed=2, attempt=1)
    log = folder.attempt(1, 1).log("train")
    log.parent.mkdir(parents=True)
    line = "step:{0}/800 train_loss:3.1 train_time:{0}00ms step_avg:100.00ms\n"
    log.write_text("x" * 100_000 + "\n" + "".join(line.format(step) for step in range(1, 32)) + line.format(99)[:-20])
    hashes = {(e["seed"], e["attempt"]): e["hash"] for e in ledger.entries if e["kind"] == "queued"}
    assert known_lives(folder, ledger, [1]) == {
        1: (KnownLife(1, hashes[1, 1], 3.1), KnownLife(2, hashes[1, 2], None)),
    }
