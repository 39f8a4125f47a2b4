"""The record folder: where it lies, what it holds, and that it is there completely or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.record.names import file_name
from reports.record.pages import pages
from reports.record.write import RecordFiles, record_path, write_record
from runner.results.attribution import Change
from runner.results.record import RecordData
from runner.results.variants import Variant
from tests.fixtures.results import SCRIPT, phase, record, reproduction, run_result

LATE = record([run_result(1337, train=phase("train", 70.0)), run_result(42), run_result(2024)])
UNSEEN = record([run_result(1337, eval=None), run_result(42), run_result(2024)])


def files(**changes: object) -> RecordFiles:
    base: dict[str, object] = {"script": SCRIPT, "logs": dict.fromkeys((1337, 42, 2024), b"a log\n")}
    return RecordFiles(**{**base, **changes})  # type: ignore[arg-type]


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """As if the disk were full for any file larger than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("data", "folder"), [(record(), "records"), (LATE, "rejected"), (UNSEEN, "unverified")])
def test_the_verdict_chooses_the_folder(tmp_path: Path, data: RecordData, folder: str) -> None:
    assert write_record(data, files(), tmp_path) == tmp_path / folder / "local" / "2026-01-02_quickstart"
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_it_holds_pages_script_logs_results_and_checksums(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"kind": "launched"}\n')
    folder = write_record(record(), files(flat_script="flat = 1\n", ledger=ledger), tmp_path)
    assert sorted(tree(folder)) == sorted(
        ["README.md", "SHA256SUMS", "environment.json", "ledger.jsonl", "requirements.txt", "results.csv",
         "results.json", "submission.json", "train_gpt.py", "train_gpt_flat.py", "train_seed1337.log",
         "train_seed2024.log", "train_seed42.log"]
    )  # fmt: skip
    assert (folder / "train_gpt.py").read_bytes() == SCRIPT
    assert (folder / "ledger.jsonl").read_bytes() == ledger.read_bytes()
    assert json.loads((folder / "submission.json").read_text())["seeds"] == [1337, 42, 2024]
    rows = list(csv.DictReader(io.StringIO((folder / "results.csv").read_text())))
    assert [row["total_bytes"] for row in rows] == ["1552702", "1551407", "1553389"]


@pytest.mark.parametrize(
    ("named", "kept"), [("t.model", "t.model"), ("../t", "t-"), ("README.md", "README.md.model")]
)
def test_a_tokenizer_of_ones_own_lies_beside_and_takes_no_other_files_place(
    tmp_path: Path, named: str, kept: str
) -> None:
    (tmp_path / "some.model").write_bytes(b"pieces")
    data = record(data=record().data.model_copy(update={"tokenizer": named}))
    folder = write_record(data, files(tokenizer=tmp_path / "some.model"), tmp_path)
    (held,) = [name for name, content in tree(folder).items() if content == b"pieces"]
    assert held.startswith(kept)
    assert f"  {held}\n" in (folder / "SHA256SUMS").read_text()


def test_checksums_cover_every_other_file(tmp_path: Path) -> None:
    folder = write_record(record(), files(), tmp_path)
    listed = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {name: hashlib.sha256(content).hexdigest() for name, content in tree(folder).items()}
    del found["SHA256SUMS"]
    assert listed == found


@pytest.mark.parametrize("data", [record(), reproduction()])
def test_pages_and_tables_are_rebuilt_byte_for_byte_from_results_json(tmp_path: Path, data: RecordData) -> None:
    folder = write_record(data, files(), tmp_path)
    stored = RecordData.model_validate_json((folder / "results.json").read_bytes())
    assert {name: (folder / name).read_bytes() for name in pages(stored)} == pages(stored)
    again = write_record(stored, files(), tmp_path / "again")
    assert tree(again) == tree(folder)


def test_logs_of_several_files_are_put_one_after_the_other(tmp_path: Path) -> None:
    train, evaluation = tmp_path / "train.log", tmp_path / "eval.log"
    train.write_bytes(b"step:1\ncut off")
    evaluation.write_bytes(b"final_score\n")
    folder = write_record(record(), files(logs={1337: [train, evaluation], 42: train}), tmp_path)
    assert (folder / "train_seed1337.log").read_bytes() == b"step:1\ncut off\nfinal_score\n"
    assert not (folder / "train_seed2024.log").exists()


