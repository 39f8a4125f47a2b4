"""A job to set out from: another one's fields under a new name, each with its meaning beside it.

It works on the text, so that what the other job's author wrote beside a field stays. What is the other's alone goes:
the published run that it reproduces, its claim, words and variants. Nothing is written here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

from runner.errors import UserError
from runner.job.field_page import field_lines, places
from runner.job.load import job_from_mapping, read_job_text
from runner.job.spec import JobSpec
from runner.own_jobs.by_name import CHECKOUT, folder, shipped
from runner.strict import NAME
from runner.yaml_lines import Lines, Place, load_yaml

OF_ITS_OWN = ("name", "author", "github_id", "blurb", "base", "notes", "method", "reference", "claim", "variants")
"""Fields that say something of the other job alone."""
OF_A_SCRIPT = ("script", "files", "requires", "outputs", "isolate", "launch")
"""Fields of a job with a script of its own."""
WIDE = 118
KEY = re.compile(r"^(\s*)(?:- )?[A-Za-z_][\w.-]*:")


@dataclass(frozen=True)
class Draft:
    """A new job's text."""

    text: str
    base: str
    """What it names as its base."""


def draft(name: str, source: str, place: Path) -> Draft:
    """The text of a job called `name`, to lie in the folder `place`, with the fields of another one.

    source: a name of golf's own jobs, or a job's path. UserError for a name that no job may have, for a source that
    is not there or is wrong, and for one whose fields do not stand on lines of their own.
    """
    require_name(name)
    path, base = _source(source, place)
    text = read_job_text(path)
    data, lines = load_yaml(text, str(path))
    job_from_mapping(data, source=str(path), lines=lines, folder=path.parent)
    if data.get("script") is not None:
        raise UserError(f"--from {source}: brings a script of its own; copy {path} and its files instead")
    body = _body(text, data, lines, path)
    body = _with_data(body, path, place)
    made = "\n".join([*_head(name, base), *_commented(body), "", *_unsaid(data)]) + "\n"
    _require_same(made, data, path, place, name)
    return Draft(made, base)


def require_name(name: str) -> None:
    """UserError where no job may be called so."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        raise UserError(f"{name}: is a path; give the job's name alone, and its folder with --output")
    if re.fullmatch(NAME.rstrip("$").lstrip("^"), name) is None:
        wanted = "letters, digits, '.', '_' or '-', at most 64, the first a letter or digit"
        raise UserError(f"{name}: a job's name must consist of {wanted}")


def _source(source: str, place: Path) -> tuple[Path, str]:
    """The other job's file, and how a job in `place` names it."""
    path = Path(source)
    if path.is_file():
        return path, os.path.relpath(path.resolve(), place.resolve())
    own = shipped()
    if source not in own:
        raise UserError(f"--from {source}: is no file here and no job that golf brings: {', '.join(own)}")
    return own[source], source


def _body(text: str, data: Mapping[str, Any], lines: Lines, path: Path) -> list[str]:
    """The lines of all fields but those that are the other job's alone."""
    tops = sorted((lines[key,], key) for key in data)
    given = text.splitlines()
    for line, key in tops:
        if not given[line - 1].startswith(f"{key}:"):
            raise UserError(f"{path}:{line}: {key}: does not begin a line of its own; set out from another job")
    kept: list[str] = []
    for (line, key), after in zip(tops, [*(line for line, _ in tops[1:]), len(given) + 1], strict=True):
        block = given[line - 1 : after - 1]
        if key not in OF_ITS_OWN:
            kept += block
        elif kept and kept[-1].strip() and not block[-1].strip():
            kept.append("")
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _with_data(body: list[str], path: Path, place: Path) -> list[str]:
    """Paths of data as they are seen from `place`: those of a checkout there, else what `golf data fetch` writes."""
    own = folder()
    _, lines = load_yaml("\n".join(body), "draft")
    found = list(body)
    for name in ("path", "tokenizer"):
        number = lines.get(("data", name))
        match = None if number is None else re.match(r"(\s+\w+:\s+)([^\s#{}'\"]+)(.*)$", body[number - 1])
        if number is None or match is None:
            continue
        there = path.resolve().parent / match[2]
        is_own = own is not None and path.resolve().is_relative_to(own)
        in_checkout = own is not None and own.name == CHECKOUT and place.resolve().is_relative_to(own.parent)
        seen = (
            re.sub(r"^(\.\./)+", "", match[2])
            if is_own and not in_checkout
            else os.path.relpath(os.path.normpath(there), place.resolve())
        )
        found[number - 1] = f"{match[1]}{seen}{match[3]}"
    return found


