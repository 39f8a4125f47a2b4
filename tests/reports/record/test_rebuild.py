"""`golf report`: pages made anew from what was measured, and nothing else touched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reports.record.loss_svg import drawn_by
from reports.record.pages import pages
from reports.record.rebuild import page_check, rebuild
from runner.errors import UserError
from runner.record.folder import open_record


@pytest.fixture
def record(kept_record: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept_record, tmp_path / "copy"))


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_record_as_it_was_stays_as_it_was(record: Path) -> None:
    before = tree(record)
    assert not any(rebuild(record).values())
    assert tree(record) == before


def test_damaged_and_missing_pages_come_back_byte_for_byte_with_their_hashes(record: Path) -> None:
    before = tree(record)
    (record / "README.md").write_text("gone")
    (record / "results.csv").unlink()
    (record / "loss.svg").write_text("<svg/>")
    changed = rebuild(record)
    assert {name for name, other in changed.items() if other} == {"README.md", "results.csv", "loss.svg"}
    assert tree(record) == before
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=record, check=True)


def test_pages_of_an_older_golf_are_brought_up_and_only_their_hashes_change(record: Path) -> None:
    sums = (record / "SHA256SUMS").read_text().splitlines()
    older = [line for line in sums if not line.endswith(("loss.svg", "environment.json"))]
    (record / "SHA256SUMS").write_text("\n".join(older) + "\n")
    (record / "loss.svg").unlink()
    (record / "environment.json").unlink()
    rebuild(record)
    assert (record / "SHA256SUMS").read_text().splitlines() == sums


def test_measured_numbers_that_were_changed_are_refused_and_nothing_is_written(record: Path) -> None:
    place = record / "results.json"
    place.write_text(place.read_text().replace('"val_bpb": ', '"val_bpb": 0'))
    before = tree(record)
    with pytest.raises(UserError, match=r"results\.json: not the file that SHA256SUMS lists"):
        rebuild(record)
    assert tree(record) == before


def test_a_folder_that_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"SHA256SUMS: no such file"):
        rebuild(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pages_that_differ_are_named(record: Path) -> None:
    data = open_record(record).data
    assert page_check(record, data).status == "pass"
    (record / "README.md").write_text("better")
    check = page_check(record, data)
    assert (check.status, check.measured) == ("fail", "README.md is another")


def test_a_picture_that_another_matplotlib_drew_is_no_forgery_while_its_lines_are_the_same(record: Path) -> None:
    data, place = open_record(record).data, record / "loss.svg"
    version = drawn_by(place.read_bytes())
    older = place.read_text().replace(f"matplotlib {version}", "matplotlib 3.9.0").replace("#e5e5e5", "#e4e4e4")
    place.write_text(older)
    check = page_check(record, data)
    assert (check.status, check.measured) == (
        "pass",
        f"{len(pages(data))} files; loss.svg is drawn by matplotlib 3.9.0, with the same lines",
    )
    place.write_text(older.replace('d="M ', 'd="M 1'))
    assert page_check(record, data).measured == "loss.svg is another"
    place.write_text(older.replace("matplotlib 3.9.0", f"matplotlib {version}"))
    assert page_check(record, data).measured == "loss.svg is another"
