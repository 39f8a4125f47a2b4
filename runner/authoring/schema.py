"""JSON Schemas for editors and other programs, made from the types that read a file.

A schema describes the file as people write it, not the value that it is read into: `base:` is a path there. It never
refuses what golf accepts. It knows single fields, and which a track leaves to the job; what several fields mean
together, and whether the data are there, `golf plan` tells. Draft 7, which editors read.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from runner.authoring.bounds import bounds_of, whole_bound
from runner.job.field_page import ONLY, docs_of
from runner.job.spec import JobSpec
from runner.job.tracks import HARDWARE, TRACKS
from runner.results.record import RecordData
from runner.search.sweeps.spec import SweepSpec

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
NUMBERS = ("integer", "number")
TEXT: Schema = {"type": "string"}


def job_schema() -> Schema:
    """Of a job's file."""
    made = schema_of(JobSpec, "A golf job")
    parts = made["properties"]
    parts["track"]["enum"] = list(TRACKS)
    parts["hardware"]["enum"] = list(HARDWARE)
    parts["seeds"] |= {"minItems": 1, "uniqueItems": True}
    for name in ("base", "method", "notes"):
        _also(parts[name], TEXT)
    baseline = made["$defs"]["ClaimSpec"]["properties"]["baseline"]
    scores: Schema = {key: made["$defs"]["BaselineSpec"]["properties"]["val_bpb"][key] for key in ("type", "items")}
    _also(baseline, TEXT, {**scores, "minItems": 1})
    parts["variants"] |= _variants()
    made["$defs"]["DataSpec"]["oneOf"] = [
        {"required": ["corpus"], "properties": {"corpus": {"type": "string"}, **_none("path", "tokenizer")}},
        {"required": ["path", "tokenizer"], "properties": {"path": TEXT, "tokenizer": TEXT, **_none("corpus")}},
    ]
    made["allOf"] = [_track_rule(name) for name in TRACKS]
    return made


def sweep_schema() -> Schema:
    """Of a sweep's file."""
    made = schema_of(SweepSpec, "A golf sweep")
    parts, sections = made["properties"], made["$defs"]
    for name in ("sampler", "pruner"):
        named = sections[f"{name.capitalize()}Spec"]["properties"]["name"]
        _also(parts[name], {"enum": named["enum"]})
    ends = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    kinds = {
        "float": ends,
        "log": ends,
        "int": {**ends, "items": {"type": "integer"}},
        "choice": {"type": "array", "minItems": 2, "uniqueItems": True},
    }
    parts["space"] |= {
        "minProperties": 1,
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "properties": {**kinds, "when": {"type": "object"}, "step": {"type": "number", "exclusiveMinimum": 0}},
            "oneOf": [{"required": [kind]} for kind in kinds],
        },
    }
    sections["BudgetSpec"]["minProperties"] = 1
    return made


def record_schema() -> Schema:
    """Of a record's results.json."""
    return schema_of(RecordData, "results.json of a golf record")


KINDS = {"job": job_schema, "sweep": sweep_schema, "record": record_schema}


def schema_text(made: Schema) -> str:
    """A schema as its file holds it."""
    return json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def schema_of(kind: type, title: str) -> Schema:
    """The types' own schema, with the meaning of every field from the docstring below it.

    Titles go, which only repeat the names; so do defaults of whole sections, whose fields have theirs.
    """
    made = TypeAdapter(kind).json_schema(schema_generator=_Quiet)
    classes = {one.__name__: one for one in _classes(kind, set())}
    for name, part in [(kind.__name__, made), *made.get("$defs", {}).items()]:
        if name in classes:
            _describe(part, classes[name])
    return {"$schema": DRAFT, **made, "title": title}


class _Quiet(GenerateJsonSchema):
    """Says nothing of defaults that JSON cannot hold."""

    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}  # noqa: RUF012  # pydantic's own way


def _describe(part: Schema, kind: type) -> None:
    """Give one class's schema its meanings and bounds."""
    part.pop("title", None)
    part["description"] = " ".join((inspect.getdoc(kind) or "").split())
    docs, bounds = docs_of(kind), bounds_of(kind) if is_dataclass(kind) else {}
    for name, field in part.get("properties", {}).items():
        field.pop("title", None)
        if isinstance(field.get("default", {}), dict) or field["default"] is None:
            field.pop("default", None)
        if "patternProperties" in field:
            [(form, inner)] = field.pop("patternProperties").items()
            field |= {"propertyNames": {"pattern": form}, "additionalProperties": inner}
        for choice in [field, *field.get("anyOf", [])]:
            if is_dataclass(kind) and choice.get("type") in NUMBERS:
                whole = whole_bound() if choice["type"] == "integer" else {}
                choice |= {**whole, **bounds.get(name, {})}
        if name in docs:
            field["description"] = docs[name]
        _reference_alone(field)


def _reference_alone(field: Schema) -> None:
    """What stands beside a reference is not read in draft 7: put the reference inside."""
    if "$ref" in field and len(field) > 1:
        field["allOf"] = [{"$ref": field.pop("$ref")}]


def _also(field: Schema, *forms: Schema) -> None:
    """Let a field be written in another form, too."""
    said: Schema = {key: field.pop(key) for key in ("description", "default") if key in field}
    choices = field.pop("anyOf", None) or [{key: field.pop(key) for key in list(field)}]
    field |= {"anyOf": [*forms, *choices], **said}


def _none(*names: str) -> Schema:
    return {name: {"type": "null"} for name in names}


def _track_rule(name: str) -> Schema:
    """What a track sets itself, and what it leaves to the job."""
    rule: Schema = {}
    track, named = TRACKS[name], {"properties": {"track": {"const": name}}, "required": ["track"]}
    for place, leaves in ONLY.items():
        section, _, inner = place.rpartition(".")
        if not leaves(track):
            field: Schema = {"maximum": 1} if place == "concurrent" else {"type": "null"}
            at = rule if not section else rule.setdefault("properties", {}).setdefault(section, {})
            at.setdefault("properties", {})[inner] = field
        elif section == "limits":
            at = rule.setdefault("properties", {}).setdefault(section, {})
            at.setdefault("required", []).append(inner)
            at.setdefault("properties", {})[inner] = {"type": "number"}
            rule["required"] = [section]
    return {"if": named, "then": rule}


def _variants() -> Schema:
    """Named settings, or a grid of them."""
    one = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"},
            "set": {
                "type": "object",
                "minProperties": 1,
                "description": "Fields by path, e.g. optim.matrix_lr: 0.04",
            },
            "repack": {"type": "boolean", "description": "Not trained: the base's kept weights, packed this way."},
        },
    }
    grid = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array", "minItems": 1}}
    return {"anyOf": [{"type": "array", "minItems": 1, "items": one}, grid, {"type": "null"}]}


def _classes(kind: Any, found: set[type]) -> set[type]:
    """Every class of ours that a type is made of."""
    ours = isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel))
    inner = get_type_hints(kind, include_extras=True).values() if ours else get_args(kind)
    if ours and kind in found:
        return found
    if ours:
        found.add(kind)
    for part in inner:
        _classes(part, found)
    return found
