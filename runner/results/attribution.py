"""What a job changed, and whose ideas it uses."""

from __future__ import annotations

from typing import Any

from runner.results.frozen import Frozen


class Change(Frozen):
    """One field of a job that differs from another job's."""

    field: str
    """Dotted, e.g. `config.model.num_layers`."""
    there: Any
    """In the other job; None where it has no such field."""
    here: Any
    about: str = ""
    """What the field is, in the configuration's own words."""


class Changes(Frozen):
    """What a job changed against the one that it sets out from."""

    base: str
    """Name of that job; empty where the job names none, and golf's defaults stand in."""
    fields: list[Change]


class Attribution(Frozen):
    """A technique that the configuration uses, and its source as the configuration's fields name it."""

    title: str
    field: str
    value: Any
    source: str
