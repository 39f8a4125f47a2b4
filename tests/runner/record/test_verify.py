"""`golf verify`: an honest record passes every question, and whatever is changed in it is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.record.pages import pages, results_json
from reports.record.rebuild import page_check
from reports.record.write import checksums
from runner.errors import UserError
from runner.files import sha256_file
from runner.printable import cut
from runner.record.files import unknown_names
from runner.record.folder import open_record
from runner.record.verify import verify_record
from runner.results.record import RecordData


@pytest.fixture
def record(kept_record: Path, tmp_path: Path) -> Path:
    """A copy of an honest record, far from its run folder."""
    return Path(shutil.copytree(kept_record, tmp_path / kept_record.name))


def answers(folder: Path) -> dict[str, set[str]]:
    """Question -> its answers."""
    opened = open_record(folder)
    found: dict[str, set[str]] = {}
    for check in [*verify_record(opened), page_check(folder, opened.data)]:
        found.setdefault(check.name, set()).add(check.status)
    return found


def sign(folder: Path) -> None:
    """Make SHA256SUMS anew over whatever is there, as somebody would who covers their tracks."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    hashes = {name: sha256_file(folder / name) for name in names if name != "SHA256SUMS"}
    (folder / "SHA256SUMS").write_text(checksums(hashes))


