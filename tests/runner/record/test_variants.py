"""Other runs of a job's name beside a record: which are told, and with what."""

from __future__ import annotations

from pathlib import Path

from reports.record.write import RecordFiles, write_record
from runner.record.variants import differences_of, told_apart, variants
from runner.results.record import RecordData
from tests.fixtures.full_record import told_record
from tests.fixtures.results import SCRIPT, phase, record, run_result


def write(root: Path, data: RecordData) -> None:
    write_record(data, RecordFiles(script=SCRIPT), root)


def test_runs_of_the_same_name_on_every_shelf_are_told_newest_first(tmp_path: Path) -> None:
    ours = told_record()
    late = [run_result(seed, train=phase("train", 70.0)) for seed in (1337, 42, 2024)]
    job = {**ours.job, "config": {**ours.job["config"], "optim": {**ours.job["config"]["optim"], "matrix_lr": 0.5}}}
    write(tmp_path, ours)
    write(tmp_path, record(late, run="quickstart-aaaaaaaa", date="2026-01-01", job=job))
    write(tmp_path, record(run="quickstart-bbbbbbbb", date="2026-01-03", job=ours.job))
    write(tmp_path, record(run="other-cccccccc", name="other"))
    found = variants(tmp_path, "quickstart", ours.run, ours.job)
    assert [(one.run, one.status) for one in found] == [
        ("quickstart-bbbbbbbb", "passed"),
        ("quickstart-aaaaaaaa", "rejected"),
    ]
    assert found[0].fields == []
    assert [(change.field, change.there, change.here) for change in found[1].fields] == [
        ("config.optim.matrix_lr", 0.5, 0.025)
    ]
    assert found[1].reason.startswith("Training in time? No")
    assert found[1].seeds == 3


def test_a_neighbour_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    for number, text in enumerate(["", "[]", "{", '{"name": "quickstart"}', "[" * 100_000]):
        place = tmp_path / "records" / "local" / f"2026-01-0{number + 1}_x" / "results.json"
        place.parent.mkdir(parents=True)
        place.write_text(text)
    assert variants(tmp_path, "quickstart", "quickstart-0123abcd", {}) == []


def test_jobs_are_told_apart_by_what_has_a_say_in_a_run() -> None:
    one = {"name": "a", "seeds": [1], "nproc": 1, "config": {"model": {"dim": 8, "layers": 2}}}
    other = {"name": "b", "seeds": [2], "nproc": 1, "config": {"model": {"dim": 8, "layers": 3}}, "network": True}
    assert told_apart([one, other]) == [
        {"config.model.layers": 2, "network": None},
        {"config.model.layers": 3, "network": True},
    ]
    assert told_apart([one, one]) == [{}, {}]


def test_two_records_differ_in_fields_script_and_data() -> None:
    ours = told_record()
    assert differences_of(ours, ours) == []
    job = {**ours.job, "config": {**ours.job["config"], "optim": {**ours.job["config"]["optim"], "matrix_lr": 0.5}}}
    data = ours.data.model_copy(update={"files": {"x": "0"}})
    results = [result.model_copy(update={"script_sha256": "9" * 64}) for result in ours.results]
    theirs = ours.model_copy(update={"job": job, "data": data, "results": results})
    was = ours.job["config"]["optim"]["matrix_lr"]
    assert differences_of(ours, theirs) == [
        f"optim.matrix_lr: {was} and 0.5",
        "script: not the same",
        "data: not the same",
    ]
