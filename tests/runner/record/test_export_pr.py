"""What may be exported, where to, under whose name; and `golf export pr` from a record to a commit that verifies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reports.record.rebuild import page_check, rebuild
from reports.record.write import RecordFiles, write_record
from runner.cli.app import app
from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.record import export_pr
from runner.record.export_pr import Destination, destination, names_of
from runner.record.folder import Record, open_record
from runner.record.ledger_check import audit_record
from runner.record.verify import verify_record
from tests.fixtures.challenge_repo import TRACK, git, make_repo, state
from tests.fixtures.results import record as sample
from tests.fixtures.results import run_result
from tests.runner.job.test_external_script import foreign_job, run_foreign


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "challenge")


@pytest.fixture
def record(kept_record: Path) -> Record:
    return open_record(kept_record)


def held_as(record: Record, **changes: Any) -> Record:
    """The folder of a record with other data."""
    return Record(record.folder, record.data.model_copy(update=changes), record.script, record.files)


def unseen(record: Record) -> Record:
    """The same as if one required question had no answer."""
    verdict = sample([run_result(1337), run_result(42, eval=None), run_result(2024)]).verdict
    return held_as(record, track="non_record_16mb", verdict=verdict)


# what, and where to -------------------------------------------------------------------------------------------


def test_a_passed_record_of_the_challenges_tracks_that_verifies_is_exported(record: Record) -> None:
    with pytest.raises(UserError, match="track local is none of the challenge's"):
        destination(record, verify_record(record))
    moved = held_as(record, track="non_record_16mb")
    assert destination(moved, []) == Destination(TRACK)
    with pytest.raises(UserError, match=r"does not verify: .*The same verdict.* See golf verify"):
        destination(moved, verify_record(moved))  # its evidence is of another track


def test_a_rejected_record_is_never_exported(kept_rejected: Path) -> None:
    for allowed in (False, True):
        with pytest.raises(UserError, match="its verdict is rejected; such a record is never exported"):
            destination(open_record(kept_rejected), [], unverified=allowed, few_seeds=allowed)


def test_of_a_local_record_the_track_is_told_before_questions_that_no_option_would_settle(record: Record) -> None:
    with pytest.raises(UserError, match="track local is none of the challenge's"):
        destination(held_as(unseen(record), track="local"), [])


def test_an_unverified_record_is_exported_only_where_that_is_allowed(record: Record) -> None:
    with pytest.raises(
        UserError, match=r"verdict is unverified; open are: Evaluation in time\? It goes with --unver"
    ):
        destination(unseen(record), [])
    assert destination(unseen(record), [], unverified=True) == Destination(TRACK)


def test_few_seeds_of_the_ten_minute_track_go_where_no_record_is_claimed_and_only_if_asked(record: Record) -> None:
    two = held_as(record, track="10min_16mb")
    first, second = two.data.results
    one = held_as(two, results=[first, second.model_copy(update={"final_score": None})])
    three = held_as(two, results=[first, second, first])
    said = "1 seed, where the rule of track 10min_16mb wants at least 3: a gain is to be shown at p < 0.01"
    with pytest.raises(UserError, match=f"{said}. Run more with .* or export it as a non-record with --few-seeds"):
        destination(one, [])
    with pytest.raises(UserError, match="2 seeds, where the rule"):
        destination(two, [])
    assert destination(one, [], few_seeds=True) == Destination(TRACK, said)
    assert destination(three, []) == destination(three, [], few_seeds=True) == Destination("track_10min_16mb")
    assert destination(held_as(one, track="non_record_16mb"), []) == Destination(TRACK)


def test_pages_of_another_golf_are_made_anew_by_a_verb_that_is_named(record: Record, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(record.folder, tmp_path / "copy"))
    (copy / "README.md").write_text("of old\n")
    moved = held_as(open_record(copy), track="non_record_16mb")
    with pytest.raises(UserError, match=f"README.md is another. golf report {copy} makes its pages anew"):
        destination(moved, [page_check(copy, record.data)])


@pytest.mark.parametrize("name", [".git/config", "files/.gitattributes", "notes.txt", "../../x", "/etc/hostname"])
def test_a_file_that_no_record_has_is_refused(record: Record, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(record.folder, tmp_path / "copy"))
    with (copy / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  {name}\n")
    moved = held_as(open_record(copy), track="non_record_16mb", job={**record.data.job, "files": [".gitattributes"]})
    with pytest.raises(UserError, match=f"holds {name}, which no record has"):
        destination(moved, [])


# under whose name ----------------------------------------------------------------------------------------------


def test_names_that_the_job_left_out_are_asked_for() -> None:
    with pytest.raises(UserError) as told:
        names_of(sample(job={}), None, None)
    assert "the record's job has no author and no github_id. Give --author NAME --github-id ID," in str(told.value)
    with pytest.raises(UserError, match=r"has no github_id\. Give --github-id ID,"):
        names_of(sample(job={"author": "A. Person"}), None, None)
    assert names_of(sample(job={"author": "A. Person"}), None, "aperson") == {"github_id": "aperson"}
    assert names_of(sample(job={}), "A. Person", "a") == {"author": "A. Person", "github_id": "a"}
    assert names_of(sample(), None, None) == names_of(sample(), "A. Person", "aperson") == {}


def test_a_name_that_the_record_has_is_not_changed() -> None:
    with pytest.raises(UserError, match=r"--author: the record's author is 'A\. Person'; what is to change"):
        names_of(sample(), "B. Other", None)
    with pytest.raises(UserError, match="--github-id: the record's github_id is 'aperson'"):
        names_of(sample(), None, "bother")


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("a", True),
        ("a-b-1", True),
        ("x" * 39, True),
        ("octo_acme", True),
        ("x" * 40, False),
        ("@a", False),
        ("-a", False),
        ("a-", False),
        ("a--b", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
        ("", False),
    ],
)
def test_a_github_id_is_one(name: str, fine: bool) -> None:
    if fine:
        assert names_of(sample(job={"author": "A"}), None, name) == {"github_id": name}
        return
    with pytest.raises(UserError, match=r"--github-id .*: is no GitHub id: letters, digits and single hyphens"):
        names_of(sample(job={"author": "A"}), None, name)


def test_a_name_of_the_job_that_cannot_be_one_is_asked_for_again() -> None:
    job = {"author": "A", "github_id": "@a b"}
    with pytest.raises(UserError, match=r"the record's job has github_id '@a b'\. Give --github-id ID"):
        names_of(sample(job=job), None, None)
    assert names_of(sample(job=job), None, "ab") == {"github_id": "ab"}
    for name in ("", " ", "a\nb", "\x1b[31m", "x" * 101):
        with pytest.raises(UserError, match=r"--author .*: must be a name of at most 100 characters, on one line"):
            names_of(sample(job={}), name, "a")


# the verb ------------------------------------------------------------------------------------------------------


@pytest.fixture
def local_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the track that a small record can pass were one of the challenge's."""
    monkeypatch.setitem(export_pr.TRACKS, "local", TRACK)


