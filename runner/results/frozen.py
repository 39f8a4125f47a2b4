"""What every stored value is made of: immutable, plain JSON on disk, an unknown key is an error."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

SCHEMA_VERSION = 1
Status = Literal["pass", "fail", "unknown"]
RunStatus = Literal["completed", "failed", "timeout", "lost", "interrupted"]
VerdictStatus = Literal["passed", "rejected", "unverified", "repacked"]
PolicyName = Literal["readme", "progression", "target"]


def _fail_fast(schema: Any) -> None:
    """Have every list in a schema stop at its first wrong item."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list | tuple) else ()
    if isinstance(schema, dict) and schema.get("type") in ("list", "tuple"):
        schema["fail_fast"] = True
    for part in parts:
        _fail_fast(part)


class Frozen(BaseModel):
    """Base of every stored value: immutable, and an unknown key is an error."""

    # ser_json_inf_nan: a NaN score is a fact and must survive the disk.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A list is wrong by its first wrong item: of a stranger's file of `{}` each would take 5 kB of errors."""
        schema = handler(source)
        _fail_fast(schema)
        return schema


class Interval(Frozen):
    """A duration known to lie between two bounds, in seconds; equal bounds when it was stamped exactly."""

    low: float
    high: float
