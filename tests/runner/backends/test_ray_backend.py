"""Attempts on a real Ray cluster, with fake scripts: streaming, side by side, cut off, cancelled."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from ray.exceptions import NodeDiedError, RayTaskError

from runner.backends.backend import Lost
from runner.backends.cluster import LocalQueue, cluster_nodes, connect
from runner.backends.nodes import Need, Node
from runner.backends.ray_backend import RayBackend
from runner.backends.ray_environment import TOKEN
from runner.backends.ray_silence import QUIET_S
from runner.backends.ray_tasks import lost_reason
from runner.errors import UserError
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Finished, LogChunk, Message, Started
from runner.node.node_check import CheckOrder
from runner.node.orphans import marked
from tests.fixtures.fake_script import fake_script
from tests.runner.node.test_attempt import spec_for, trained_by

pytestmark = pytest.mark.usefixtures("ray_cluster")


def job_spec(name: str, seed: int, script: bytes) -> AttemptSpec:
    return spec_for(script, job=name, seed=seed)


def backend_for(data: DataRequest, side_by_side: int) -> RayBackend:
    return RayBackend(data, Need(PROFILES["cpu"], 1, 0), side_by_side, LocalQueue())


def assert_gone(marker: str, within: float) -> None:
    give_up = time.monotonic() + within
    while marked(marker):
        assert time.monotonic() < give_up, f"still alive: {marked(marker)}"
        time.sleep(0.05)


def test_seeds_run_side_by_side_and_each_stream_stays_whole(tiny_data: DataRequest) -> None:
    backend = backend_for(tiny_data, 2)
    for seed in (1, 2, 3):
        backend.submit(job_spec("side", seed, fake_script(step_seconds=0.2)))
    said: dict[int, list[Message | Lost]] = {1: [], 2: [], 3: []}
    order = []
    for spec, message in backend.messages():
        said[spec.seed].append(message)
        if isinstance(message, Started | Finished):
            order.append((type(message).__name__, spec.seed))
    assert {kind for kind, _ in order[:2]} == {"Started"}
    assert order.index(("Started", 3)) > min(order.index(("Finished", seed)) for seed in (1, 2))
    for seed, messages in said.items():
        last = messages[-1]
        assert isinstance(last, Finished)
        assert last.status == "completed", last.reason
        log = b"".join(m.data for m in messages if isinstance(m, LogChunk))
        assert log.count(f"seed:{seed}\n".encode()) == 2  # once in each phase, never spliced


def test_an_order_that_only_scores_takes_its_artifact_along_and_what_waits_is_taken_back(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    place = tmp_path / "weights"
    place.write_bytes(b"weights of seed 42")
    order = spec_for(fake_script(), job="scores", trained=trained_by(1, place.read_bytes()), artifact_at=str(place))
    backend = backend_for(tiny_data, 1)
    waits, checked = job_spec("scores", 2, b""), job_spec("scores", 3, b"")
    backend.submit(order)
    said = []
    for spec, message in backend.messages():
        assert spec.seed == 42
        said.append(message)
        if isinstance(message, ArtifactBytes):
            backend.submit(waits)
            backend.granted["scores/seed3/a1"] = checked, Node(2, 0, id="here")
            assert backend.withdraw() == [checked, waits]
    assert [m.data for m in said if isinstance(m, ArtifactBytes)] == [b"weights of seed 42"]
    assert {m.phase for m in said if isinstance(m, LogChunk)} == {"eval"}
    last = said[-1]
    assert isinstance(last, Finished)
    assert last.status == "completed", last.reason


def test_a_killed_worker_is_one_lost_message_and_leaves_nothing_behind(tiny_data: DataRequest) -> None:
    backend = backend_for(tiny_data, 1)
    backend.submit(job_spec("killed", 1, fake_script("hang")))
    lost, killed = [], set()
    for _, message in backend.messages():
        if isinstance(message, LogChunk):
            for worker in (p for p in psutil.process_iter() if "killed/seed1" in " ".join(safe_cmdline(p))):
                worker.send_signal(signal.SIGKILL)
                killed.add(worker.pid)
        if isinstance(message, Lost):
            lost.append(message.reason)
    assert len(killed) == 1
    assert len(lost) == 1
    assert "Worker" in lost[0]
    assert_gone("killed-seed1", within=5)


@pytest.mark.slow
def test_a_worker_that_is_halted_is_noticed_and_killed_with_all_that_it_started(tiny_data: DataRequest) -> None:
    backend = backend_for(tiny_data, 1)
    backend.submit(replace(job_spec("halted", 1, fake_script("hang")), stall_seconds=60))
    backend.submit(job_spec("after", 2, fake_script()))
    lost, halted = [], 0.0
    for spec, message in backend.messages():
        if isinstance(message, LogChunk) and spec.seed == 1 and not halted:
            os.kill(backend.silence.workers[next(iter(backend.running))][0], signal.SIGSTOP)
            halted = time.monotonic()
            backend.silence.heard = dict.fromkeys(backend.silence.heard, halted - 60)  # it has been silent for long
        if isinstance(message, Lost):
            lost.append((spec.seed, message.reason, time.monotonic() - halted))
    ((seed, reason, took),) = lost
    assert (seed, reason) == (1, "its Ray worker was halted, and was killed for it")
    assert took < 30
    assert_gone("halted-seed1", within=5)


def safe_cmdline(process: psutil.Process) -> list[str]:
    try:
        return [process.name(), *process.cmdline()]
    except psutil.Error:
        return []


def test_closing_cancels_within_three_seconds(tiny_data: DataRequest) -> None:
    backend = backend_for(tiny_data, 1)
    backend.submit(job_spec("closed", 1, fake_script("hang")))
    for _, message in backend.messages():
        if isinstance(message, LogChunk):
            break
    assert marked("closed-seed1")
    before = time.monotonic()
    backend.close()
    assert_gone("closed-seed1", within=3 - (time.monotonic() - before))


def test_the_nodes_tell_what_they_offer() -> None:
    (node,) = cluster_nodes()
    assert (node.cpus, node.gpus, node.accelerator) == (4, 0, "")


def test_an_address_where_nobody_answers_is_said_at_once() -> None:
    with pytest.raises(UserError, match=r"--address 127\.0\.0\.1:1: nobody answers there"):
        connect("127.0.0.1:1")


def test_a_cluster_of_our_own_asks_for_a_token_that_only_its_user_can_read() -> None:
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert TOKEN.stat().st_mode & 0o077 == 0


class Cancelled:
    """Stands for a task of which Ray never says anything."""


def test_what_a_dead_node_never_tells_is_not_waited_for(
    tiny_data: DataRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.cancel", lambda task, force=False: None)
    monkeypatch.setattr("ray.wait", lambda tasks, **options: ([], tasks))
    backend = backend_for(tiny_data, 1)
    backend.check = CheckOrder(PROFILES["cpu"], 0, 1, alone=False, imports=())
    silent, heard, asked = (job_spec("dead", seed, b"") for seed in (1, 2, 3))
    long_ago = time.monotonic() - QUIET_S - 1
    for spec, node, when in ((silent, "gone", long_ago), (heard, "gone", time.monotonic())):
        stream = Cancelled()
        backend.running[stream], backend.silence.heard[stream] = (spec, node), when
    backend.granted["dead/seed3/a1"] = asked, Node(2, 0, id="gone")
    backend.checks["gone"] = Cancelled()
    assert list(backend._start_checked()) == []
    assert list(backend.queue) == [asked]  # none of its tries
    (lost,) = backend._silent()
    assert lost[0] == silent
    assert "its node is dead and it has said nothing for 30 s" in lost[1].reason
    assert [spec for spec, _ in backend.running.values()] == [heard]
    assert list(backend.bad_nodes) == ["gone"]
    backend.living = {"gone"}
    backend.silence.heard = dict.fromkeys(backend.running, long_ago)
    assert list(backend._silent()) == []


def test_nothing_starts_on_a_node_that_a_task_called_dead_while_it_is_still_listed(
    tiny_data: DataRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(reference: object) -> None:
        died: Any = NodeDiedError
        raise died("its node is dead")

    backend = backend_for(tiny_data, 1)
    backend.nodes = lambda: [Node(2, 0, id="a"), Node(2, 0, id="b")]
    first, second = (job_spec("called", seed, b"") for seed in (1, 2))
    backend.running[stream := iter(["a word"])] = first, "a"
    monkeypatch.setattr("ray.get", dead)
    ((spec, lost),) = backend._hear(stream)
    assert (spec, isinstance(lost, Lost)) == (first, True)
    backend.running[object()] = second, "b"
    backend.submit(first, front=True)
    assert backend._place() == ""
    assert list(backend.queue) == [first]  # it waits for the other node, and not on this one
    backend.died["a"] -= QUIET_S
    backend.ask_next = 0.0
    assert backend._place() == ""
    assert backend.granted["called/seed1/a1"][1].id == "a"


def raised(error: Exception) -> Exception:
    """What Ray hands to a driver whose task raised this."""
    make: Any = RayTaskError
    seen: Exception = make("attempt_task", "Traceback ...", error).as_instanceof_cause()
    return seen


def test_what_a_nodes_system_refuses_costs_the_attempt_and_not_the_run() -> None:
    full = raised(OSError(28, "No space left on device", "/tmp/x"))
    assert lost_reason(full) == "on the node: [Errno 28] No space left on device: '/tmp/x'"
    with pytest.raises(KeyError):
        lost_reason(raised(KeyError("seed")))
