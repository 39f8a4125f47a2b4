"""The walk of `golf run` with fake scripts: what ends up on disk and in the verdict, and what a second run does."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.backends.backend import Backend, LocalBackend, Lost
from runner.backends.nodes import Node
from runner.drive.assess import JudgedRun
from runner.drive.opened_run import sole_driver
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.folder.ledger import Ledger, check_chain
from runner.folder.paths import RunFolder
from runner.job.load import job_from_mapping
from runner.job.open_data import DataRequest, open_requested
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import LogChunk, Message, Started
from runner.node.orphans import marked
from runner.plan.plan import Plan, make_plan
from runner.results.verdicts import SizeForecast
from runner.script.bundle import Script
from tests.fixtures.fake_script import PLAIN, fake_script
from tests.fixtures.tiny_data import VOCAB

JOB = f"fake{os.getpid()}"
"""Its processes are looked for on the whole machine, where these tests may run twice."""


def script_of(source: bytes) -> Script:
    return Script(source=source, flat="# twin\n", sha256=sha256_bytes(source))


def plan_for(data: DataRequest, seeds: tuple[int, ...] = (1, 2), **changes: object) -> Plan:
    mapping = {
        "name": JOB,
        "track": "local",
        "hardware": "cpu",
        "seeds": list(seeds),
        "data": {"path": data.folder, "tokenizer": data.tokenizer},
        "limits": {"train_seconds": 5, "eval_seconds": 5},
        "config": {
            "model": {"vocab_size": VOCAB, "model_dim": 32, "num_heads": 2, "num_kv_heads": 1, "num_layers": 2},
            "schedule": {"max_wallclock_seconds": 5},
            "batch": {"train_batch_tokens": 256, "train_seq_len": 16, "micro_batches": 1},
        },
        **changes,
    }
    job = job_from_mapping(mapping, source="test")
    return make_plan(job, open_requested(data), code_bytes=1000, nodes=[Node(2, 0)], launcher=PLAIN)


class Screen:
    """A console that is read back."""

    def __init__(self) -> None:
        self.buffer = io.StringIO()
        self.console = Console(file=self.buffer, width=200)

    @property
    def text(self) -> str:
        return self.buffer.getvalue()


def run_fake(plan: Plan, tmp_path: Path, behaviour: str = "good", backend: type[Backend] | None = None) -> JudgedRun:
    make = LocalBackend if backend is None else backend
    return run_plan(plan, script_of(fake_script(behaviour)), tmp_path, Screen().console, make)


def statuses(done: JudgedRun) -> dict[int, str]:
    return {result.seed: result.status for result in done.data.results}


def checks(done: JudgedRun, name: str) -> set[str]:
    return {check.status for check in done.data.verdict.checks if check.name == name}


def test_every_seed_leaves_its_files_and_its_place_in_the_ledger(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan = plan_for(tiny_data)
    done = run_fake(plan, tmp_path)
    assert statuses(done) == {1: "completed", 2: "completed"}
    folder = done.folder
    assert folder.path.parent == tmp_path / "runs"
    assert folder.path.name == f"{JOB}-{plan.hash8(done.script.sha256)}"
    assert json.loads(folder.job.read_text())["name"] == JOB
    assert folder.script.read_bytes() == done.script.source
    for seed in (1, 2):
        (attempt,) = folder.attempts(seed)
        assert attempt.artifact("final_model.ptz").read_bytes() == b"weights of seed %d" % seed
        assert f"seed:{seed}".encode() in attempt.log("train").read_bytes()
        assert b"final_score" in attempt.log("eval").read_bytes()
    kinds = [entry["kind"] for entry in check_chain(folder.ledger)]
    assert kinds[0] == "registered"
    assert kinds.count("launched") == kinds.count("finished") == 2
    assert done.data.ledger == {"registrations": 1, "launches": 2, "completed": 2}


def test_what_the_records_pages_need_is_collected(tiny_data: DataRequest, tmp_path: Path) -> None:
    data = run_fake(plan_for(tiny_data, notes=["tried this"]), tmp_path).data
    assert [(launch.seed, launch.attempt, launch.status) for launch in data.launches] == [
        (1, 1, "completed"),
        (2, 1, "completed"),
    ]
    assert all(launch.seconds is not None for launch in data.launches)
    assert (data.gpus_per_seed, data.dollars_per_hour) == (0, None)
    assert [curve.losses for curve in data.curves] == [[2.9, 2.8, 2.7, 2.6, 2.5]] * 2
    assert data.job["notes"] == ["tried this"]
    assert data.changes is not None
    assert "config.model.model_dim" in {change.field for change in data.changes.fields}
    assert [one.title for one in data.attributions] == ["activation of the MLP", "Muon"]
    assert (data.data.tokenizer, data.data.official_tokenizer) == ("tokenizer.model", None)


def test_sizes_are_counted_from_disk_and_clocks_stamped(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_fake(plan_for(tiny_data), tmp_path)
    for verification, result in zip(done.data.verifications, done.data.results, strict=True):
        assert verification.code_bytes == len(done.script.source)
        assert verification.artifact_bytes == len(b"weights of seed 1")
        assert result.train is not None
        assert result.train.clock is not None
    assert checks(done, "bytes_total") == checks(done, "train_clock") == checks(done, "eval_clock") == {"pass"}
    assert checks(done, "one_script") == checks(done, "seeds_complete") == {"pass"}


def test_a_record_names_no_folder_of_this_machine(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_fake(plan_for(tiny_data, (1,)), tmp_path)
    assert done.data.job["data"]["tokenizer"] == "tokenizer.model"
    assert str(tmp_path.parent) not in done.data.model_dump_json()


def test_scores_that_are_not_of_the_data_are_rejected(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_fake(plan_for(tiny_data), tmp_path)  # the fake claims 100 tokens; the shards hold more
    assert done.data.verdict.status == "rejected"
    assert any("tokens" in reason for reason in done.data.verdict.reasons)


def test_a_second_run_keeps_what_is_finished_and_says_so(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan, script = plan_for(tiny_data), script_of(fake_script())
    first = run_plan(plan, script, tmp_path, Screen().console, LocalBackend)
    screen = Screen()
    second = run_plan(plan, script, tmp_path, screen.console, never)
    assert "seed 1: already finished (attempt 1), kept" in screen.text
    assert second.data.results == first.data.results
    assert second.data.ledger == first.data.ledger


def never(data: DataRequest) -> Backend:
    raise AssertionError("nothing was left to run")


def test_running_some_of_the_seeds_again_does_not_choose_which_count(tiny_data: DataRequest, tmp_path: Path) -> None:
    all_of_them = run_fake(plan_for(tiny_data, (1, 2, 3)), tmp_path)
    best_one = run_fake(plan_for(tiny_data, (2,)), tmp_path)
    assert best_one.data.results == all_of_them.data.results
    assert best_one.data.job["seeds"] == [1, 2, 3]


def test_a_registered_seed_that_never_finished_fails_the_record(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan, script = plan_for(tiny_data, (1, 2)), script_of(fake_script(step_seconds=0.05))
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, script, tmp_path, Screen().console, Interrupting)
    done = run_plan(plan_for(tiny_data, (1,)), script, tmp_path, Screen().console, LocalBackend)
    assert statuses(done) == {1: "completed"}
    assert checks(done, "seeds_complete") == {"fail"}
    assert done.data.verdict.status == "rejected"


def test_an_edited_result_is_run_again_and_that_is_said(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan, script, screen = plan_for(tiny_data, (1,)), script_of(fake_script()), Screen()
    first = run_fake(plan, tmp_path)
    (attempt,) = first.folder.attempts(1)
    attempt.result.write_text(attempt.result.read_text().replace('"val_loss": 2.5', '"val_loss": 1.5'))
    second = run_plan(plan, script, tmp_path, screen.console, LocalBackend)
    assert "seed 1: attempt 1 completed, but its result or artifact is gone or was changed" in screen.text
    assert second.data.results[0].attempt == 2
    assert second.data.results[0].final_score == first.data.results[0].final_score
    assert second.data.ledger["launches"] == 2


def test_a_seed_added_later_is_a_new_registration(tiny_data: DataRequest, tmp_path: Path) -> None:
    run_fake(plan_for(tiny_data, (1,)), tmp_path)
    done = run_fake(plan_for(tiny_data, (1, 5)), tmp_path)
    assert statuses(done) == {1: "completed", 5: "completed"}
    registered = [entry["seeds"] for entry in check_chain(done.folder.ledger) if entry["kind"] == "registered"]
    assert registered == [[1], [5]]
    assert done.data.ledger["launches"] == 2


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [
        ("crash", "failed", "exit code 7"),
        ("nan", "failed", "exit code 3"),
        ("no_artifact", "failed", "wrote no artifact"),
    ],
)
def test_a_bad_script_ends_rejected_with_a_complete_folder(
    tiny_data: DataRequest, tmp_path: Path, behaviour: str, status: str, reason: str
) -> None:
    done = run_fake(plan_for(tiny_data, (1,)), tmp_path, behaviour)
    assert statuses(done) == {1: status}
    assert reason in done.data.results[0].reason
    assert done.data.verdict.status == "rejected"
    assert done.folder.attempts(1)[0].result.is_file()
    assert done.data.results[0].log.saw_nan is (behaviour == "nan")


def test_processes_that_disagree_are_rejected(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_fake(plan_for(tiny_data, (1,)), tmp_path, "disagree")
    assert checks(done, "process_agreement") == {"fail"}


class Flaky(LocalBackend):
    """Loses the first attempts of seed 1, as a dying node would."""

    losses = 0
    most = 1

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue:
            if self.queue[0].seed == 1 and Flaky.losses < Flaky.most:
                spec = self.queue.popleft()
                yield spec, Started("node", "folder")
                yield spec, LogChunk("train", b"half a line")
                Flaky.losses += 1
                yield spec, Lost("NodeDiedError: gone")
                continue
            waiting, self.queue = self.queue, type(self.queue)([self.queue.popleft()])
            yield from super().messages()
            self.queue.extend(item for item in waiting if item not in self.queue)


@pytest.mark.parametrize(("losses", "expected"), [(1, "completed"), (2, "completed"), (3, "lost")])
def test_a_lost_seed_is_run_again_at_most_three_times(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: int, expected: str
) -> None:
    monkeypatch.setattr(Flaky, "losses", 0)
    monkeypatch.setattr(Flaky, "most", losses)
    done = run_fake(plan_for(tiny_data), tmp_path, backend=Flaky)
    assert statuses(done) == {1: expected, 2: "completed"}
    assert len(done.folder.attempts(1)) == min(losses + 1, 3)
    assert done.data.ledger["lost"] == losses
    if expected == "completed":
        assert b"half a line" not in done.folder.attempts(1)[-1].log("train").read_bytes()


class Interrupting(LocalBackend):
    """Raises in the driver while the first seed trains, as Ctrl-C does."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        for spec, message in super().messages():
            yield spec, message
            if isinstance(message, LogChunk):
                raise KeyboardInterrupt


