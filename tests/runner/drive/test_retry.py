"""Seeds that are cut off or fail: which are tried again, how often, in what order, and what is said in the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from runner.backends.backend import Backend, Lost, Waiting
from runner.drive.assess import JudgedRun
from runner.drive.retry import Failures, ended_by_itself, is_same_failure, is_telling, may_be_chance
from runner.drive.run import run_plan
from runner.drive.watch.status import seed_states
from runner.files import sha256_bytes
from runner.folder.ledger import check_chain
from runner.folder.ledger_check import audit_run
from runner.folder.paths import RunFolder
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Finished, LogChunk, Message, Started
from runner.results.nodes import Host
from runner.results.phases import LogFacts, PhaseResult
from runner.results.runs import Failure
from tests.fixtures.results import phase, run_result
from tests.runner.drive.test_run import Screen, plan_for, script_of, statuses

HOST = Host(node="n", hardware="cpu", device="d", cpus=1, nproc=1, versions={})


def died(code: int | None, status: str = "failed") -> Finished:
    """An attempt whose training process ended so."""
    told = f"the train process ended with exit code {code}"
    return Finished(status, told, phase("train", 1.0, returncode=code), None, HOST)  # type: ignore[arg-type]


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
    data: DataRequest,
    folder: Path,
    how: Callable[[AttemptSpec], Finished | Lost | None],
    screen: Screen | None = None,
    kind: type[Scripted] | None = None,
    **job: object,
) -> tuple[JudgedRun, Scripted]:
    backend = (kind or Scripted)(how)
    console = (screen or Screen()).console
    done = run_plan(plan_for(data, **job), script_of(b"#"), folder, console, lambda request: backend)  # type: ignore[arg-type]
    return done, backend


@pytest.mark.parametrize("end", [died(-9), died(137), died(None), died(None, "lost"), Lost("NodeDiedError: gone")])
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


def test_a_seed_that_fails_the_same_way_twice_is_not_tried_again_and_seeds_that_can_do_it_run(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    screen = Screen()
    done, backend = run(
        tiny_data, tmp_path, lambda spec: died(1) if spec.seed == 1 else None, screen, seeds=(1, 2, 3)
    )
    assert backend.started == [(1, 1), (2, 1), (3, 1), (1, 2)]
    assert statuses(done) == {1: "failed", 2: "completed", 3: "completed"}
    assert done.data.stopped == ""
    assert (
        "seed 1 is not tried again: the same failure twice: exit code 1 of training after 10.5 s "
        "(seed 1 attempt 1, then seed 1 attempt 2)" in screen.text
    )


def test_the_same_failure_in_two_seeds_ends_the_run_and_what_waits_is_withdrawn_and_told(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    screen = Screen()
    done, backend = run(tiny_data, tmp_path, lambda spec: died(1), screen, seeds=(1, 2, 3, 4))
    assert backend.started == [(1, 1), (2, 1)]
    assert statuses(done) == {1: "failed", 2: "failed"}
    why = "the same failure twice: exit code 1 of training after 10.5 s (seed 1 attempt 1, then seed 2 attempt 1)"
    assert done.data.stopped == why
    assert f"stopped: {why}; never started: seed 3, 4" in screen.text
    entries = check_chain(done.folder.ledger)
    withdrawn = [(e["seed"], e["attempt"], e["reason"]) for e in entries if e["kind"] == "withdrawn"]
    assert withdrawn == [(3, 1, why), (4, 1, why), (1, 2, why)]
    assert not list(done.folder.path.glob("seeds/[34]/*"))
    assert done.data.verdict.status == "rejected"
    assert "seeds 3, 4 never ran" in done.data.verdict.reasons[0]
    rows = {state.seed: (state.state, state.note) for state in seed_states(done.folder)}
    assert rows == {
        1: ("failed", "the train process ended with exit code 1"),
        2: ("failed", "the train process ended with exit code 1"),
        3: ("not started", "the same failure twice"),
        4: ("not started", "the same failure twice"),
    }
    assert audit_run(done.folder).problems == []


def test_a_run_that_was_stopped_goes_on_when_it_is_given_again(tiny_data: DataRequest, tmp_path: Path) -> None:
    run(tiny_data, tmp_path, lambda spec: died(1), seeds=(1, 2, 3))
    done, backend = run(tiny_data, tmp_path, lambda spec: None, seeds=(1, 2, 3))
    assert backend.started == [(1, 2), (2, 2), (3, 1)]
    assert done.data.stopped == ""


class SideBySide(Scripted):
    """All seeds have begun before the first one ends."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        begun = [self.queue.popleft() for _ in range(3)]
        for spec in begun:
            self.started.append((spec.seed, spec.attempt))
            yield spec, Started("node", "folder")
        for spec in begun:
            yield spec, self.how(spec) or died(None)
        yield from super().messages()


