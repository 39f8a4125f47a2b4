"""Fields of a job set by their paths: what comes out, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from runner.search.overrides import RawJob, Setting, job_with, place_of, read_raw

JOB = """\
name: tried
track: local
seeds: [1, 2]
limits: {train_seconds: 60, eval_seconds: 9}
data: {corpus: asv}
config:
  schedule: {max_wallclock_seconds: 50}
  model:
    num_layers: 3
"""


@pytest.fixture
def raw(tmp_path: Path) -> RawJob:
    (tmp_path / "job.yaml").write_text(JOB)
    return read_raw(tmp_path / "job.yaml")


def complaint(raw: RawJob, *settings: Setting, **more: str) -> str:
    with pytest.raises(UserError) as caught:
        job_with(raw, settings, **more)  # type: ignore[arg-type]
    return str(caught.value).replace(f"{raw.folder}/", "")


def test_a_path_names_a_field_with_or_without_config() -> None:
    assert place_of("optim.matrix_lr") == place_of("config.optim.matrix_lr") == ("config", "optim", "matrix_lr")
    assert place_of("data.tokenizer") == ("data", "tokenizer")
    assert place_of("env.NCCL_DEBUG") == ("env", "NCCL_DEBUG")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("optim.matix_lr", "(did you mean 'optim.matrix_lr'?)"),
        ("config.export.embd", "(did you mean 'config.export.embed'?)"),
        ("stride", "(did you mean 'eval.stride'?)"),
        ("seeds", "seeds belongs to all of them"),
    ],
)
def test_an_unknown_path_says_which_one_was_meant(path: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"belongs to all|no field") as caught:
        place_of(path)
    assert said in str(caught.value)


def test_fields_are_set_before_the_job_is_checked(raw: RawJob) -> None:
    job = job_with(raw, [Setting("optim.matrix_lr", 0.03), Setting("model.bigram.buckets", 64)])
    assert (job.config.optim.matrix_lr, job.config.model.bigram.buckets, job.config.model.num_layers) == (0.03, 64, 3)
    assert raw.data["config"]["model"] == {"num_layers": 3}


def test_a_job_with_settings_is_the_job_whose_file_says_the_same(raw: RawJob) -> None:
    (raw.folder / "job.yaml").write_text(JOB.replace("layers: 3", "layers: 5"))
    assert job_with(raw, [Setting("model.num_layers", 5)]) == job_with(read_raw(raw.folder / "job.yaml"))


def test_data_is_set_as_a_whole_and_starts_from_the_jobs_folder(raw: RawJob) -> None:
    job = job_with(raw, [Setting("data", {"path": "shards", "tokenizer": "t.model"})])
    assert (job.data.corpus, job.data.path) == (None, raw.folder.absolute() / "shards")


def test_a_refused_value_is_said_where_it_was_set_and_by_whom(raw: RawJob) -> None:
    lines = {("variants", 0): 12, ("variants", 0, "set", "model.num_layers"): 13}
    wrong = Setting("model.num_layers", "many", ("variants", 0, "set"))
    assert complaint(raw, wrong, lines=lines, who="variant deep") == (  # type: ignore[arg-type]
        "job.yaml:13: config.model.num_layers: must be a whole number, not the text 'many' (variant deep)"
    )


def test_another_file_that_sets_a_field_is_named_for_it(raw: RawJob) -> None:
    lines = {("space", "model.num_layers"): 4}
    wrong = Setting("model.num_layers", 0, ("space",))
    said = complaint(raw, wrong, lines=lines, source="sweep.yaml")  # type: ignore[arg-type]
    assert said.startswith("sweep.yaml:4: config.model.num_layers: ")


def test_a_field_is_set_once(raw: RawJob) -> None:
    twice = Setting("data", {"corpus": "asv"}), Setting("data.corpus", "asv")
    assert (
        complaint(raw, *twice)
        == "job.yaml:1: 'data.corpus': sets data.corpus, which data sets already; keep one of them"
    )
