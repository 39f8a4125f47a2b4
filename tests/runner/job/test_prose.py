"""The author's words: read from a file that the job names, carried by the resolved job, without a say in a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from runner.backends.remote import lay_out_job
from runner.errors import UserError
from runner.job.base import changes
from runner.job.load import EVERY_FIELD, job_from_mapping, load_job
from runner.job.prose import MOST_BYTES, ProseSpec
from runner.job.spec import JobSpec, job_hash, resolved, without_folders
from runner.script.bundle import Script

JOB = """\
name: x
track: local
seeds: [1]
data: {corpus: asv}
limits: {train_seconds: 600, eval_seconds: 60}
"""
MISSING = "no such file; give a markdown file's path"
NOTHING = "says nothing; write what is new, or name no file"
NO_FILE = "are no file as a list: notes: [...]"


def job(folder: Path, more: str, words: bytes | None = b"# New\n") -> JobSpec:
    """The job with some more lines, METHOD.md beside it."""
    if words is not None:
        (folder / "METHOD.md").write_bytes(words)
    (folder / "job.yaml").write_text(JOB + more)
    return load_job(folder / "job.yaml")


def problem(folder: Path, more: str, words: bytes | None = b"# New\n") -> str:
    with pytest.raises(UserError) as told:
        job(folder, more, words)
    return str(told.value).replace(f"{folder}/", "")


def test_a_path_in_place_of_the_notes_is_the_authors_words(tmp_path: Path) -> None:
    made = job(tmp_path, "notes: METHOD.md\n")
    assert (made.notes, made.method) == ((), ProseSpec(file="METHOD.md", text="# New\n"))
    both = job(tmp_path, "notes: [tried this]\nmethod: ./METHOD.md\n")
    assert (both.notes, both.method) == (("tried this",), made.method)
    assert job(tmp_path, "notes: [METHOD.md]\n").method is None
    assert job(tmp_path, "").method is None


def test_line_ends_are_ours_and_controls_are_left_out(tmp_path: Path) -> None:
    made = job(tmp_path, "notes: METHOD.md\n", "\ufeff\n\n# é 😀\r\n\ta\x1b[31m\x00\rb\n\n".encode())
    assert made.method is not None
    assert made.method.text == "# é 😀\n\ta[31m\nb\n"


@pytest.mark.parametrize(
    ("more", "words", "said"),
    [
        ("notes: METHOD.md\n", b"\xff", "job.yaml:6: notes: METHOD.md: is not UTF-8 text (byte 0); save it as UTF-8"),
        (
            "\nmethod: METHOD.md\n",
            b"a" * (MOST_BYTES + 1),
            "job.yaml:7: method: METHOD.md: 64,001 bytes; at most 64,000 fit a record's README",
        ),
        ("notes: METHOD.md\n", None, f"job.yaml:6: notes: METHOD.md: {MISSING}, or write notes that {NO_FILE}"),
        ("method: METHOD.md\n", None, f"job.yaml:6: method: METHOD.md: {MISSING}"),
        ("notes: METHOD.md\n", b" ", f"job.yaml:6: notes: METHOD.md: {NOTHING}"),
        (
            "notes: METHOD.md\nmethod: METHOD.md\n",
            b"a",
            "job.yaml:6: notes: names a file, and so does method; make notes a list, or leave one out",
        ),
        ("method: 5\n", b"a", "job.yaml:6: method: must be a mapping, not 5"),
        ("method: {file: a}\n", b"a", "job.yaml:6: method.text: is required; add it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_field(
    tmp_path: Path, more: str, words: bytes | None, said: str
) -> None:
    assert problem(tmp_path, more, words) == f"{said}\n{EVERY_FIELD}"


def test_it_is_said_with_everything_else_that_is_wrong(tmp_path: Path) -> None:
    said = problem(tmp_path, "notes: METHOD.md\nthreads: 0\n", None).splitlines()
    assert [line.split(": ")[0:2] for line in said] == [
        ["job.yaml:6", "notes"],
        ["job.yaml:7", "threads"],
        EVERY_FIELD.split(": ")[0:2],
    ]


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep").mkdir()
    for name in ("pipe", "deep", "/dev/zero"):
        assert "is not a file" in problem(tmp_path, f"method: {name}\n")


def test_data_that_come_from_no_job_file_make_nothing_be_read(tmp_path: Path) -> None:
    """A record's job may be a stranger's."""
    (tmp_path / "secret").write_text("a")
    mapping = {**resolved(job(tmp_path, "")), "notes": str(tmp_path / "secret")}
    with pytest.raises(UserError, match=r"json:1: notes: names a file, which is read only where a job's own"):
        job_from_mapping(mapping, source="results.json")


def test_a_text_that_is_stored_is_bounded_as_well(tmp_path: Path) -> None:
    mapping = {**resolved(job(tmp_path, "")), "method": {"file": "a", "text": "é" * MOST_BYTES}}
    with pytest.raises(
        UserError, match=r"json:1: method\.text: .* cannot work: 128,000 bytes; at most 64,000 fit a record's README"
    ):
        job_from_mapping(mapping, source="results.json")


def test_it_decides_nothing(tmp_path: Path) -> None:
    told, bare = job(tmp_path, "notes: METHOD.md\n"), job(tmp_path, "")
    assert job_hash(told, "ab", {}) == job_hash(bare, "ab", {})
    assert changes(told) == changes(bare)
    (tmp_path / "other.yaml").write_text(JOB + "notes: gone.md\n")
    assert job(tmp_path, "base: other.yaml\n").base is not None


def test_it_travels_with_the_job(tmp_path: Path) -> None:
    made = job(tmp_path, "notes: METHOD.md\n", "a 😀 \u2028 \\ \" 'é\n\n```\n: - #\n".encode())
    assert job_from_mapping(json.loads(json.dumps(resolved(made))), source="job.json") == made
    assert str(tmp_path) not in json.dumps(without_folders(resolved(made)))
    lay_out_job(tmp_path / "there", made, Script(b"", "", ""))
    assert load_job(tmp_path / "there" / "job.yaml").method == made.method