def test_seeds_that_run_when_a_run_is_stopped_run_on_and_are_not_tried_again(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    def how(spec: AttemptSpec) -> Finished | Lost | None:
        return died(1) if spec.seed < 3 else Lost("NodeDiedError: gone")

    done, backend = run(tiny_data, tmp_path, how, kind=SideBySide, seeds=(1, 2, 3, 4))
    assert backend.started == [(1, 1), (2, 1), (3, 1)]
    assert statuses(done) == {1: "failed", 2: "failed", 3: "lost"}


BUG = Failure(phase="eval", exit_code=1, seconds=60.0, error="ValueError", message="x", place="train_gpt.py:4 in f")
EXIT = Failure(phase="train", exit_code=7, seconds=60.0)
NO_FRAME = Failure(phase="train", exit_code=1, seconds=60.0, error="OSError", message="x")
GOOD_END = Failure(phase="train", exit_code=0, seconds=60.0)


@pytest.mark.parametrize(
    ("one", "changes", "same"),
    [
        (BUG, {"seconds": 5.0, "message": "y"}, True),
        (BUG, {"place": "train_gpt.py:5 in f"}, False),
        (BUG, {"error": "KeyError"}, False),
        (BUG, {"phase": "train"}, False),
        (BUG, {"place": ""}, False),
        (BUG, {"error": "torch.OutOfMemoryError", "message": "CUDA out of memory."}, False),
        (EXIT, {"seconds": 64.9}, True),
        (EXIT, {"seconds": 65.0}, True),
        (EXIT, {"seconds": 65.1}, False),
        (EXIT, {"seconds": 55.0}, True),
        (EXIT, {"exit_code": 8}, False),
        (EXIT, {"phase": "eval"}, False),
        (NO_FRAME, {"seconds": 61.0}, True),
        (NO_FRAME, {"seconds": 90.0}, False),
        (GOOD_END, {"seconds": 600.0}, True),
    ],
)
def test_two_failures_are_the_same_at_the_same_place_or_the_same_moment(
    one: Failure, changes: dict[str, object], same: bool
) -> None:
    assert is_same_failure(one, one.model_copy(update=changes)) is same


def test_the_same_moment_of_a_long_run_is_a_share_of_it() -> None:
    long = EXIT.model_copy(update={"seconds": 1000.0})
    for seconds, same in ((1020.0, True), (1021.0, False), (980.0, True), (979.9, False)):
        assert is_same_failure(long, long.model_copy(update={"seconds": seconds})) is same
        assert is_same_failure(long.model_copy(update={"seconds": seconds}), long) is same


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({}, True),
        ({"error": "torch.OutOfMemoryError", "message": "CUDA out of memory. Tried to allocate 2 GiB"}, True),
        ({"error": "OSError", "message": "[Errno 28] No space left on device"}, False),
        ({"error": "OSError", "message": "[Errno 5] Input/output error"}, False),
        ({"error": "OSError", "message": "[Errno 2] No such file or directory: 'x'"}, True),
        ({"error": "RuntimeError", "message": "CUDA error: uncorrectable ECC error encountered"}, False),
        ({"exit_code": -9}, False),
        ({"exit_code": -15}, False),
        ({"exit_code": 137}, False),
        ({"exit_code": 143}, False),
        ({"exit_code": -11}, True),
        ({"exit_code": -6}, True),
        ({"exit_code": 2}, True),
        ({"exit_code": 3, "error": "", "place": ""}, False),
        ({"exit_code": 3}, True),
    ],
)
def test_a_kill_a_loss_that_is_no_number_and_the_nodes_own_trouble_say_nothing_of_the_script(
    changes: dict[str, object], telling: bool
) -> None:
    failure = BUG.model_copy(update=changes)
    assert is_telling(failure) is telling
    assert is_same_failure(failure, failure) is telling
    if not telling:
        assert not is_same_failure(failure, BUG)
        assert not is_same_failure(BUG, failure)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "lost"},
        {"status": "timeout"},
        {"failure": None},
        {"log": LogFacts(saw_nan=True)},
    ],
)
def test_only_failures_of_the_script_are_remembered(changes: dict[str, object]) -> None:
    failures = Failures()
    for seed in (1, 2):
        result = run_result(seed, **{"status": "failed", "failure": BUG, "final_score": None, **changes})
        assert failures.earlier(result) == ""


@pytest.mark.parametrize(("code", "chance"), [(0, False), (1, True), (2, False), (3, False), (4, True), (-9, True)])
@pytest.mark.parametrize("known", [True, False])
def test_the_exit_codes_by_which_a_script_says_how_it_ended_are_no_chance(
    code: int, chance: bool, known: bool
) -> None:
    """With what its log shows of the failure, and without."""
    shown = Failure(phase="train", exit_code=code, seconds=1.0) if known else None
    train = phase("train", 1.0, returncode=1 if known else code)
    result = run_result(status="failed", train=train, eval=None, final_score=None, failure=shown)
    assert may_be_chance(result) is chance
    scored = run_result(status="failed", eval=phase("eval", 1.0, returncode=code), final_score=None)
    assert may_be_chance(scored) is chance


def test_an_attempt_that_failed_before_any_process_began_may_be_chance() -> None:
    assert may_be_chance(run_result(status="failed", train=None, eval=None, final_score=None))


def test_the_newest_attempt_alone_says_whether_a_seed_ended_by_itself(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    attempts = [run.new_attempt(7) for _ in range(3)]
    for attempt, status in zip(attempts, ("failed", "completed", "timeout"), strict=True):
        attempt.result.write_text(run_result(7, status=status).model_dump_json())
    assert [ended_by_itself(attempts[:count]) for count in range(4)] == [False, True, False, True]


def test_the_attempt_that_failed_so_before_is_named() -> None:
    failures = Failures()
    told = [failures.earlier(run_result(seed, status="failed", failure=BUG)) for seed in (4, 5, 6)]
    assert told == ["", "seed 4 attempt 1", "seed 4 attempt 1"]


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
        (run_result(status="timeout", eval=None, final_score=None), False),
        (run_result(status="timeout", train=phase("train", 1, returncode=-9), eval=None, final_score=None), False),
        (run_result(status="completed", train=phase("train", 1, returncode=-9), eval=None, final_score=None), False),
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
