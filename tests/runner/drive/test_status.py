"""What `golf status` says below its table: why a run was stopped, how to see the end of a log, what was left."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from runner.drive.status import advice, seed_states, status_table
from runner.job.open_data import DataRequest
from tests.runner.drive.test_orders import fails, scored, without_processes
from tests.runner.drive.test_run import plan_for, run_fake
from tests.runner.test_cli import golf


def test_a_seed_that_ended_badly_comes_with_the_command_that_shows_how(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = without_processes(tiny_data, tmp_path, fails, (1, 2), tries=1).folder
    name = run.path.name
    assert advice([run], Path()) == [
        f"how the log of seed 1 ends: golf logs {name}/1 --tail 15; the same with 2",
    ]
    assert advice([run], Path("my runs")) == [
        f"how the log of seed 1 ends: golf logs {name}/1 --tail 15 --output 'my runs'; the same with 2",
    ]
    done = without_processes(tiny_data, tmp_path, scored, (1, 2), tries=1)
    assert advice([done.folder], Path()) == []


def test_a_runs_name_stays_on_one_line_beside_long_reasons(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = without_processes(tiny_data, tmp_path, fails, (1, 2), tries=1).folder
    console = Console(width=60, record=True, file=StringIO())
    console.print(status_table([run]))
    assert run.path.name in console.export_text()


def test_what_a_script_left_instead_of_an_artifact_is_shown_by_status_and_logs(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = run_fake(plan_for(tiny_data, (1,)), tmp_path, "no_artifact").folder
    left = run.attempt(1, 1).left
    assert sorted(path.name for path in left.iterdir()) == ["list.json", "model.pt"]
    (state,) = seed_states(run)
    assert (state.state, state.note) == ("failed", "the training process wrote no artifact (final_model.ptz)")
    where = f"seed 1 left no artifact; what it left: runs/{run.path.name}/seeds/1/attempt-1/left/list.json"
    shown = golf(tmp_path, "status")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[-2:] == [
        f"how the log of seed 1 ends: golf logs {run.path.name}/1 --tail 15",
        where,
    ]
    logs = golf(tmp_path, "logs", "fake/1", "--tail", "2")
    assert logs.stdout.splitlines()[-1].startswith("score rule:plain")
    assert len(logs.stdout.splitlines()) == 2
    assert logs.stderr == f"golf: {where}\n"
    assert golf(tmp_path, "logs", "fake/1", "--tail", "0").returncode == 2