def rewrite(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change results.json, make every page from it, and sign."""
    content = json.loads((folder / "results.json").read_text())
    change(content)
    data = RecordData.model_validate_json(json.dumps(content))
    (folder / "results.json").write_text(results_json(data))
    for name, page in pages(data).items():
        (folder / name).write_bytes(page)
    sign(folder)


def wrong(folder: Path) -> set[str]:
    return {name for name, statuses in answers(folder).items() if "fail" in statuses}


def test_an_honest_record_passes_every_question(record: Path) -> None:
    assert {name: statuses for name, statuses in answers(record).items() if statuses != {"pass"}} == {}
    assert open_record(record).data.verdict.status == "passed"


def test_looking_changes_nothing(record: Path) -> None:
    ledger = record / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().rstrip(b"\n"))
    before = {path: path.read_bytes() for path in record.rglob("*")}
    answers(record)
    assert {path: path.read_bytes() for path in record.rglob("*")} == before


@pytest.mark.parametrize(
    "name", ["train_seed1.log", "train_gpt.py", "README.md", "submission.json", "tokenizer.model"]
)
def test_a_changed_file_is_named(record: Path, name: str) -> None:
    with (record / name).open("ab") as handle:
        handle.write(b"#\n")
    (files,) = [check for check in verify_record(open_record(record)) if check.name == "files"]
    assert (files.status, files.measured) == ("fail", f"{name} is another")


def test_another_tokenizer_is_found_however_it_is_signed(record: Path) -> None:
    (record / "tokenizer.model").write_bytes(b"pieces")
    sign(record)
    assert wrong(record) == {"tokenizer"}
    (record / "tokenizer.model").unlink()
    sign(record)
    assert answers(record)["tokenizer"] == {"unknown"}


def test_a_missing_and_an_added_file_are_found(record: Path) -> None:
    (record / "train_seed2.log").unlink()
    (record / "notes.txt").write_text("mine")
    assert {"files", "no_others"} <= wrong(record)


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        "files/.GIT/hooks/post-commit",
        ".gitattributes",
        ".gitmodules",
        "GIT~1/config",
        ".g\u200cit/config",
        "notes.txt",
    ],
)
def test_a_listed_file_that_no_record_has_is_found(record: Path, name: str) -> None:
    (record / name).parent.mkdir(parents=True, exist_ok=True)
    (record / name).write_text("[core]\n")
    sign(record)
    assert wrong(record) == {"known_names"}
    (check,) = [check for check in verify_record(open_record(record)) if check.name == "known_names"]
    assert check.measured == cut(name)


def test_a_file_beside_the_script_is_known_by_the_job_unless_git_would_read_it(record: Path) -> None:
    names = ["files/a.py", "files/.gitmodules", "files/deep/git~1/x"]
    for name in names:
        (record / name).parent.mkdir(parents=True, exist_ok=True)
        (record / name).write_text("a = 1\n")
    sign(record)
    data = open_record(record).data
    told = data.model_copy(update={"job": {**data.job, "files": [name.removeprefix("files/") for name in names]}})
    assert unknown_names(record, told) == ["files/.gitmodules", "files/deep/git~1/x"]
    assert unknown_names(record, data) == sorted(names)


def test_a_folder_that_is_a_link_holds_no_file_of_a_record(record: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.py").write_text("a = 1\n")
    (record / "files").symlink_to(tmp_path / "outside")
    with (record / "SHA256SUMS").open("a") as sums:
        sums.write(f"{sha256_file(tmp_path / 'outside' / 'a.py')}  files/a.py\n")
    data = open_record(record).data
    told = data.model_copy(update={"job": {**data.job, "files": ["a.py"]}})
    assert unknown_names(record, told) == ["files/a.py"]


def test_a_link_is_not_followed(record: Path, tmp_path: Path) -> None:
    (record / "train_seed2.log").rename(tmp_path / "elsewhere.log")
    (record / "train_seed2.log").symlink_to(tmp_path / "elsewhere.log")
    assert "files" in wrong(record)


def test_a_better_score_with_all_pages_made_anew_is_found_by_ledger_and_log(record: Path) -> None:
    def better(content: dict[str, object]) -> None:
        for result in content["results"]:  # type: ignore[attr-defined]
            for name in ("train_score", "eval_score", "final_score"):
                result[name]["val_loss"] *= 0.5
                result[name]["val_bpb"] *= 0.5

    rewrite(record, better)
    assert wrong(record) == {"vouched", "log", "published", "log_facts"}


def test_a_verdict_that_the_evidence_does_not_bear_is_found(tmp_path: Path, kept_rejected: Path) -> None:
    record = Path(shutil.copytree(kept_rejected, tmp_path / "copy"))
    assert wrong(record) == set()
    assert open_record(record).data.verdict.status == "rejected"

    def passed(content: dict[str, object]) -> None:
        content["verdict"] |= {"status": "passed", "reasons": []}  # type: ignore[operator]

    rewrite(record, passed)
    assert wrong(record) == {"verdict", "published"}


def without_log_clock(content: dict[str, Any]) -> None:
    content["referee_sha256"] = ""
    checks = content["verdict"]["checks"]
    content["verdict"]["checks"] = [check for check in checks if check["name"] != "log_clock"]


def test_a_record_of_a_golf_that_asked_less_is_neither_confirmed_nor_blamed(record: Path) -> None:
    rewrite(record, without_log_clock)
    assert answers(record)["verdict"] == {"unknown"}
    (check,) = [one for one in verify_record(open_record(record)) if one.name == "verdict"]
    assert check.measured == "passed by today's rules, which also ask: log_clock; the others answer as they did"


def test_a_check_that_is_left_out_hides_no_other_change(tmp_path: Path, kept_rejected: Path) -> None:
    record = Path(shutil.copytree(kept_rejected, tmp_path / "copy"))

    def passed(content: dict[str, Any]) -> None:
        without_log_clock(content)
        content["verdict"] |= {"status": "passed", "reasons": []}

    rewrite(record, passed)
    assert wrong(record) == {"verdict", "published"}


def test_a_check_that_this_very_golf_asks_and_the_record_lacks_was_taken_out(record: Path) -> None:
    def less(content: dict[str, Any]) -> None:
        kept = [check for check in content["verdict"]["checks"] if check["name"] != "log_clock"]
        content["verdict"]["checks"] = kept

    rewrite(record, less)
    assert "verdict" in wrong(record)


def test_a_lenient_verdict_by_other_limits_than_the_jobs_is_found(record: Path) -> None:
    def lenient(content: dict[str, object]) -> None:
        content["job"]["limits"]["train_seconds"] = 0.001  # type: ignore[index]

    rewrite(record, lenient)
    assert wrong(record) == {"verdict", "published", "run", "follows"}


def test_a_seed_that_was_kept_back_is_found(record: Path) -> None:
    def fewer(content: dict[str, object]) -> None:
        content["job"]["seeds"] = [1]  # type: ignore[index]
        content["results"] = content["results"][:1]  # type: ignore[index]
        content["verifications"] = content["verifications"][:1]  # type: ignore[index]

    rewrite(record, fewer)
    assert {"registered", "verdict"} <= wrong(record)


def test_another_twin_is_found(record: Path) -> None:
    twin = record / "train_gpt_flat.py"
    twin.write_text(twin.read_text() + "print('more')\n")
    sign(record)
    assert wrong(record) == {"twin"}


@pytest.mark.parametrize("text", ["def (", "\x00", "x = " + "(" * 5000, "-" * 100_000 + "1"])
def test_a_twin_that_is_no_python_is_an_answer_and_no_traceback(record: Path, text: str) -> None:
    (record / "train_gpt_flat.py").write_text(text)
    sign(record)
    assert wrong(record) == {"twin"}


def test_a_line_taken_from_the_ledger_breaks_its_chain(record: Path) -> None:
    lines = (record / "ledger.jsonl").read_text().splitlines(keepends=True)
    (record / "ledger.jsonl").write_text("".join(lines[:2] + lines[3:]))
    sign(record)
    assert wrong(record) == {"ledger"}


@pytest.mark.parametrize("line", ["5", "[]", '{"kind": 3}', "\xff"])
def test_a_ledger_of_anything_is_an_answer_and_no_traceback(record: Path, line: str) -> None:
    (record / "ledger.jsonl").write_text(line + "\n")
    sign(record)
    assert wrong(record) == {"ledger"}


def test_what_is_not_there_is_unknown_and_never_pass(record: Path) -> None:
    for name in ("ledger.jsonl", "train_seed1.log", "train_gpt_flat.py"):
        (record / name).unlink()
    sign(record)
    found = answers(record)
    assert found["ledger"] == found["twin"] == {"unknown"}
    assert found["log"] == {"unknown", "pass"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": 1}', '{"schema_version": 1, "name": "x"}'])
def test_a_folder_that_is_no_record_is_one_message(record: Path, content: str) -> None:
    (record / "results.json").write_text(content)
    with pytest.raises(UserError, match=r"results\.json"):
        open_record(record)


def test_names_that_lead_out_of_the_folder_are_not_followed(record: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with (record / "SHA256SUMS").open("a") as handle:
        handle.write(f"{sha256_file(tmp_path / 'secret')}  ../secret\n")
    (files,) = [check for check in verify_record(open_record(record)) if check.name == "files"]
    assert files.measured == "../secret is not there"


def test_a_record_from_before_times_and_places_were_noted_still_agrees_with_logs_and_ledger(record: Path) -> None:
    content = json.loads((record / "results.json").read_text())
    assert any(curve["seconds"] for curve in content["curves"])
    assert all(launch["node"] and launch["started_at"] for launch in content["launches"])
    for curve in content["curves"]:
        for name in ("seconds", "val_seconds", "val_bpb"):
            del curve[name]
    for launch in content["launches"]:
        for name in ("node", "host", "started_at"):
            del launch[name]
    (record / "results.json").write_text(json.dumps(content))
    sign(record)
    found = answers(record)
    assert (found["curves"], found["attempts"]) == ({"pass"}, {"pass"})
    content["curves"][0]["seconds"] = [7.0 for _ in content["curves"][0]["steps"]]
    (record / "results.json").write_text(json.dumps(content))
    sign(record)
    assert answers(record)["curves"] == {"fail"}