def golf(*words: object) -> None:
    """`golf` with these words, in this process; raises what its entry point turns into a message."""
    app([str(word) for word in words], standalone_mode=False)


@pytest.mark.usefixtures("local_is_exported")
def test_what_is_exported_verifies_under_its_authors_name(
    record: Record, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in record.folder.iterdir()}
    with pytest.raises(UserError, match="has no github_id"):
        golf("export", "pr", record.folder, "--repo", repo)
    assert state(repo)[2] == "* main"
    golf("export", "pr", record.folder, "--repo", repo, "--github-id", "aperson")
    said = capsys.readouterr()
    assert said.out.startswith(f"# {git(repo, 'log', '-1', '--format=%s')}\n\n**")
    assert "\nA. Person (aperson) · " in said.out
    assert said.err.splitlines()[-1] == f"golf:   git -C {repo} push --set-upstream origin golf/{record.folder.name}"
    place = repo / "records" / TRACK / record.folder.name
    exported = open_record(place)
    assert {check.status for check in verify_record(exported)} == {"pass"}
    assert page_check(place, exported.data).status == "pass"
    assert audit_record(place).problems == []
    assert not any(rebuild(place).values())
    claims = json.loads((place / "submission.json").read_text())
    assert (claims["author"], claims["github_id"], claims["verdict"]) == ("A. Person", "aperson", "passed")
    assert "\nA. Person (aperson) · " in (place / "README.md").read_text()
    after = {path.name: path.read_bytes() for path in place.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {
        *("README.md", "SHA256SUMS", "results.json", "submission.json")
    }
    assert {path.name: path.read_bytes() for path in record.folder.iterdir()} == before


def test_the_verb_lets_nothing_out_that_is_not_allowed(kept_rejected: Path, repo: Path) -> None:
    with pytest.raises(UserError, match="never exported"):
        golf("export", "pr", kept_rejected, "--repo", repo, "--unverified", "--few-seeds")
    assert state(repo) == ("main", "", "* main")


@pytest.mark.usefixtures("local_is_exported")
def test_an_unverified_record_of_somebody_elses_script_is_exported_with_its_files_and_its_questions(
    tiny_data: DataRequest, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "side.py").write_text("WORD = 1\n")
    (tmp_path / "METHOD.md").write_text("# Shorter\n\nwe stop early\n")
    job = foreign_job(
        tiny_data,
        tmp_path,
        files=["parts/side.py"],
        notes="METHOD.md",
        env={"PACE": "0.005"},
        author="A. Person",
        github_id="aperson",
    )
    done = run_foreign(job, tiny_data, tmp_path)
    assert done.data.verdict.status == "unverified"
    files = RecordFiles(done.script.source, None, done.script.files, done.logs, done.folder.ledger, done.tokenizer)
    record = write_record(done.data, files, tmp_path)
    with pytest.raises(UserError, match=r"unverified; open are: The same score in a fresh process\?"):
        golf("export", "pr", record, "--repo", repo)
    golf("export", "pr", record, "--repo", repo, "--unverified")
    place = repo / "records" / TRACK / record.name
    names = sorted(path.relative_to(record).as_posix() for path in record.rglob("*") if path.is_file())
    assert [path for path in names if (place / path).read_bytes() != (record / path).read_bytes()] == []
    assert "files/parts/side.py" in names
    exported = open_record(place)
    assert "fail" not in {check.status for check in [*verify_record(exported), page_check(place, exported.data)]}
    claims = json.loads((place / "submission.json").read_text())
    questions = claims["open_questions"]
    assert (claims["verdict"], questions[0]) == ("unverified", "The same score in a fresh process?")
    title, text = capsys.readouterr().out.split("\n", 1)
    assert title == f"# {git(repo, 'log', '-1', '--format=%s')}"
    assert f"unverified (open: {questions[0]}" in title
    assert all(f"- **{question}** " in text for question in questions)
    readme = (place / "README.md").read_text()
    words = readme.index("\n### Shorter\n\nwe stop early\n")
    assert readme.index("**Unverified.**") < words < readme.index("## Results")
