"""Folders of anybody for one page: ours by results.json, strangers' by the audit, run folders by nobody."""

from __future__ import annotations

from pathlib import Path

from reports.record.write import RecordFiles, write_record
from runner.audit.facts import Audit
from runner.results.record import RecordData
from runner.serving.gather import Gathered, arms_of, folders_of, gathered, is_run, matrices_of
from tests.fixtures.results import SCRIPT, record
from tests.runner.audit.entries import write_entry


def test_each_folder_is_read_by_whose_it_is(tmp_path: Path) -> None:
    ours = write_record(record(), RecordFiles(script=SCRIPT), tmp_path)
    theirs = write_entry(tmp_path / "theirs" / "2026-01-01_Entry")
    with_results = write_entry(tmp_path / "theirs" / "2026-01-02_Other", extra={"results.json": '{"bpb": 1.1}'})
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    kinds = [type(data) for _, data in gathered([theirs, ours, with_results, nothing, tmp_path / "gone"])]
    assert kinds == [Audit, RecordData, Audit, str, str]


def test_a_changed_record_of_ours_is_not_taken_for_a_strangers(tmp_path: Path) -> None:
    ours = write_record(record(), RecordFiles(script=SCRIPT), tmp_path)
    results = ours / "results.json"
    results.write_text(results.read_text().replace('"quickstart"', '"quicker"'))
    ((_, data),) = gathered([ours])
    assert isinstance(data, str)
    assert "is not the file that SHA256SUMS lists" in data


def test_a_run_folder_is_no_record_unless_it_is_named(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "quickstart-0123abcd"
    run.mkdir(parents=True)
    for name in ("job.json", "lock", "train_gpt.py"):
        (run / name).write_text("")
    entry = write_entry(tmp_path / "theirs")
    assert is_run(run)
    assert folders_of([tmp_path]) == [entry]
    assert folders_of([run]) == [run]
    assert folders_of([run.parent]) == [run.parent]


def test_records_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    found: list[Gathered] = [(tmp_path / "a", record()), (tmp_path / "b", record()), (tmp_path / "c", "unread")]
    assert [arm.name for arm in arms_of(found)] == ["quickstart (a)", "quickstart (b)"]
    readme, progression = matrices_of(found)
    assert (readme.policy, progression.policy) == ("readme", "progression")
    assert {one.outcome for one in readme.duels} == {"undecided"}
    assert "both hold the same artifact: a run counted in both is no evidence" in readme.duels[0].obstacles
