"""The job that another one sets out from: read with it, kept as plain data, and what changed against it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from golf_model.config.golf_config import GolfConfig
from runner.errors import UserError
from runner.job.base import about, changes, field_docs, flat_fields
from runner.job.load import job_from_mapping, job_hash, load_job, resolved, with_seeds
from runner.job.profiles import with_profile
from runner.job.spec import JobSpec
from tests.fixtures.places import ROOT

JOB = """name: {name}
track: local
seeds: [1]
{more}
data: {{path: shards, tokenizer: t.model}}
limits: {{train_seconds: 60, eval_seconds: 60}}
config:
  model: {{num_layers: {layers}}}
  schedule: {{max_wallclock_seconds: 50}}
"""


def write(folder: Path, name: str, layers: int = 9, more: str = "") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(JOB.format(name=name, layers=layers, more=more))
    return path


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    write(tmp_path, "first", more="hardware: cpu")
    return load_job(write(tmp_path, "second", 4, "base: first.yaml\nhardware: gpu"))


def test_the_base_is_kept_as_plain_data_without_our_folders(job: JobSpec, tmp_path: Path) -> None:
    assert job.base is not None
    assert job.base.name == "first"
    assert job.base.job["config"]["model"]["num_layers"] == 9
    assert job.base.job["data"]["path"] == "shards"
    assert str(tmp_path) not in json.dumps(job.base.job)
    assert "seeds" not in job.base.job


def test_a_job_does_not_set_out_from_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "first", more="base: sub/../first.yaml")
    (tmp_path / "sub").mkdir()
    with pytest.raises(
        UserError, match=r"first\.yaml:4: base: is this job's own file; name the job that it sets out"
    ):
        load_job(path)


def test_a_resolved_job_keeps_its_base_wherever_it_is_read_again(job: JobSpec) -> None:
    again = job_from_mapping(json.loads(json.dumps(resolved(job))), source="job.json", folder=Path("/nowhere"))
    assert again.base == job.base
    assert with_seeds(job, [5]).base == job.base


def test_what_changed_is_what_has_a_say_field_by_field(job: JobSpec) -> None:
    found = changes(job)
    assert found is not None
    assert found.base == "first"
    assert {change.field: (change.there, change.here) for change in found.fields} == {
        "hardware": ("cpu", "gpu"),
        "config.model.num_layers": (9, 4),
    }
    assert found.fields[-1].about == "Transformer blocks"


def test_hardware_that_the_base_leaves_open_is_no_change(tmp_path: Path) -> None:
    write(tmp_path, "first", more="hardware: auto")
    found = changes(load_job(write(tmp_path, "second", more="base: first.yaml\nhardware: cpu")))
    assert found is not None
    assert found.fields == []


def test_without_a_base_golfs_defaults_stand_in(tmp_path: Path) -> None:
    found = changes(load_job(write(tmp_path, "alone", 4)))
    assert found is not None
    assert found.base == ""
    assert [change.field for change in found.fields] == [
        "config.model.num_layers",
        "config.schedule.max_wallclock_seconds",
    ]


def test_somebody_elses_script_without_a_base_is_compared_with_nothing(tmp_path: Path) -> None:
    text = JOB.format(name="theirs", layers=9, more="script: their.py").split("config:")[0]
    (tmp_path / "theirs.yaml").write_text(text)
    assert changes(load_job(tmp_path / "theirs.yaml")) is None


def test_base_and_notes_have_no_say_in_the_hash(job: JobSpec) -> None:
    bare = job.model_copy(update={"base": None, "notes": ("tried this",)})
    assert job_hash(job, "ab", {}) == job_hash(bare, "ab", {})


def test_the_bases_own_base_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "first", more="base: second.yaml")
    job = load_job(write(tmp_path, "second", more="base: first.yaml"))
    assert job.base is not None
    assert "base" not in job.base.job


def test_a_base_that_is_missing_or_mistaken_is_told_at_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "second", more="base: first.yaml")
    with pytest.raises(UserError, match=r"second\.yaml:4: base: .*first\.yaml: no such file"):
        load_job(path)
    (tmp_path / "first.yaml").write_text(path.read_text().replace("num_layers", "num_layer"))
    with pytest.raises(
        UserError, match=r"second\.yaml:4: base: .*first\.yaml:8: config\.model\.num_layer: unknown key"
    ):
        load_job(path)


def test_the_small_profile_is_compared_with_the_defaults(job: JobSpec) -> None:
    assert with_profile(job, "small").base is None


def test_every_field_of_the_configuration_has_words_of_its_own() -> None:
    docs = field_docs()
    assert set(docs) == {name for name, _ in flat_fields(_defaults())}
    assert all(docs.values())
    assert docs["model.num_layers"].startswith("Transformer blocks:")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("config.model.num_kv_heads", "Key/value heads"),
        ("config.optim.adam_eps", "Adam's epsilon"),
        ("config.schedule.kind", "What stop and warmdown follow"),
        ("config.export.compressor", "What makes the artifact's bytes few"),
        ("config.batch.train_batch_tokens", "Tokens per optimizer step over all processes"),
        ("hardware", ""),
        ("config.no.such_field", ""),
    ],
)
def test_a_field_is_told_by_the_first_clause(field: str, words: str) -> None:
    assert about(field) == words


def test_no_field_is_told_by_the_name_of_one_of_its_values() -> None:
    named = [name for name in field_docs() if re.match(r"\w+: |The originals'", field_docs()[name])]
    assert named == []


def _defaults() -> dict[str, object]:
    from dataclasses import asdict

    return asdict(GolfConfig())


def test_a_job_that_was_read_needs_no_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = load_job(ROOT / "jobs" / "quickstart.yaml")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert with_seeds(job, [5, 6]) == job.model_copy(update={"seeds": (5, 6)})
