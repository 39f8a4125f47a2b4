"""`sinks:` of a job: where else a run is shown while it goes on. None has a say in it, and no secret stands in a job.

Addresses and keys are named by environment variable; what they hold is read by the sink's own process.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from golf_model.config.checks import ConfigError, require
from runner.strict import VARIABLE, Strict

Moment = Literal["started", "seed", "verdict", "budget"]
"""What a webhook may be told of: the run begins, a seed has ended, the verdict, a warning of the budget."""
Variable = Annotated[str, Field(json_schema_extra={"pattern": VARIABLE})]
"""Held against its form by `names_only`, since pydantic's own message would repeat a secret; editors are told it."""
MOST_WEBHOOKS = 8
SECRET = "must be the name of a variable, such as SLACK_URL: what it holds is a secret, and stands in no job"


class SecretGiven(ConfigError):
    """A secret stands, or may stand, where the name of its variable belongs: no message repeats it."""


class TensorBoardSpec(Strict):
    """Event files for TensorBoard; needs `golf[tensorboard]`."""

    folder: Path | None = None
    """Where they go; relative to the job file's folder. Left out: sinks/tensorboard of the output folder."""


class WandbSpec(Strict):
    """Weights & Biases: a run for each seed; needs `golf[wandb]`."""

    project: Annotated[str, Field(min_length=1, max_length=128)] = "golf"
    """Project there."""
    entity: Annotated[str, Field(max_length=128)] = ""
    """Team or user there; empty for the key's own."""
    mode: Literal["online", "offline"] = "online"
    """offline writes files only, for `wandb sync` later."""
    key_env: Variable = "WANDB_API_KEY"
    """Variable that holds the key, where the machine has no login; offline needs none."""
    folder: Path | None = None
    """Where its files go; relative to the job file's folder. Left out: sinks/wandb of the output folder."""

    @model_validator(mode="before")
    @classmethod
    def _names_only(cls, given: Any) -> Any:
        return names_only(given, "key_env")


class MlflowSpec(Strict):
    """MLflow: a run for each seed below one for the job; needs `golf[mlflow]`."""

    experiment: Annotated[str, Field(min_length=1, max_length=128)] = "golf"
    """Experiment there."""
    uri_env: Variable | None = None
    """Variable that holds the tracking server's address; left out, files are written."""
    folder: Path | None = None
    """Where files go without a server; relative to the job file's folder. Left out: sinks/mlflow of the output
    folder."""

    @model_validator(mode="before")
    @classmethod
    def _names_only(cls, given: Any) -> Any:
        return names_only(given, "uri_env")

    @model_validator(mode="after")
    def _one_place(self) -> MlflowSpec:
        require(self.uri_env is None or self.folder is None, "folder", "belongs to files; remove it or uri_env")
        return self


class WebhookSpec(Strict):
    """An address that is sent a few lines: Slack, Discord, ntfy, or any that takes JSON."""

    kind: Literal["json", "slack", "discord", "ntfy"] = "json"
    """What its messages look like."""
    url_env: Variable
    """Variable that holds the address, http or https."""
    token_env: Variable | None = None
    """Variable that holds a token, sent as `Authorization: Bearer`."""
    on: tuple[Moment, ...] = ("started", "seed", "verdict", "budget")
    """What it is told of: the run begins, a seed has ended, the verdict, a warning of the budget."""

    @model_validator(mode="before")
    @classmethod
    def _names_only(cls, given: Any) -> Any:
        for field in ("url", "token"):
            if isinstance(given, dict) and field in given:
                raise SecretGiven(field, f"is a secret; put it into a variable and name that one: {field}_env: NAME")
        if isinstance(given, dict) and isinstance(given.get("on"), list):
            given = {
                **given,
                "on": tuple(given["on"]),
            }  # looked at here, it is no longer JSON, whose lists are tuples
        return names_only(given, "url_env", "token_env")


class SinksSpec(Strict):
    """Where else a run is shown while it goes on; each is off unless it is named, and may fail without harm."""

    tensorboard: TensorBoardSpec | None = None
    """Event files for TensorBoard."""
    wandb: WandbSpec | None = None
    """Weights & Biases."""
    mlflow: MlflowSpec | None = None
    """MLflow."""
    webhooks: tuple[WebhookSpec, ...] = ()
    """Addresses that are sent a few lines."""

    @model_validator(mode="after")
    def _few(self) -> SinksSpec:
        require(len(self.webhooks) <= MOST_WEBHOOKS, "webhooks", f"at most {MOST_WEBHOOKS}")
        return self

    def below(self, start: Path) -> SinksSpec:
        """The same with folders that set out from `start`."""
        placed = {
            name: one.model_copy(update={"folder": start / one.folder})
            for name in ("tensorboard", "wandb", "mlflow")
            if (one := getattr(self, name)) is not None and one.folder is not None
        }
        return self.model_copy(update=placed)


def names_only(given: Any, *fields: str) -> Any:
    """What was given, once the fields that name variables do so."""
    for field in fields:
        name = given.get(field) if isinstance(given, dict) else None
        if name is not None and not (isinstance(name, str) and re.fullmatch(VARIABLE, name)):
            raise SecretGiven(field, SECRET)
    return given


def written_out(sinks: Any) -> Any:
    """A sink that is only named (`tensorboard:`) as the empty mapping that it stands for."""
    if not isinstance(sinks, dict):
        return sinks
    return {name: {} if said is None and name != "webhooks" else said for name, said in sinks.items()}
