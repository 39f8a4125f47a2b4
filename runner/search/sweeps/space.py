"""The search space of a sweep's file: which fields, between which ends, on which conditions; what is wrong with it.

Says nothing of whether a job has such fields, or takes such values: that is file.py's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.job.problems import Problem, choice_message
from runner.search.sweeps.spec import Dimension, Kind
from runner.yaml_lines import Place

KINDS: tuple[Kind, ...] = ("float", "log", "int", "choice")
BESIDE = ("when", "step")
MOST_CHOICES = 1000
When = tuple[tuple[str, tuple[Any, ...]], ...]


def read_space(given_space: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Dimension], list[Problem]]:
    """The fields that are searched, and what is wrong with how they are given."""
    space: dict[str, Dimension] = {}
    problems: list[Problem] = []
    if not given_space:
        problems.append(Problem(("space",), "is empty; give at least one field to search"))
    for path, given in given_space.items():
        found = _dimension(path, given, space)
        if isinstance(found, Dimension):
            space[path] = found
        else:
            problems.append(found)
    return space, problems


def _dimension(path: str, given: Mapping[str, Any], before: Mapping[str, Dimension]) -> Dimension | Problem:
    place: Place = ("space", path)
    for key in given:
        if key not in (*KINDS, *BESIDE):
            return Problem((*place, key), choice_message(key, (*KINDS, *BESIDE)))
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        said = f"has {' and '.join(kinds)}; keep one" if kinds else f"says nothing; give one of {', '.join(KINDS)}"
        return Problem(place, said)
    kind = kinds[0]
    when = _when((*place, "when"), given["when"], before) if "when" in given else ()
    if isinstance(when, Problem):
        return when
    if kind == "choice":
        if "step" in given:
            return Problem((*place, "step"), "belongs to a range; remove it")
        return _choice(path, given["choice"], when)
    return _range(path, kind, given[kind], given.get("step"), when)


def _choice(path: str, values: Any, when: When) -> Dimension | Problem:
    place: Place = ("space", path, "choice")
    if not isinstance(values, list) or not values:
        return Problem(place, "must be a list of values")
    if len(values) > MOST_CHOICES:
        return Problem(place, f"{len(values):,} values; at most {MOST_CHOICES:,}")
    texts = [json.dumps(value, sort_keys=True) for value in values]
    for index, text in enumerate(texts):
        if text in texts[:index]:
            return Problem((*place, index), f"{text} stands twice; give each value once")
    if len(values) == 1:
        return Problem(place, "is one value only: nothing to search; give it under set")
    return Dimension(path, "choice", choices=tuple(values), when=when)


def _range(path: str, kind: Kind, ends: Any, step: Any, when: When) -> Dimension | Problem:
    place: Place = ("space", path, kind)
    whole = kind == "int"
    numbers = int if whole else (int, float)
    wanted = "whole numbers" if whole else "numbers"
    if not isinstance(ends, list) or len(ends) != 2 or not all(_is_number(end, numbers) for end in ends):
        return Problem(place, f"must be two {wanted}, [low, high]")
    low, high = ends
    if kind == "log" and low <= 0:
        return Problem(place, f"has no logarithm at {low}; the low end of log must be above 0, or use float")
    if low >= high:
        said = (
            "is one value only: nothing to search; give it under set"
            if low == high
            else "is empty: low is above high"
        )
        return Problem(place, f"[{low}, {high}] {said}")
    if step is not None and (kind == "log" or not _is_number(step, numbers) or not 0 < step <= high - low):
        said = "has no step" if kind == "log" else f"must be one of {wanted} above 0 and no more than high - low"
        return Problem(("space", path, "step"), f"log {said}" if kind == "log" else said)
    return Dimension(path, kind, float(low), float(high), None if step is None else float(step), when=when)


def _is_number(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _when(place: Place, given: Any, before: Mapping[str, Dimension]) -> When | Problem:
    if given is None or given == {}:
        return Problem(place, "is empty; give another field's path and a value of it, or remove it")
    if not isinstance(given, dict):
        return Problem(place, "must be a mapping of another field's path to a value, or a list of values")
    found = []
    for path, values in given.items():
        if path not in before:
            said = "is no field of the space that stands above this one"
            known = ", ".join(before) or "none does"
            return Problem((*place, path), f"{path} {said}; there: {known}")
        listed = tuple(values) if isinstance(values, list) else (values,)
        grid = before[path].grid()
        can = None if grid is None else [before[path].value_of(label) for label in grid]
        if can is None:
            return Problem((*place, path), f"{path} is a range without steps; a condition needs a choice or an int")
        if not listed:
            return Problem((*place, path), "has no value, so that it never counts; give one of them, or a list")
        for value in listed:
            if value not in can:
                shown = ", ".join(json.dumps(one) for one in can[:20])
                return Problem((*place, path), f"{path} is never {json.dumps(value)}; it is one of {shown}")
        found.append((path, listed))
    return tuple(found)
