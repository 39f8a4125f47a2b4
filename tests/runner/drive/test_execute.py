"""What is said before a run starts on this machine's CPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.backends.nodes import Node
from runner.drive.execute import Meanwhile, cpus_of_ours, shown_to, warn_of_slow_steps
from runner.drive.run import run_plan
from runner.drive.which_run import all_finished
from runner.job.open_data import DataRequest
from runner.plan.plan import Plan, make_plan
from runner.plan.step_time import Speed
from runner.results.phases import Artifact
from tests.fixtures.commands import forked_golf, golf
from tests.fixtures.fake_script import fake_script
from tests.fixtures.places import ROOT
from tests.fixtures.tiny_data import VOCAB
from tests.runner.drive.test_run import Screen, plan_for, run_fake, script_of
from tests.runner.folder.test_runs import write_foreign_job

LARGE = {
    "model": {"vocab_size": VOCAB},
    "batch": {"train_seq_len": 16},
    "schedule": {"max_wallclock_seconds": 5, "warmup_steps": 3},
}


class Probe:
    """A speed, and how often it was asked for."""

    asked = 0

    def __call__(self) -> Speed:
        self.asked += 1
        return {"float32": 1.0}


def said_of(plan: Plan, probe: Probe) -> list[str]:
    screen = Screen()
    warn_of_slow_steps(plan, screen.console, probe)
    return screen.text.splitlines()


def test_a_run_of_slow_steps_is_warned_about_once_and_not_refused(tiny_data: DataRequest) -> None:
    probe = Probe()
    (line,) = said_of(plan_for(tiny_data, config=LARGE), probe)
    assert line.startswith("warning: a step takes about ")
    assert "3 warm-up steps take about " in line
    assert line.endswith("the 5 s of training hold about 1 step; --profile small rehearses the job in about a minute")
    assert probe.asked == 1


def test_a_small_job_is_started_without_a_probe(tiny_data: DataRequest) -> None:
    probe = Probe()
    assert said_of(plan_for(tiny_data), probe) == []
    assert probe.asked == 0


def test_nothing_is_said_of_a_gpu(tiny_data: DataRequest, tmp_path: Path) -> None:
    probe = Probe()
    plan = plan_for(tiny_data, config=LARGE)
    job = plan.job.model_copy(update={"hardware": "h100x1"})
    assert said_of(make_plan(job, plan.data, 1000, [Node(8, 1, "H100")]), probe) == []
    assert probe.asked == 0


@pytest.mark.parametrize(
    ("changes", "cores", "offered"),
    [
        ({"concurrent": 3}, 2, 3),
        ({"concurrent": 3}, 3, None),
        ({"concurrent": 5}, 2, 3),  # there are three seeds
        ({"concurrent": 2, "threads": 2, "nproc": 2}, 4, 8),
        ({"concurrent": 1}, 2, None),
        ({"concurrent": 2, "threads": 4}, 2, None),
    ],
)
def test_seeds_that_are_to_run_side_by_side_share_the_cores_there_are(
    tiny_data: DataRequest, changes: dict[str, int], cores: int, offered: int | None
) -> None:
    job = plan_for(tiny_data).job.model_copy(update={"seeds": (1, 2, 3), **changes})
    assert cpus_of_ours(job, cores) == offered


def test_a_run_whose_seeds_have_all_finished_is_known_by_what_lies_on_disk(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan, script = plan_for(tiny_data, (1, 2)), script_of(fake_script())
    assert not all_finished(plan, script, tmp_path)
    done = run_fake(plan, tmp_path)
    before = done.folder.ledger.read_bytes()
    assert all_finished(plan, script, tmp_path)
    assert not all_finished(plan_for(tiny_data, (1, 2, 3)), script, tmp_path)
    assert not all_finished(plan, script_of(fake_script("crash")), tmp_path)
    done.folder.ledger.write_bytes(before + b'{"torn')
    assert not all_finished(plan, script, tmp_path)
    assert done.folder.ledger.read_bytes() == before + b'{"torn', "somebody who only looks mends nothing"
    done.folder.ledger.write_bytes(before)
    done.folder.attempt(2, 1).artifact("final_model.ptz").write_bytes(b"other")
    assert not all_finished(plan, script, tmp_path)


def test_a_finished_job_is_told_again_without_a_ray(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_foreign_job(tmp_path, tiny_data, "over", seeds="[1]", more="env: {PACE: '0.01'}\n")
    first = forked_golf(tmp_path, "run", "over.yaml", "--local")
    assert first.returncode == 3, first.stderr
    (tmp_path / "broken" / "ray").mkdir(parents=True)
    (tmp_path / "broken" / "ray" / "__init__.py").write_text("raise RuntimeError('Ray was started')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'broken'}{os.pathsep}{ROOT}")
    again = golf(tmp_path, "run", "over.yaml")
    assert (again.returncode, "already finished (attempt 1), kept" in again.stdout) == (3, True), again.stderr
    more = golf(tmp_path, "run", "over.yaml", "--seeds", "1,2")
    assert "Ray was started" in more.stderr, "the test could not see it"


def test_what_a_run_needs_at_its_end_is_had_once_while_its_seeds_run(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan, script, calls = plan_for(tiny_data), script_of(fake_script("good")), []
    watch = Meanwhile(plan, script, tmp_path, lambda: calls.append("loaded"))
    done = run_plan(plan, script, tmp_path, Screen().console, observe=watch)
    assert [result.status for result in done.data.results] == ["completed", "completed"]
    assert calls == ["loaded"]
    assert watch.looking
    assert done.folder.packed.is_file()


def test_an_artifact_that_is_gone_before_it_is_looked_at_is_no_fault(tiny_data: DataRequest, tmp_path: Path) -> None:
    watch = Meanwhile(plan_for(tiny_data), script_of(fake_script("good")), tmp_path, None)
    watch.look(tmp_path / "final_model.ptz", Artifact(file="final_model.ptz", bytes=9, sha256="0" * 64))
    assert not watch.folder.packed.exists()


def test_several_watchers_are_shown_the_same() -> None:
    seen: list[object] = []
    show = shown_to([None, seen.append, seen.append])
    assert show is not None
    show("a collector")  # type: ignore[arg-type]
    assert seen == ["a collector"] * 2
    assert shown_to([None]) is None
