"""Runs on disk from the outside: which is meant, where it stands, its logs, stopping it, going on with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.drive.watch.follow import PIECE, SeedLog, follow
from runner.drive.watch.status import seed_states
from runner.drive.watch.stop import stop_run
from runner.errors import UserError
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import audit_ledger, audit_run
from runner.folder.paths import RunFolder
from runner.folder.runs import all_runs, driver_of, find_run, noted_job
from runner.job.open_data import DataRequest
from runner.node.orphans import marked
from tests.fixtures.commands import forked_golf as golf
from tests.fixtures.foreign_script import write_foreign
from tests.runner.drive.test_run import JOB, plan_for, run_fake


def write_foreign_job(
    folder: Path, data: DataRequest, name: str = "theirs", seeds: str = "[1, 2]", more: str = ""
) -> Path:
    """A job of a foreign script that takes about `PACE` x 20 seconds a seed."""
    write_foreign(folder)
    path = folder / f"{name}.yaml"
    path.write_text(
        f"name: {name}\ntrack: local\nhardware: cpu\nseeds: {seeds}\nscript: their_train.py\nlaunch: python\n"
        f"data: {{path: {data.folder}, tokenizer: {data.tokenizer}}}\n"
        f"limits: {{train_seconds: 60, eval_seconds: 60}}\n{more}"
    )
    return path


def eventually(found: object, seconds: float = 60) -> None:
    """Wait until a callable gives something true."""
    give_up = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_data: DataRequest) -> Path:
    """An output folder with one finished run of seeds 1 and 2."""
    output = tmp_path_factory.mktemp("finished")
    run_fake(plan_for(tiny_data), output)
    return output


def test_a_run_is_found_by_job_name_file_or_folder(finished: Path) -> None:
    (run,) = all_runs(finished)
    for name in (JOB, f"jobs/{JOB}.yaml", run.path.name, f"runs/{run.path.name}/"):
        assert find_run(finished, name) == run
    with pytest.raises(UserError, match=rf"{JOB}s: no run of this name .*did you mean '{JOB}'"):
        find_run(finished, f"{JOB}s")


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"{", b"[" * 100_000, None])
def test_a_run_whose_job_cannot_be_read_says_how_to_go_on(content: bytes | None, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    if content is not None:
        run.job.write_bytes(content)
    with pytest.raises(UserError, match=r"job\.json: cannot be read, .*; run the job's own file again"):
        noted_job(run)


def jobs_named(root: Path, **jobs: str) -> None:
    for name, job in jobs.items():
        folder = root / "runs" / name.replace("_", "-")
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(job)


def test_runs_of_one_name_are_told_apart_by_the_fields_that_differ(tmp_path: Path) -> None:
    jobs_named(
        tmp_path,
        a_0='{"threads": 1, "config": {"model": {"num_layers": 2, "model_dim": 64}}, "blurb": "x"}',
        a_1='{"threads": 1, "config": {"model": {"num_layers": 3, "model_dim": 64}}, "blurb": "y"}',
        a_2="[]",
    )
    with pytest.raises(UserError) as told:
        find_run(tmp_path, "a")
    assert str(told.value).splitlines() == [
        "a: 3 runs have this name; give one of them, or latest:",
        "  a-0  config.model.num_layers 2",
        "  a-1  config.model.num_layers 3",
        "  a-2  its job cannot be read",
    ]


def test_two_runs_of_one_job_are_the_same_but_for_the_script(tmp_path: Path) -> None:
    jobs_named(tmp_path, a_0="{}", a_1="{}")
    with pytest.raises(UserError, match="a-0  the same job by another script"):
        find_run(tmp_path, "a")


def test_a_run_is_found_by_the_beginning_of_its_name_and_the_last_one_by_latest(tmp_path: Path) -> None:
    jobs_named(tmp_path, ab_77="{}", ab_78="{}", cd_77="{}")
    for age, name in enumerate(("ab-78", "cd-77", "ab-77")):
        os.utime(tmp_path / "runs" / name, (1e9 - age, 1e9 - age))
    assert find_run(tmp_path, "c").path.name == "cd-77"
    assert find_run(tmp_path, "ab-77").path.name == "ab-77"
    assert find_run(tmp_path, "latest").path.name == "ab-78"
    with pytest.raises(UserError, match="ab-7: 2 runs have this name"):
        find_run(tmp_path, "ab-7")
    with pytest.raises(UserError, match="no run of this name"):
        find_run(tmp_path, "")


def test_states_of_a_finished_run_come_from_its_results(finished: Path) -> None:
    (run,) = all_runs(finished)
    states = seed_states(run)
    assert [(state.seed, state.state, state.attempt, state.step) for state in states] == [
        (1, "completed", 1, 5),
        (2, "completed", 1, 5),
    ]
    assert states[0].loss == 2.500001


def test_logs_of_one_seed_stand_as_they_are_and_of_several_with_the_seed_before(finished: Path) -> None:
    (run,) = all_runs(finished)
    one, both = bytearray(), bytearray()
    follow(run, 1, one.extend, until_end=False)
    assert bytes(one) == b"".join(run.attempt(1, 1).log(phase).read_bytes() for phase in ("train", "eval"))
    follow(run, None, both.extend, until_end=True)
    assert both.count(b"seed 1 | ") == one.count(b"\n")
    with pytest.raises(UserError, match="has no seed 7; registered are 1, 2"):
        follow(run, 7, one.extend, until_end=False)


def test_a_lost_attempt_is_shown_to_its_end_and_a_line_without_end_in_parts(finished: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "some-00000000")
    first = run.new_attempt(1)
    first.log("train").write_bytes(b"one\nhalf")
    log, told = SeedLog(run, 1), bytearray()
    told.extend(b"".join(log.lines()))
    first.log("train").write_bytes(b"one\nhalf a line")
    second = run.new_attempt(1)
    second.log("train").write_bytes(b"y" * 3 * PIECE)
    second.log("eval").write_bytes(b"scored\n")
    parts = list(log.lines())
    assert bytes(told) == b"one\n"
    assert (parts[0], parts[-1]) == (b"half a line\n", b"scored\n")
    assert sum(part.count(b"y") for part in parts) == 3 * PIECE
    assert max(map(len, parts)) <= 2 * PIECE + 1


def test_a_run_whose_ledger_is_broken_is_shown_as_unknown_and_not_left_out(finished: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(finished / "runs", tmp_path / "runs")
    (run,) = all_runs(copied.parent)
    lines = run.ledger.read_bytes().splitlines(keepends=True)
    run.ledger.write_bytes(b"".join(lines[:2] + lines[3:]))
    done = golf(tmp_path, "status")
    assert done.returncode == 0, done.stderr
    assert "unknown" in done.stdout
    assert "completed" not in done.stdout
    refused = golf(tmp_path, "logs", JOB)
    assert refused.returncode == 2
    assert "ledger.jsonl:3: the ledger's chain is broken here" in refused.stderr


def test_a_result_that_is_not_the_ledgers_is_shown_as_unknown(finished: Path, tmp_path: Path) -> None:
    (run,) = all_runs(shutil.copytree(finished / "runs", tmp_path / "runs").parent)
    first, second = (run.attempt(seed, 1).result for seed in (1, 2))
    first.write_bytes(first.read_bytes()[:100])
    second.write_text(second.read_text().replace("2.500002", "1.500002"))
    assert [(state.state, state.loss) for state in seed_states(run)] == [("unknown", None)] * 2


def test_a_try_that_was_withdrawn_or_never_queued_leaves_its_seed_as_it_stood(finished: Path, tmp_path: Path) -> None:
    (run,) = all_runs(shutil.copytree(finished / "runs", tmp_path / "runs").parent)
    ledger = Ledger(run.ledger)
    ledger.append("queued", seed=1, attempt=2)
    ledger.append("withdrawn", seed=1, attempt=2)
    run.new_attempt(2)
    assert [(state.state, state.attempt) for state in seed_states(run)] == [("completed", 1)] * 2


def test_a_run_whose_driver_died_before_it_registered_a_seed_is_resumed(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_foreign_job(tmp_path, tiny_data, seeds="[1]", more="env: {PACE: '0.01'}\n")
    assert golf(tmp_path, "run", "theirs.yaml", "--local").returncode == 3
    (run,) = all_runs(tmp_path)
    shutil.rmtree(run.path / "seeds")
    run.ledger.unlink()
    assert golf(tmp_path, "resume", "theirs").returncode == 3
    assert [state.state for state in seed_states(run)] == ["completed"]
    run.job.write_bytes(run.job.read_bytes()[:50])
    refused = golf(tmp_path, "resume", "theirs")
    assert refused.returncode == 2
    assert "job.json: cannot be read, or is not as golf wrote it" in refused.stderr


def test_a_whole_ledger_is_verified_and_shows_registrations_and_launches(finished: Path) -> None:
    (run,) = all_runs(finished)
    done = golf(finished, "ledger", "verify", JOB)
    assert done.returncode == 0, done.stdout
    assert "chain whole" in done.stdout
    assert "seeds 1, 2" in done.stdout
    assert done.stdout.count("launched") == 2
    assert check_chain(run.ledger)[0]["job_sha256"]


def test_what_the_ledger_vouches_for_must_be_on_disk_unchanged(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = run_fake(plan_for(tiny_data, (1,)), tmp_path).folder
    assert audit_run(run).problems == []
    empty = run.new_attempt(1)  # its driver died before it could queue it
    assert audit_run(run).problems == []
    empty.log("train").touch()
    assert ["no entry of the ledger" in problem for problem in audit_run(run).problems] == [True]
    result = run.attempt(1, 1).result
    result.write_text(result.read_text().replace("2.5", "1.5"))
    assert "was changed after" in audit_run(run).problems[0]
    result.unlink()
    assert "is gone" in audit_run(run).problems[0]
    run.ledger.write_bytes(run.ledger.read_bytes().replace(b'"seed":1', b'"seed":3'))
    done = golf(tmp_path, "ledger", "verify", str(run.ledger))
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert "the ledger's chain is broken here" in done.stdout


def test_a_seed_that_was_launched_before_it_was_registered_is_a_problem(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("registered", seeds=[1])
    ledger.append("launched", seed=2, attempt=1)
    ledger.append("registered", seeds=[2])
    (problem,) = audit_ledger(ledger.path).problems
    assert "seed 2 was launched and only later registered" in problem


@pytest.mark.slow
def test_a_run_is_watched_and_stopped_from_outside_and_goes_on(tiny_data: DataRequest, tmp_path: Path) -> None:
    write_foreign_job(tmp_path, tiny_data, "watched", more="env: {PACE: '0.4'}\n")
    command = [sys.executable, "-m", "runner.cli", "run", "watched.yaml", "--local"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: any(state.step for run in all_runs(tmp_path) for state in seed_states(run)))
        (run,) = all_runs(tmp_path)
        assert [state.state for state in seed_states(run)] == ["training", "waiting for a node"]
        shown = golf(tmp_path, "status").stdout
        assert "running" in shown
        assert "training" in shown
        following = subprocess.Popen(
            [sys.executable, "-m", "runner.cli", "logs", "-f", "watched/1"], cwd=tmp_path, stdout=subprocess.PIPE
        )
        done = golf(tmp_path, "stop", "watched")
        assert done.returncode == 0, done.stderr
        assert "golf resume goes on" in done.stdout
        assert process.wait(timeout=5) == 130
        told, _ = following.communicate(timeout=30)
        assert b"warmup_step:2/2\n" in told
    assert marked("watched") == []  # other tests beside this one run a job of another name
    assert [state.state for state in seed_states(run)] == ["interrupted", "not started"]
    assert golf(tmp_path, "stop", "watched").stdout.endswith("nobody was at work on it\n")
    (tmp_path / "their_train.py").write_text("raise SystemExit('another script')")  # the run has its own copy
    done = golf(tmp_path, "resume", "watched")
    assert done.returncode == 3, done.stderr  # unverified: no fresh process scores it
    assert [state.state for state in seed_states(run)] == ["completed", "completed"]
    assert [folder.number for folder in run.attempts(1)] == [1, 2]
    assert golf(tmp_path, "ledger", "verify", "watched").returncode == 0
    assert len(json.loads(run.job.read_text())["seeds"]) == 2


def test_a_driver_on_another_machine_is_neither_called_dead_nor_killed(finished: Path) -> None:
    (run,) = all_runs(finished)
    note = json.loads(run.driver.read_text())
    elsewhere = RunFolder(finished / "elsewhere")
    elsewhere.path.mkdir()
    elsewhere.driver.write_text(json.dumps({**note, "host": "another-machine", "ended": False}))
    driver = driver_of(elsewhere)
    assert driver is not None
    assert driver.lives() is None
    with pytest.raises(UserError, match="its driver runs on another-machine"):
        stop_run(elsewhere)


def test_a_plan_of_a_foreign_script_says_what_is_not_known_beforehand(tiny_data: DataRequest, tmp_path: Path) -> None:
    write_foreign_job(tmp_path, tiny_data)
    done = golf(tmp_path, "plan", "theirs.yaml")
    assert done.returncode == 0, done.stderr
    assert "not known beforehand; cap 16,000,000" in done.stdout
    assert "stops when its script does" in done.stdout
    for words in (
        ["model", "summary", "theirs.yaml"],
        ["bundle", "theirs.yaml"],
        ["plan", "theirs.yaml", "--profile", "small"],
    ):
        refused = golf(tmp_path, *words)
        assert refused.returncode == 2
        assert "script" in refused.stderr