def test_a_later_record_of_the_same_name_replaces_the_earlier_one_whole(tmp_path: Path) -> None:
    write_record(record(), files(flat_script="flat = 1\n"), tmp_path)
    folder = write_record(record(model_params=7), files(), tmp_path)
    assert "train_gpt_flat.py" not in tree(folder)
    assert json.loads((folder / "results.json").read_text())["model_params"] == 7
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("before", [False, True])
def test_a_log_that_cannot_be_read_leaves_what_was_there_and_nothing_else(tmp_path: Path, before: bool) -> None:
    if before:
        write_record(record(), files(), tmp_path)
    kept = tree(tmp_path)
    with pytest.raises(FileNotFoundError):
        write_record(record(model_params=7), files(logs={1337: tmp_path / "missing.log"}), tmp_path)
    assert tree(tmp_path) == kept
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_full_disk_in_the_middle_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    write_record(record(), files(), tmp_path)
    kept = tree(tmp_path)
    large = {1337: b"x" * 1_000_000}
    with file_size_limit(500_000), pytest.raises(OSError, match="too large"):
        write_record(record(model_params=7), files(logs=large), tmp_path)
    assert tree(tmp_path) == kept
    assert [path.name for path in (tmp_path / "records" / "local").iterdir()] == ["2026-01-02_quickstart"]


