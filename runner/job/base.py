"""What a job changed against the job that it sets out from, field by field, in the configuration's own words.

The base is a job file that the job names, kept as plain data in the resolved job; where it names none, golf's default
configuration stands in. Neither has a say in a run's hash or verdict.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, get_type_hints

from golf_model.config.golf_config import GolfConfig
from golf_model.sources import sources_of
from runner.job.spec import BESIDE_THE_RUN, BaseSpec, JobSpec, resolved, without_folders
from runner.results.attribution import Attribution, Change, Changes

NO_SAY = frozenset(
    {
        *("name", "seeds", "author", "github_id", "blurb", "base", "notes", "method", "claim", "reference"),
        *("concurrent", "probe", "yardsticks", "must_beat", "stall_seconds", "keep_weights"),
        *BESIDE_THE_RUN,
    }
)
"""Fields that describe a job, or how it is looked after, and change nothing in what runs."""


def base_spec(job: JobSpec) -> BaseSpec:
    """A job as the base of another one."""
    return BaseSpec(name=job.name, job=decisive(without_folders(resolved(job))))


def decisive(job: Mapping[str, Any]) -> dict[str, Any]:
    """What of a resolved job has a say in a run."""
    return {name: value for name, value in job.items() if name not in NO_SAY}


def changes(job: JobSpec) -> Changes | None:
    """What `job` has other than its base; None where somebody else's script has nothing to be compared with."""
    here = decisive(without_folders(resolved(job)))
    if job.base is not None:
        # What a base leaves to the machine is no change where the machine has chosen.
        settled = {"hardware": here["hardware"]} if job.base.job.get("hardware") == "auto" else {}
        return Changes(base=job.base.name, fields=changed({**job.base.job, **settled}, here))
    if job.script is not None:
        return None
    return Changes(base="", fields=changed({"config": asdict(GolfConfig())}, {"config": here["config"]}))


def changed(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[Change]:
    """Every field, dotted, in which two jobs differ; absent is None."""
    theirs, ours = dict(flat_fields(there)), dict(flat_fields(here))
    return [
        Change(field=name, there=theirs.get(name), here=ours.get(name), about=about(name))
        for name in theirs | ours
        if theirs.get(name) != ours.get(name)
    ]


def flat_fields(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of every field of a nested mapping."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from flat_fields(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner


def attributions(job: JobSpec) -> list[Attribution]:
    """Techniques that a job uses and where they come from; none of somebody else's script."""
    if job.script is not None:
        return []
    return [
        Attribution(title=technique.title, field=technique.field, value=value, source=source)
        for technique, value, source in sources_of(job.config)
    ]


def about(name: str) -> str:
    """The first clause of what the configuration says of a field, e.g. of `config.model.num_layers`; '' of others."""
    head, _, field = name.partition(".")
    text = field_docs().get(field, "") if head == "config" else ""
    return re.split(r"(?<=[^ ]{2})[.;:](?:\s|$)| \(", text, maxsplit=1)[0].strip()


@cache
def field_docs() -> dict[str, str]:
    """Dotted field -> its docstring in golf_model.config, on one line: what Python itself does not keep of it."""
    return dict(_docs(GolfConfig, ""))


def _docs(section: type, before: str) -> Iterator[tuple[str, str]]:
    (declared,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(declared, ast.ClassDef)
    types = get_type_hints(section)
    for field, text in pairwise(declared.body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        inner = types[field.target.id]
        if isinstance(inner, type) and is_dataclass(inner):
            yield from _docs(inner, f"{before}{field.target.id}.")
        elif isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield f"{before}{field.target.id}", " ".join(str(text.value.value).split())