def _head(name: str, base: str) -> Iterator[str]:
    yield "# yaml-language-server: $schema=job.schema.json"
    yield f"# {name}, from {base}: what is changed here, its record shows against that job."
    yield "# Every field is told in docs/job-reference.md; `golf plan` says what a run of it would do."
    written = {"name": name, "author": '""', "github_id": '""', "blurb": '""', "base": base}
    for field, said in written.items():
        yield from _explained(f"{field}: {said}", (field,))


def _commented(body: list[str]) -> Iterator[str]:
    """Each field's meaning beside it, or above it where there is no room; a comment that is there stays."""
    _, lines = load_yaml("\n".join(body), "draft")
    by_line = {number: place for place, number in sorted(lines.items(), key=lambda item: -len(item[0])) if place}
    for number, line in enumerate(body, 1):
        if "#" in line or KEY.match(line) is None:
            yield line
        else:
            yield from _explained(line, by_line.get(number, ()))


def _explained(line: str, place: Place) -> Iterator[str]:
    """The line with its field's meaning behind it, or above it where there is no room.

    What a choice's values mean is never told in part: the one that stands here could be the other part's.
    """
    meaning, is_choice = _docs().get(place, ("", False))
    first = re.split(r"(?<=[a-z0-9)`])\. ", meaning)[0].rstrip(".")
    for said in (meaning.rstrip("."), first, *(() if is_choice else (first.split("; ")[0],))):
        if said and len(made := f"{line.ljust(28)}  # {said}") <= WIDE:
            yield made
            return
    indent = line[: len(line) - len(line.lstrip())]
    yield from (f"{indent}# {part}" for part in wrap(first, WIDE - len(indent) - 2))
    yield line


@cache
def _docs() -> dict[Place, tuple[str, bool]]:
    """Place of every field of a job -> its meaning, and whether it is a choice."""
    found: dict[Place, tuple[str, bool]] = {}
    for kind, path in places().items():
        for field in field_lines(kind):
            steps = path.split(".") if path else []
            found[(*steps, field.name)] = (field.meaning, field.kind.startswith("`") and "," in field.kind)
    return found


def _unsaid(data: Mapping[str, Any]) -> Iterator[str]:
    """The fields that the job does not set, as comments with their defaults."""
    said = {*data, "name", "author", "github_id", "blurb", "base", "config", *OF_A_SCRIPT}
    yield "# What else a job may say, with its default (docs/job-reference.md):"
    for field in field_lines(JobSpec):
        if field.name not in said - {"reference", "claim", "notes", "method", "variants"}:
            default = field.default.strip("`")
            shown = "" if default in ("none", "empty", "its own defaults") else f" {default}"
            meaning = shorten(field.meaning.split("; ")[0].rstrip("."), WIDE - 32, placeholder=" ...")
            yield f"{f'# {field.name}:{shown}'.ljust(28)}  # {meaning}"


def _require_same(made: str, data: Mapping[str, Any], path: Path, place: Path, name: str) -> None:
    """The text read back says what the other job says; anything else is a fault of ours."""
    again, lines = load_yaml(made, name)
    job_from_mapping(again, source=name, lines=lines, folder=place)
    for key, value in data.items():
        if key not in (*OF_ITS_OWN, "data"):
            assert again[key] == value, f"{path}: {key} did not come over"