def test_an_interrupt_leaves_no_process_and_no_result_and_the_next_run_goes_on(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan, script = plan_for(tiny_data), script_of(fake_script(step_seconds=0.05))
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, script, tmp_path, Screen().console, Interrupting)
    assert marked(JOB) == []
    folder = RunFolder(tmp_path / "runs" / f"{JOB}-{plan.hash8(script.sha256)}")
    assert not folder.attempts(1)[0].result.exists()
    assert folder.attempts(2) == []  # never started: withdrawn
    done = run_plan(plan, script, tmp_path, Screen().console, LocalBackend)
    assert statuses(done) == {1: "completed", 2: "completed"}
    assert done.data.ledger == {"registrations": 1, "launches": 3, "completed": 2, "interrupted": 1}


class Full(LocalBackend):
    """The driver's disk takes no more log."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        for spec, message in super().messages():
            if isinstance(message, LogChunk):
                raise OSError(28, "No space left on device")
            yield spec, message


def test_a_full_disk_stops_everything_and_the_next_run_goes_on(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan, script = plan_for(tiny_data, (1,)), script_of(fake_script("good", 0.05))
    with pytest.raises(OSError, match=rf"No space left on device: '.*runs/{JOB}-"):
        run_plan(plan, script, tmp_path, Screen().console, Full)
    assert marked(JOB) == []
    assert statuses(run_plan(plan, script, tmp_path, Screen().console, LocalBackend)) == {1: "completed"}


def test_seeds_whose_artifacts_cannot_fit_on_the_disk_are_refused_before_anything_counts(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan = plan_for(tiny_data)
    huge = replace(plan, forecast=SizeForecast(low=10**15, high=10**15, basis="a test"))
    with pytest.raises(
        UserError, match=r"the artifacts of 2 seeds take at least 2,000,000,000,000,000 bytes, .* free"
    ):
        run_fake(huge, tmp_path)
    folder = next((tmp_path / "runs").iterdir())
    assert not (folder / "ledger.jsonl").exists()
    assert not list(folder.glob("seeds/*"))
    run_fake(plan, tmp_path)
    again = run_fake(huge, tmp_path)  # what is finished takes no room any more
    assert statuses(again) == {1: "completed", 2: "completed"}


def test_two_drivers_on_one_job_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with sole_driver(folder), pytest.raises(UserError, match="another golf is running"), sole_driver(folder):
        pass
    with sole_driver(folder):
        assert folder.lock.exists()


class FullAtTheEnd(LocalBackend):
    """The driver's disk is full when a seed has ended; a short word still finds room."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        append = Ledger.append

        def full(ledger: Ledger, kind: str, **facts: object) -> None:
            if kind == "finished":
                raise OSError(28, "No space left on device")
            append(ledger, kind, **facts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Ledger, "append", full)
            yield from super().messages()


def test_a_result_on_disk_is_never_called_interrupted_and_its_seed_not_run_again(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan, script = plan_for(tiny_data, (1,)), script_of(fake_script())
    with pytest.raises(OSError, match="No space left on device"):
        run_plan(plan, script, tmp_path, Screen().console, FullAtTheEnd)
    done = run_plan(plan, script, tmp_path, Screen().console, never)
    assert statuses(done) == {1: "completed"}
    assert done.data.ledger == {"registrations": 1, "launches": 1, "completed": 1}
