"""docs/job-reference.md: every field of a job, made from the types that read it; nothing of it is written by hand.

    python -m runner.job.field_page > docs/job-reference.md

Types, defaults and bounds come from the models, meanings from the docstrings below their fields. A test keeps the
page equal to what this prints.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from runner.job.spec import JobSpec
from runner.job.tracks import HARDWARE, TRACKS, Track

HEAD = """# Every field of a job

What a job's YAML may say. A field without a default is required. [jobs.md](jobs.md) has the jobs that are here and
the fields by what they are for; this page is made from the code: `python -m runner.job.field_page`.
"""
PLAIN = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text", Path: "path"}
BOUNDS = {"ge": "at least", "gt": "over", "le": "at most", "lt": "under"}
"""Name of a constraint's bound -> its word."""
UNITS = re.compile(
    r"\b(seconds|milliseconds|bytes|MiB|nats/token|bits per byte|tokens|steps|dollars)\b", re.IGNORECASE
)
ONLY: Mapping[str, Callable[[Track], bool]] = {
    "concurrent": lambda track: not track.exclusive,
    "data.corpus": lambda track: not track.contest,
    "limits.train_seconds": lambda track: track.train_seconds is None,
    "limits.eval_seconds": lambda track: track.eval_seconds is None,
}
"""Field -> the tracks that leave it to the job; every other field is one of all tracks."""

KINDS = {
    "track": ", ".join(f"`{name}`" for name in TRACKS),
    "hardware": ", ".join(f"`{name}`" for name in HARDWARE),
    "base": "path of a job",
    "method": "path of a markdown file",
}
"""Fields whose values stand in tables, and those that YAML gives as a path to what the type holds."""


@dataclass(frozen=True)
class FieldLine:
    """One field as the page shows it."""

    name: str
    kind: str
    default: str
    unit: str
    meaning: str


@cache
def _classes_in(module: str) -> dict[str, ast.ClassDef]:
    """The classes of a module as its source has them."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}


def docs_of(kind: type) -> dict[str, str]:
    """Field -> the docstring below it, of a class and those that it inherits."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not (one.__module__.startswith(("runner.", "golf_model."))):
            continue
        body = _classes_in(one.__module__)[one.__name__].body
        for field, said in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr) and isinstance(field.target, ast.Name):
                found[field.target.id] = " ".join(ast.literal_eval(said.value).split())
    return found


def field_lines(kind: type) -> Iterator[FieldLine]:
    """The fields of a model or a configuration class, in its order."""
    docs, hints = docs_of(kind), get_type_hints(kind, include_extras=True)
    for name, default in defaults(kind).items():
        meaning = docs.get(name, "")
        unit = UNITS.search(meaning)
        named = KINDS.get(name) if kind is JobSpec else None
        section = None if named else section_of(hints[name])
        yield FieldLine(
            name,
            named or (f"[mapping](#{anchor(section)})" if section is not None else type_words(hints[name])),
            default,
            unit[1] if unit and number_in(hints[name]) else "",
            meaning,
        )


def defaults(kind: type) -> dict[str, str]:
    """Field -> its default as YAML would say it; 'required' where there is none."""
    found: dict[str, str] = {}
    if is_dataclass(kind):
        for field in fields(kind):
            made = field.default_factory() if field.default_factory is not MISSING else field.default
            found[field.name] = "required" if made is MISSING else yaml_word(made)
    else:
        assert issubclass(kind, BaseModel)
        for name, info in kind.model_fields.items():
            made = info.get_default(call_default_factory=True)
            found[name] = "required" if made is PydanticUndefined else yaml_word(made)
    return found


def yaml_word(value: Any) -> str:
    """A default, short."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return code(value) if value else "empty"
    if isinstance(value, tuple | dict):
        return "empty" if not value else code(", ".join(map(str, value)))
    return (
        f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if isinstance(value, int) else "its own defaults"
    )


def type_words(kind: Any) -> str:
    """A type in words, with its bounds."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        bounds = [
            f"{word} {bound:,}"
            for item in flat(more)
            for name, word in BOUNDS.items()
            if (bound := getattr(item, name, None)) is not None
        ]
        return f"{type_words(inner)}, {' and '.join(bounds)}" if bounds else type_words(inner)
    if get_origin(kind) in (Union, UnionType):
        return type_words(next(part for part in get_args(kind) if part is not NoneType))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return f"list of [mappings](#{anchor(item)})" if section_of(item) else f"list: {type_words(item)}"
    if get_origin(kind) is dict:
        return "mapping of names to text" if get_args(kind)[1] is str else "mapping"
    return PLAIN.get(kind, "mapping")


def flat(more: list[Any]) -> Iterator[Any]:
    """Constraints, also those inside pydantic's Field()."""
    for item in more:
        yield from getattr(item, "metadata", [item])


def number_in(kind: Any) -> bool:
    """Whether a field holds a number, or a list of them."""
    words = type_words(kind)
    return "number" in words


def section_of(kind: Any) -> type | None:
    """The class whose fields a field's mapping has, or that its list's items have."""
    if get_origin(kind) in (Annotated, Union, UnionType):
        return next(filter(None, map(section_of, get_args(kind))), None)
    ours = isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel))
    return kind if ours else None


def inner_sections(kind: type) -> Iterator[tuple[str, type]]:
    """(field, class) of the fields of a class that have fields themselves, or whose list's items have."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        item = get_args(hint)[0] if get_origin(hint) is tuple else hint
        inner = section_of(item)
        if inner is not None and not (kind is JobSpec and name in KINDS):
            yield name, inner


@cache
def places() -> dict[type, str]:
    """Every class of a job's fields -> where it stands first, '' for the job itself; in the order of the page."""
    found: dict[type, str] = {}

    def visit(kind: type, path: str) -> None:
        if kind not in found:
            found[kind] = path
            for name, inner in inner_sections(kind):
                visit(inner, f"{path}.{name}" if path else name)

    visit(JobSpec, "")
    return found


def anchor(kind: type) -> str:
    """The heading of a class as links name it."""
    return places()[kind].replace(".", "")


def code(text: str) -> str:
    """Text as code in a table's cell."""
    marks = "``" if "`" in text else "`"
    return f"{marks}{text.replace('|', chr(92) + '|')}{marks}"


def cell(text: str) -> str:
    """Prose in a table's cell."""
    return text.replace("|", r"\|")


def tracks_of(place: str) -> str:
    """The tracks on which a field may be set, where that is not all of them."""
    free = [name for name, track in TRACKS.items() if place not in ONLY or ONLY[place](track)]
    return f" Only on: {', '.join(f'`{name}`' for name in free)}." if len(free) < len(TRACKS) else ""


def section(kind: type, path: str) -> Iterator[str]:
    """The heading and table of a class."""
    yield f"\n## `{path}`\n" if path else "\n## The job\n"
    yield f"{' '.join((inspect.getdoc(kind) or '').split())}\n"
    yield "| field | type | default | unit | meaning |\n|---|---|---|---|---|"
    for line in field_lines(kind):
        meaning = cell(line.meaning) + tracks_of(f"{path}.{line.name}" if path else line.name)
        yield f"| `{line.name}` | {line.kind} | {line.default} | {line.unit or '-'} | {meaning} |"


def page() -> str:
    """The whole page."""
    sections = (line for kind, path in places().items() for line in section(kind, path))
    return HEAD + "\n".join(sections) + "\n"


if __name__ == "__main__":
    print(page(), end="")
