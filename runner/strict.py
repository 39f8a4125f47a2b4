"""The base of everything that a job's YAML is read into, and the numbers and forms that several parts of it share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_SEED = 2**31 - 1
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Form of a job's name."""
VARIABLE = r"^[A-Z][A-Z0-9_]*$"
"""Form of the name of an environment variable."""

Seconds = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


class Strict(BaseModel):
    """Immutable; an unknown key or a value of another type is an error. The configuration tree inherits this."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