def test_a_passed_verdict_about_another_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="another script"):
        write_record(record(), files(script=b"other"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_rejected_run_of_mixed_scripts_is_recorded(tmp_path: Path) -> None:
    data = record([run_result(1337, script_sha256="9" * 64), run_result(42), run_result(2024)])
    assert write_record(data, files(), tmp_path).parts[-3] == "rejected"


@given(st.text(max_size=200), st.text(max_size=50), st.text(max_size=50))
def test_no_name_leaves_its_folder(name: str, track: str, date: str) -> None:
    root = Path("root")
    path = record_path(record().model_copy(update={"name": name, "track": track, "date": date}), root)
    assert path.parts[:2] == ("root", "records")
    assert len(path.parts) == 4
    for part in path.parts[2:]:
        assert part.isascii()
        assert part not in ("", ".", "..")
        assert not part.startswith(".")
        assert len(part) <= 200


@pytest.mark.parametrize(("one", "other"), [("a/b", "a\\b"), ("..", "."), ("x" * 90, "x" * 91), ("a b", "a-b")])
def test_names_that_differ_get_folders_that_differ(one: str, other: str) -> None:
    assert file_name(one) != file_name(other)


def test_an_ordinary_name_stays_as_it_is() -> None:
    assert file_name("10min_16mb-v1.2") == "10min_16mb-v1.2"


def test_another_runs_record_of_the_same_day_keeps_its_place(tmp_path: Path) -> None:
    first = write_record(record(), files(), tmp_path)
    other = record().model_copy(update={"run": "quickstart-deadbeef"})
    second = write_record(other, files(), tmp_path)
    assert second.name == f"{first.name}_deadbeef"
    assert write_record(record(), files(), tmp_path) == first
    assert {path.name for path in first.parent.iterdir()} == {first.name, second.name}


def test_a_variant_is_named_by_what_it_has_other_and_finds_its_place_again(tmp_path: Path) -> None:
    first = write_record(record(), files(), tmp_path)
    fields = [
        Change(field="config.model.num_layers", there=2, here=3),
        Change(field="config.optim.matrix_lr", there=0.04, here=0.02),
        Change(field="outputs.score", there=None, here="a/b *"),
        Change(field="config.model.mlp_mult", there=2, here=3),
    ]
    told = Variant(
        run=record().run, date="2026-01-02", status="passed", reason="", seeds=3, val_bpb=1.0, fields=fields
    )
    other = record().model_copy(update={"run": "quickstart-deadbeef", "variants": [told]})
    second = write_record(other, files(), tmp_path)
    assert second.name == f"{first.name}_num_layers-3_matrix_lr-0.02_score-a-b_deadbeef"
    assert write_record(other, files(), tmp_path) == second
    unlike = other.model_copy(update={"variants": []})
    assert write_record(unlike, files(), tmp_path).name == f"{first.name}_deadbeef"
    assert {path.name for path in first.parent.iterdir()} == {first.name, f"{first.name}_deadbeef"}


def test_a_folder_that_is_no_record_is_left_alone(tmp_path: Path) -> None:
    place = record_path(record(), tmp_path)
    place.mkdir(parents=True)
    (place / "results.json").write_text("not json")
    assert write_record(record(), files(), tmp_path) != place
    assert (place / "results.json").read_text() == "not json"


@pytest.mark.parametrize("content", [{}, {"notes.txt": "mine"}])
def test_a_folder_without_results_is_left_alone_and_the_record_takes_a_longer_name(
    tmp_path: Path, content: dict[str, str]
) -> None:
    place = record_path(record(), tmp_path)
    place.mkdir(parents=True)
    for name, text in content.items():
        (place / name).write_text(text)
    for _ in range(2):
        assert write_record(record(), files(), tmp_path) == place.with_name(f"{place.name}_0123abcd")
        assert {path.name: path.read_text() for path in place.iterdir()} == content


def test_a_record_to_which_somebody_added_a_file_is_left_alone(tmp_path: Path) -> None:
    first = write_record(record(), files(), tmp_path)
    (first / "notes.txt").write_text("mine")
    kept = tree(first)
    second = write_record(record(model_params=7), files(), tmp_path)
    assert second != first
    assert tree(first) == kept


def test_two_foreign_folders_in_the_way_are_an_error_that_names_them(tmp_path: Path) -> None:
    place = record_path(record(), tmp_path)
    (place / "mine").mkdir(parents=True)
    place.with_name(f"{place.name}_0123abcd").write_text("a file")
    kept = tree(tmp_path)
    with pytest.raises(OSError, match=r"2026-01-02_quickstart/ and 2026-01-02_quickstart_0123abcd/ are not records"):
        write_record(record(), files(), tmp_path)
    assert tree(tmp_path) == kept
    assert (place / "mine").is_dir()


def recorded(root: Path) -> list[str]:
    """Every record under `root`, and everything hidden beside them."""
    return sorted(str(path.relative_to(root)) for path in root.glob("*/*/*"))


@pytest.mark.parametrize(
    ("before", "after"), [(LATE, record()), (UNSEEN, record()), (record(), LATE), (record(), UNSEEN)]
)
def test_a_run_judged_again_leaves_only_its_latest_verdict(
    tmp_path: Path, before: RecordData, after: RecordData
) -> None:
    write_record(before.model_copy(update={"date": "2026-01-05"}), files(), tmp_path)
    place = write_record(after, files(), tmp_path)
    assert recorded(tmp_path) == [str(place.relative_to(tmp_path))]


def test_a_run_recorded_on_another_day_leaves_only_the_latest_record(tmp_path: Path) -> None:
    write_record(record(), files(), tmp_path)
    write_record(record(date="2026-01-03"), files(), tmp_path)
    assert recorded(tmp_path) == ["records/local/2026-01-03_quickstart"]


def test_records_of_other_runs_and_tracks_copies_and_those_with_added_files_stay(tmp_path: Path) -> None:
    other_run = write_record(record(run="quickstart-deadbeef", date="2026-01-01"), files(), tmp_path)
    other_track = write_record(record(track="non_record_16mb"), files(), tmp_path)
    noted = write_record(LATE, files(), tmp_path)
    (noted / "notes.txt").write_text("mine")
    copied = tmp_path / "records" / "local" / "my_copy"
    shutil.copytree(write_record(record(date="2026-01-07"), files(), tmp_path), copied)
    place = write_record(record(), files(), tmp_path)
    assert recorded(tmp_path) == sorted(
        str(path.relative_to(tmp_path)) for path in (other_run, other_track, noted, copied, place)
    )


def test_what_a_kill_left_half_built_is_swept_and_that_of_other_runs_is_not(tmp_path: Path) -> None:
    place = record_path(record(), tmp_path)
    left = place.with_name(f".{place.name}.0123abcd.x1y2z3.tmp")
    others = place.with_name(f".{place.name}.deadbeef.x1y2z3.tmp")
    mine = place.with_name(".mine.0123abcd.tmp")
    for folder in (left, others, mine):
        folder.mkdir(parents=True)
        (folder / "README.md").write_text("half")
    write_record(record(), files(), tmp_path)
    assert {path.name for path in place.parent.iterdir()} == {place.name, others.name, mine.name}


def test_a_record_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    place = write_record(record(), files(), tmp_path)
    kept = tree(place)
    place.rename(place.with_name(f".{place.name}.0123abcd.x1y2z3.old"))
    with pytest.raises(FileNotFoundError):
        write_record(record(model_params=7), files(logs={1337: tmp_path / "missing.log"}), tmp_path)
    assert tree(place) == kept
    assert recorded(tmp_path) == [str(place.relative_to(tmp_path))]


def test_a_replaced_record_that_a_kill_kept_from_being_removed_is_removed(tmp_path: Path) -> None:
    place = write_record(record(), files(), tmp_path)
    shutil.copytree(place, place.with_name(f".{place.name}.0123abcd.x1y2z3.old"))
    write_record(record(model_params=7), files(), tmp_path)
    assert recorded(tmp_path) == [str(place.relative_to(tmp_path))]
    assert json.loads((place / "results.json").read_text())["model_params"] == 7
