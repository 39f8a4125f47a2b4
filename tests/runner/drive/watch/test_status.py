"""What `golf status` says below its table: why a run was stopped, how to see the end of a log, what was left."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from rich.console import Console

from runner.drive.watch.status import advice, run_state, seed_states, status_facts, status_table
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.recorded import note_record
from runner.job.open_data import DataRequest
from tests.fixtures.commands import forked_golf as golf
from tests.runner.drive.test_orders import fails, scored, without_processes
from tests.runner.drive.test_run import plan_for, run_fake


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


def shown(run: RunFolder) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(status_table([run]))
    return console.export_text()


def test_a_judged_run_shows_its_verdict_and_where_its_record_is_until_it_goes_on(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = without_processes(tiny_data, tmp_path, scored, (1, 2), tries=1).folder
    assert run_state(run) == "no driver"
    place = tmp_path / "rejected" / "local" / "2026-01-02_fake"
    place.mkdir(parents=True)
    (place / "results.json").write_text("{}")
    note_record(run, "rejected", place)
    assert run_state(run) == "rejected"
    assert "rejected" in shown(run).splitlines()[1]
    assert advice([run], Path("out")) == [
        f"{run.path.name}: rejected, its record: out/rejected/local/2026-01-02_fake",
    ]
    facts = status_facts([run], Path("out"))["runs"][0]
    assert (facts["verdict"], facts["record"]) == ("rejected", "out/rejected/local/2026-01-02_fake")
    assert [(seed["seed"], seed["state"], seed["attempt"]) for seed in facts["seeds"]] == [
        (1, "completed", 1),
        (2, "completed", 1),
    ]
    with run.ledger.open("a") as ledger:
        ledger.write("\n")
    assert run_state(run) == "no driver"
    run.ledger.write_text(run.ledger.read_text()[:-1])
    assert run_state(run) == "rejected"
    (place / "results.json").unlink()
    assert (run_state(run), advice([run], Path())) == ("no driver", [])


def launched_again(data: DataRequest, output: Path) -> RunFolder:
    """A run whose one seed failed and was launched again, of which no more is known."""
    run = without_processes(data, output, fails, (1,), tries=1).folder
    ledger = Ledger(run.ledger)
    ledger.append("queued", seed=1, attempt=2)
    ledger.append("launched", seed=1, attempt=2, node="n")
    run.attempt(1, 2).path.mkdir()
    return run


def test_that_a_driver_is_gone_is_told_only_where_it_did_not_say_so_itself(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = launched_again(tiny_data, tmp_path)
    note = json.loads(run.driver.read_text())
    assert note["ended"] is True
    (state,) = seed_states(run)
    assert (state.state, state.note) == ("interrupted", "")
    run.driver.write_text(json.dumps({**note, "ended": False, "started": note["started"] - 1}))
    (state,) = seed_states(run)
    assert (state.state, state.note) == ("interrupted", "its driver is gone")


def test_a_running_seeds_validation_is_shown_with_the_step_that_it_was_after(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = launched_again(tiny_data, tmp_path)
    run.attempt(1, 2).log("train").write_text(
        "step:1000/20000 val_loss:2.2 val_bpb:1.3 train_time:43000ms step_avg:43.00ms\n"
        "step:1500/20000 train_loss:2.1 train_time:64500ms step_avg:43.00ms\n"
    )
    (state,) = seed_states(run)
    assert (state.step, state.loss, state.bpb, state.bpb_told) == (1500, 2.1, 1.3, "1.3000 @1,000")
    assert "1.3000 @1,000" in shown(run)


def test_status_as_json_is_one_line_that_a_program_reads(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = without_processes(tiny_data, tmp_path, fails, (1,), tries=1).folder
    done = golf(tmp_path, "status", "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert [one["run"] for one in facts["runs"]] == [run.path.name]
    assert facts["runs"][0]["seeds"][0]["state"] == "failed"
    assert json.loads(golf(tmp_path / "runs", "status", "--json").stdout) == {"runs": []}


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
