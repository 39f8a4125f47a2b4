"""Seeds that are cut off or fail: which are tried again, how often, in what order, and what is said in the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from runner.backends.backend import Backend, Lost, Waiting
from runner.drive.assess import JudgedRun
from runner.drive.retry import ended_by_itself, may_be_chance
from runner.drive.run import run_plan
from runner.files import sha256_bytes
from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Finished, LogChunk, Message, Started
from runner.results import Host, LogFacts, PhaseResult
from tests.fixtures.results import phase, run_result
from tests.runner.drive.test_run import Screen, plan_for, script_of, statuses

HOST = Host(node="n", hardware="cpu", device="d", cpus=1, nproc=1, versions={})


def died(code: int | None, status: str = "failed") -> Finished:
    """An attempt whose training process ended so."""
    return Finished(status, "it died", phase("train", 1.0, returncode=code), None, HOST)  # type: ignore[arg-type]


class Scripted(Waiting):
    """Attempts that end as the test says, without any process: how(spec) gives the last message, None a good end."""

    def __init__(self, how: Callable[[AttemptSpec], Finished | Lost | None]) -> None:
        super().__init__()
        self.how = how
        self.started: list[tuple[int, int]] = []
        self.specs: list[AttemptSpec] = []

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue:
            spec = self.queue.popleft()
            self.started.append((spec.seed, spec.attempt))
            self.specs.append(spec)
            yield spec, Started("node", "folder")
            yield spec, LogChunk("train", b"step:1/5 train_loss:2.5 train_time:20ms step_avg:20.00ms\nlast words\n")
            end = self.how(spec)
            if end is None:
                weights = b"weights of seed %d" % spec.seed
                yield spec, ArtifactBytes("final_model.ptz", weights, sha256_bytes(weights))
                end = Finished("completed", "", phase("train", 1.0), phase("eval", 1.0), HOST)
            yield spec, end
            yield spec, Lost("its worker died while it cleared up")

    def close(self) -> None:
        """Nothing runs."""


def run(
    data: DataRequest, folder: Path, how: Callable[[AttemptSpec], Finished | Lost | None], **job: object
) -> tuple[JudgedRun, Scripted]:
    backend = Scripted(how)
    done = run_plan(plan_for(data, **job), script_of(b"#"), folder, Screen().console, lambda request: backend)  # type: ignore[arg-type]
    return done, backend


@pytest.mark.parametrize("end", [died(1), died(-9), died(None), died(None, "lost"), Lost("NodeDiedError: gone")])
def test_a_seed_that_dies_three_times_is_reported_with_its_last_lines_and_the_others_finish(
    tiny_data: DataRequest, tmp_path: Path, end: Finished | Lost
) -> None:
    done, backend = run(tiny_data, tmp_path, lambda spec: end if spec.seed == 1 else None, seeds=(1, 2, 3))
    assert [attempt for seed, attempt in backend.started if seed == 1] == [1, 2, 3]
    found = statuses(done)
    assert found.pop(1) in ("failed", "lost")
    assert found == {2: "completed", 3: "completed"}
    assert "| last words" in done.data.results[0].reason
    assert done.data.verdict.status == "rejected"


def test_a_seed_that_dies_twice_completes_at_its_third_try(tiny_data: DataRequest, tmp_path: Path) -> None:
    done, _ = run(tiny_data, tmp_path, lambda spec: died(-9) if spec.attempt < 3 else None, seeds=(1,))
    assert statuses(done) == {1: "completed"}
    assert done.data.ledger == {"registrations": 1, "launches": 3, "completed": 1, "failed": 2}


def test_a_lost_seed_goes_ahead_of_the_queue_and_a_failed_one_behind_it(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    def how(spec: AttemptSpec) -> Finished | Lost | None:
        if spec.attempt > 1:
            return None
        ends: dict[int, Finished | Lost] = {1: Lost("NodeDiedError: gone"), 2: died(1)}
        return ends.get(spec.seed)

    _, backend = run(tiny_data, tmp_path, how, seeds=(1, 2, 3))
    assert backend.started == [(1, 1), (1, 2), (2, 1), (3, 1), (2, 2)]


def test_the_job_says_how_many_tries(tiny_data: DataRequest, tmp_path: Path) -> None:
    done, backend = run(tiny_data, tmp_path, lambda spec: died(1), seeds=(1,), tries=1)
    assert backend.started == [(1, 1)]
    assert statuses(done) == {1: "failed"}


@pytest.mark.parametrize(
    ("result", "chance"),
    [
        (run_result(), False),
        (run_result(status="lost", train=None, eval=None), True),
        (run_result(status="timeout", eval=None), False),
        (run_result(status="failed", train=phase("train", 1, returncode=-11), eval=None, final_score=None), True),
        (run_result(status="failed", train=phase("train", 1, returncode=1), eval=None, final_score=None), True),
        (run_result(status="failed", train=phase("train", 1, returncode=1), eval=None), False),
        (run_result(status="failed", train=phase("train", 1, returncode=2), eval=None), False),
        (run_result(status="failed", train=phase("train", 1, returncode=3), eval=None), False),
        (run_result(status="failed", train=phase("train", 1, returncode=0), eval=None), False),
        (run_result(status="failed", eval=phase("eval", 1, returncode=-9), final_score=None), True),
        (run_result(status="failed", eval=phase("eval", 1, returncode=-9)), False),
        (
            run_result(status="failed", train=phase("train", 1, returncode=1), eval=None, log=LogFacts(saw_nan=True)),
            False,
        ),
    ],
)
def test_only_an_end_that_chance_may_have_made_is_tried_again(result: object, chance: bool) -> None:
    assert may_be_chance(result) is chance  # type: ignore[arg-type]


def test_a_later_run_starts_a_failed_seed_afresh_and_goes_on_with_one_that_was_cut_off(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run(tiny_data, tmp_path, lambda spec: died(1) if spec.seed == 1 else Lost("gone"), seeds=(1, 2), tries=1)
    done, backend = run(tiny_data, tmp_path, lambda spec: None, seeds=(1, 2), tries=1)
    assert {spec.seed: spec.afresh for spec in backend.specs} == {1: True, 2: False}
    assert not ended_by_itself([])
    assert statuses(done) == {1: "completed", 2: "completed"}
    kinds = [entry["kind"] for entry in check_chain(done.folder.ledger)]
    assert kinds.count("launched") == 4


def test_backends_are_backends() -> None:
    backend: Backend = Scripted(lambda spec: None)
    assert isinstance(phase("train", 1.0), PhaseResult)
    backend.close()
