"""`golf review` as people run it: screens, JSON, comments, exit codes, many at once; and its line in `golf audit`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.errors import UserError
from runner.review.answers import CLASSES
from runner.verbs.reviews import environment_of, target
from tests.fixtures.places import JOBS
from tests.runner.audit.entries import write_entry

PLAIN = "import os\n\n\ndef score(x):\n    return x * int(os.environ.get('TIMES', '1'))\n"


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train_gpt.py"
    path.write_text(PLAIN)
    return path


def test_the_screen_names_what_was_not_looked_at_and_calls_nothing_clean(script: Path) -> None:
    shown = run("review", script)
    assert "not looked at:" in shown
    assert "how it ran is not known" in shown
    assert not {"clean", "legal", "compliant"} & set(shown.lower().replace(",", " ").split())


def test_json_is_one_object_a_line_for_each_script(script: Path, tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "entry")
    lines = [json.loads(line) for line in run("review", script, folder, "--json").splitlines()]
    assert [line["path"] for line in lines] == [str(script), str(folder)]
    assert [list(line["classes"]) for line in lines] == [list(CLASSES)] * 2


def test_many_scripts_are_read_by_several_processes_in_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"number_{index}.py" for index in range(5)]
    for path in paths:
        path.write_text(PLAIN)
    lines = [json.loads(line)["script"] for line in run("review", *paths, "--json").splitlines()]
    assert lines == [str(path) for path in paths]


def test_a_comment_shows_what_a_script_holds_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a_<b>_@c.py"
    path.write_text("exec(open('<img src=x>@team').read())\n")
    shown = run("review", path, "--markdown")
    assert shown.startswith("### Review of ")
    assert "<img" not in shown.replace("`", "")
    assert "Not looked at:" in shown


def test_a_path_that_cannot_be_read_is_told_and_the_others_go_on(script: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["review", str(tmp_path / "missing.py"), str(script), "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout.splitlines()[-1])["script"] == str(script)


@pytest.mark.parametrize("content", [b"def score(:\n", b"x = '\xff'\n", b"x = 1\0\n"])
def test_what_is_no_python_is_shown_as_unknown_and_is_no_good_exit(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train_gpt.py"
    path.write_bytes(content)
    assert "unknown: train_gpt.py: is no " in run("review", path, code=2)


def test_the_environment_is_names_and_values() -> None:
    assert environment_of(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(UserError, match="give NAME=VALUE"):
        environment_of(["A"])


def test_a_job_leads_to_the_text_that_golf_makes_of_it() -> None:
    made = target(JOBS / "quickstart.yaml", {"A": "1"})
    assert made.content is not None
    assert made.given == {"A": "1"}
    assert made.run_known


def test_an_audit_has_a_line_on_the_code_and_the_whole_review_where_it_is_asked(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "entry")
    plain = CliRunner().invoke(app, ["audit", str(folder)]).output
    assert "its code" in plain
    assert "not looked at:" not in plain
    assert "not looked at:" in CliRunner().invoke(app, ["audit", str(folder), "--review"]).output
    told = json.loads(CliRunner().invoke(app, ["audit", str(folder), "--review", "--json"]).stdout)
    assert list(told["review"]["classes"]) == list(CLASSES)
