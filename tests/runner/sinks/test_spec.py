"""`sinks:` of a job: what is refused, without repeating a secret, and that no run is another by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.job.load import job_from_mapping, load_job, with_seeds
from runner.job.spec import JobSpec, job_hash, resolved, without_folders
from runner.record.folder import stored_job
from tests.fixtures.full_record import told_record

LIMITS = {"train_seconds": 600, "eval_seconds": 600}
JOB: dict[str, Any] = {"name": "x", "track": "local", "seeds": [1], "data": {"corpus": "asv"}, "limits": LIMITS}
ALL = {"tensorboard": None, "wandb": {"mode": "offline", "folder": "there"}, "webhooks": [{"url_env": "SLACK_URL"}]}


def job_with(sinks: Any = None, **changes: Any) -> JobSpec:
    return job_from_mapping({**JOB, **changes, **({} if sinks is None else {"sinks": sinks})}, source="job.yaml")


def test_a_sink_that_is_only_named_is_on(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(JOB)[:-1] + ', "sinks": {"tensorboard": null, "wandb": {"folder": "w"}}}')
    sinks = load_job(path).sinks
    assert sinks is not None
    assert sinks.tensorboard is not None
    assert sinks.wandb is not None
    assert (sinks.wandb.folder, sinks.mlflow) == (tmp_path / "w", None)


def test_a_job_keeps_its_sinks_where_it_is_written_out_and_read_again() -> None:
    job = job_with(ALL)
    assert job_from_mapping(resolved(job), source="job.json") == job
    assert with_seeds(job, [3]).sinks == job.sinks


def test_a_job_without_them_is_written_out_as_before() -> None:
    assert {"sinks", "budget"} & resolved(job_with()).keys() == set()


def test_neither_sinks_nor_a_budget_make_another_run_or_stand_in_a_record() -> None:
    plain, told = job_with(), job_with(ALL, budget={"hours": 1})
    assert job_hash(plain, "s", {}) == job_hash(told, "s", {})
    assert without_folders(resolved(plain)) == without_folders(resolved(told))


def test_a_record_of_somebodys_reaches_no_sink_from_here() -> None:
    data = told_record()
    forged = data.model_copy(update={"job": {**data.job, "sinks": {"webhooks": [{"url_env": "SLACK_URL"}]}}})
    assert stored_job(forged).sinks is None


@pytest.mark.parametrize(
    ("sinks", "said"),
    [
        (
            {"webhooks": [{"url_env": "https://hooks.example/SECRET"}]},
            "sinks.webhooks.0.url_env: must be the name of a",
        ),
        ({"webhooks": [{"url": "https://hooks.example/SECRET"}]}, "sinks.webhooks.0.url: is a secret; put it into a"),
        ({"webhooks": [{"url_env": "A", "token": "SECRET"}]}, "sinks.webhooks.0.token: is a secret; put it into a"),
        ({"wandb": {"key_env": "SECRETSECRETsecret"}}, "sinks.wandb.key_env: must be the name of a variable"),
        ({"mlflow": {"uri_env": ["SECRET"]}}, "sinks.mlflow.uri_env: must be the name of a variable"),
        ({"mlflow": {"uri_env": "A", "folder": "b"}}, "sinks.mlflow.folder: "),
        ({"tensorbord": {}}, "sinks.tensorbord: unknown key (did you mean 'tensorboard'?)"),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_no_secret_is_repeated(sinks: Any, said: str) -> None:
    with pytest.raises(UserError) as told:
        job_with(sinks)
    assert said in str(told.value)
    assert "SECRET" not in str(told.value)
