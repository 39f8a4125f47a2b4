"""A new job says what the other one says, under a name of its own, with every field explained; nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runner.authoring.new_job import draft
from runner.authoring.schema import job_schema, schema_text
from runner.cli.app import app
from runner.errors import UserError
from runner.job.load import load_job
from runner.job.spec import resolved
from runner.own_jobs.by_name import shipped
from tests.fixtures.places import JOBS

NEW = {"name", "author", "github_id", "blurb", "base", "notes", "method", "reference", "claim", "data"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def golf(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


SOON = ("quickstart", "pr372", "pr1394", "pr465_table")
"""Jobs that differ in how they are written; the others are slow tests."""


@pytest.mark.parametrize(
    "source", [pytest.param(name, marks=() if name in SOON else pytest.mark.slow) for name in shipped()]
)
def test_a_draft_of_every_shipped_job_runs_as_that_job(tmp_path: Path, source: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(draft("mine", source, tmp_path).text)
    made, other = load_job(path), load_job(shipped()[source])
    assert {key: value for key, value in resolved(made).items() if key not in NEW} == {
        key: value for key, value in resolved(other).items() if key not in NEW
    }
    assert made.base is not None
    assert (made.name, made.base.name, made.reference, made.claim) == ("mine", other.name, None, None)
    theirs = max(map(len, shipped()[source].read_text().splitlines()))
    assert max(map(len, path.read_text().splitlines())) <= max(118, theirs)


def test_every_field_has_a_comment_and_those_of_the_other_job_stay(tmp_path: Path) -> None:
    lines = draft("mine", "pr372", tmp_path).text.splitlines()
    assert "    xsa_last_n: 4             # exclusive attention, PR #265" in lines
    assert (
        "    num_layers: 11            # Transformer blocks: the first half feed U-Net skips to the second half"
        in lines
    )
    assert "# keep_weights: false         # Keep what is packed: the float weights after averaging" in "\n".join(
        lines
    )
    bare = [line for at, line in enumerate(lines) if line and "#" not in line and "#" not in lines[at - 1]]
    assert bare == []


def test_a_choice_is_explained_whole_or_not_beside_it(tmp_path: Path) -> None:
    lines = draft("mine", "pr372", tmp_path).text.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line == "    container: torch"] or [-1]
    assert at == -1 or lines[at - 1].lstrip().startswith("#")


def test_data_are_named_as_they_are_seen_from_the_new_place(tmp_path: Path) -> None:
    assert "path: data/datasets/fineweb10B_sp1024 " in draft("mine", "pr372", tmp_path).text
    assert "path: ../data/datasets/fineweb10B_sp1024 " in draft("mine", "pr372", JOBS / "variants").text.replace(
        "path: ../../", "path: ../"
    )
    own = tmp_path / "deep" / "own.yaml"
    own.parent.mkdir()
    text = (JOBS / "quickstart.yaml").read_text().replace("corpus: asv ", "path: shards\n  tokenizer: a.model ")
    own.write_text(text)
    made = draft("mine", "deep/own.yaml", tmp_path)
    assert "path: deep/shards" in made.text
    assert made.base == "deep/own.yaml"


def test_the_verb_writes_the_job_and_its_schema_and_overwrites_neither(tmp_path: Path) -> None:
    done = golf("new", "mine", "--from", "pr372", "--output", "jobs")
    assert done.exit_code == 0
    assert "golf plan jobs/mine.yaml" in done.stdout
    schema = tmp_path / "jobs" / "job.schema.json"
    assert schema.read_text() == schema_text(job_schema())
    schema.write_text("{}")
    before = (tmp_path / "jobs" / "mine.yaml").read_text()
    assert isinstance(golf("new", "mine", "--output", "jobs").exception, UserError)
    assert golf("new", "other", "--output", "jobs").exit_code == 0
    assert (tmp_path / "jobs" / "mine.yaml").read_text() == before
    assert schema.read_text() == "{}"
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    assert isinstance(golf("new", "dangling").exception, UserError)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine.yaml",), "is a path"),
        (("../mine",), "is a path"),
        (("my job",), "must consist of"),
        (("",), "must consist of"),
        (("x" * 65,), "at most 64"),
        (("mine\n",), "must consist of"),
        (("mine", "--from", "pr1"), "no job that golf brings: baseline"),
    ],
)
def test_a_wrong_name_or_source_is_refused_and_leaves_nothing(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    found = golf("new", *words).exception
    assert isinstance(found, UserError)
    assert said in str(found)
    assert list(tmp_path.iterdir()) == []


def test_a_job_in_one_line_or_with_a_script_of_its_own_is_no_source(tmp_path: Path) -> None:
    Path("flow.yaml").write_text(
        '{"name": "flow", "track": "local", "seeds": [1], "data": {"corpus": "asv"},'
        ' "limits": {"train_seconds": 900, "eval_seconds": 9}}'
    )
    with pytest.raises(UserError, match="does not begin a line"):
        draft("mine", "flow.yaml", tmp_path)
    text = (JOBS / "quickstart.yaml").read_text()
    Path("own.yaml").write_text(text[: text.index("config:")] + "script: train_gpt.py\n")
    with pytest.raises(UserError, match="a script of its own"):
        draft("mine", "own.yaml", tmp_path)
