"""What is wrong with a job, said so that it can be mended: file, line, field, reason, suggestion.

Turns pydantic's errors into problems and problems into one UserError. Decides nothing itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from golf_model.config.checks import ConfigError
from runner.errors import UserError
from runner.job.hints import hint
from runner.sinks.spec import SecretGiven
from runner.strict import NAME, VARIABLE
from runner.yaml_lines import Lines, Place

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
}
_PATTERNS = {
    NAME: "must consist of letters, digits, '.', '_' or '-', at most 64, the first a letter or digit",
    VARIABLE: "must consist of capital letters, digits and '_', the first a letter, as in NUM_LAYERS",
}
"""Form of a text -> the rule in words."""
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
_MISSING_KEY = ("missing", "missing_argument", "missing_keyword_only_argument")
_WORD = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Problem:
    """One thing to mend, at one place of the job."""

    place: Place
    message: str


def report(problems: Iterable[Problem], lines: Lines, source: str) -> UserError:
    """One error with a line `source:line: field: message` per problem, in the order of the file."""
    placed = sorted(
        ((_line_of(problem.place, lines), problem.place, problem.message) for problem in problems),
        key=lambda item: (item[0], _dotted(item[1])),
    )
    return UserError("\n".join(f"{source}:{line}: {_dotted(place)}: {text}" for line, place, text in placed))


def problems_of(error: ValidationError, root: type) -> list[Problem]:
    """The problems in a failed validation of `root`, in our words.

    A key that is missing because it is misspelt is one problem, told at the misspelling.
    """
    details = error.errors(include_url=False)
    unknown = [tuple(detail["loc"]) for detail in details if detail["type"] in _UNKNOWN_KEY]
    meant = {(*place[:-1], _nearest(place[-1], _children(_type_at(root, place[:-1])))) for place in unknown}
    return [
        _problem(detail, root)
        for detail in details
        if detail["type"] not in _MISSING_KEY or tuple(detail["loc"]) not in meant
    ]


def choice_message(value: str, allowed: Iterable[str]) -> str:
    """Why a name is refused, which ones exist, and which one was probably meant."""
    names = list(allowed)
    return f"{_shown(value)} is not one of {', '.join(names)}{did_you_mean(value, names)}"


def did_you_mean(word: object, allowed: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the allowed name that is closest to `word`, or nothing."""
    near = _nearest(word, allowed)
    return f" (did you mean {near!r}?)" if near else ""


def field_paths(root: type, before: str = "") -> Iterator[str]:
    """Dotted path of every field below a model or configuration class, each after what it is in; lists are whole."""
    for name, declared in _children(root).items():
        yield f"{before}{name}"
        yield from field_paths(_without_none(declared), f"{before}{name}.")


def _nearest(word: object, allowed: Iterable[str]) -> str:
    """The allowed name that is spelt most like `word`, or ''."""
    return next(iter(difflib.get_close_matches(str(word).lower(), list(allowed), n=1, cutoff=0.6)), "")


def _dotted(place: Place) -> str:
    """`config.model.num_layers`; keys that are no plain words are quoted and cut short."""
    steps = (str(step) for step in place if step != "[key]")  # pydantic's word for a key of a mapping
    words = [step if _WORD.fullmatch(step) else _cut(repr(step)) for step in steps]
    return ".".join(words) or "job"


def _line_of(place: Place, lines: Lines) -> int:
    """The line of the place, or of the nearest thing around it that stands in the file."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _problem(detail: ErrorDetails, root: type) -> Problem:
    place: Place = tuple(detail["loc"])
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _UNKNOWN_KEY:
        return Problem(place, _unknown_key(place, root))
    if kind in _MISSING_KEY:
        return Problem(place, "is required; add it")
    if kind == "literal_error":
        literal = _literal_values(_type_at(root, place))
        return Problem(place, choice_message(value, literal) if isinstance(value, str) else _not(value, literal))
    if kind in _WANTED:
        return Problem(place, f"must be {_WANTED[kind]}, not {_shown(value)}{hint(kind, value)}")
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return Problem(place, f"{_shown(value)} {_PATTERNS.get(pattern, f'must have the form {pattern}')}")
    if kind == "too_short" and not value:
        return Problem(place, "is empty; give at least one")
    cause = context.get("error")
    if isinstance(cause, ConfigError):
        inner = tuple(int(part) if part.isdigit() else part for part in cause.where.split("."))
        given = value.get(inner[0]) if isinstance(value, Mapping) and len(inner) == 1 else None
        plain = given is None or isinstance(given, list | tuple) or isinstance(cause, SecretGiven)
        said = cause.message if plain else f"{_shown(given)} cannot work: {cause.message}"
        return Problem((*place, *inner), said)
    message = detail["msg"].replace("Input should", "must").replace("Value", "it")
    return Problem(place, f"{message}; it is {_shown(value)}")


def _not(value: Any, allowed: Iterable[str]) -> str:
    return f"must be one of {', '.join(allowed)}, not {_shown(value)}"


def _shown(value: Any) -> str:
    """A value as the file's author knows it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty (null)"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    short = _cut(repr(value))
    return f"the text {short}" if isinstance(value, str) else short


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown_key(place: Place, root: type) -> str:
    name = str(place[-1])
    here = list(_children(_type_at(root, place[:-1])))
    hint = did_you_mean(name, here)
    if not hint:
        homes = _homes_around(root, place)
        hint = f" (did you mean {_dotted(homes[0])}?)" if homes else ""
    return f"unknown key{hint or '; known here: ' + ', '.join(here)}"


def _children(kind: Any) -> dict[str, Any]:
    """Field name -> type of a model or configuration class; empty for anything else."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    return get_type_hints(kind) if is_dataclass(kind) else {}


def _type_at(root: Any, place: Place) -> Any:
    """The declared type at a place, without None."""
    kind = root
    for step in place:
        kind = _without_none(_item(kind) if isinstance(step, int) else _children(kind).get(step))
    return kind


def _item(kind: Any) -> Any:
    """The type of a list's items."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _without_none(kind: Any) -> Any:
    """The type of a value that is there."""
    if get_origin(kind) in (Union, UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _literal_values(kind: Any) -> list[str]:
    return [str(value) for value in get_args(kind)] if get_origin(kind) is Literal else []


def _homes_around(root: Any, place: Place) -> list[Place]:
    """Where a field of this name lives, the nearest around `place` first."""
    inside_out = [place[:depth] for depth in reversed(range(len(place)))]
    return [
        (*above, *home, place[-1]) for above in inside_out for home in _homes(_type_at(root, above), str(place[-1]))
    ]


def _homes(kind: Any, name: str) -> list[tuple[str, ...]]:
    """Where in the tree below `kind` a field of this name lives; lists are not looked into."""
    found: list[tuple[str, ...]] = []
    for child, declared in _children(kind).items():
        child_kind = _without_none(declared)
        found += [(child, *rest) for rest in _homes(child_kind, name)]
        if name in _children(child_kind):
            found.append((child,))
    return found
