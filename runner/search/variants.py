"""`variants:` in a job: named settings, or a grid of them, each read into a job of its own that shares the seeds.

The first variant is the base, the job as its file says it: an entry without `set` gives it a name. A variant is a
normal job in all it does and is judged by; its record shows what it changed against the base. Nothing runs here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.errors import UserError
from runner.job.base import base_spec, decisive
from runner.job.load import with_seeds
from runner.job.problems import Problem, choice_message, did_you_mean, report
from runner.job.profiles import with_profile
from runner.job.spec import JobSpec, resolved
from runner.search.overrides import RawJob, Setting, job_with, place_of
from runner.yaml_lines import Place

BASE = "base"
"""Name of the base where no entry gives it another."""
MOST = 200
"""Variants of one job."""
KEYS = ("name", "set", "repack")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MOST_NAME = 64
"""Characters of a job's name: the file's and the variant's together."""
MOST_NAMED = 4
"""Variants that are named where one mistake is that of many."""
VARIANTS: Place = ("variants",)


@dataclass(frozen=True)
class Variant:
    """One of the jobs that a file with `variants:` leads to."""

    name: str
    job: JobSpec
    settings: tuple[Setting, ...] = ()
    """What it has other than the base, which has none."""
    repack: bool = False
    """Not trained: the base's kept weights, packed by this job's export."""


@dataclass(frozen=True)
class Family:
    """All of them, the base first."""

    name: str
    """The job's name in its file."""
    variants: tuple[Variant, ...]
    same: tuple[str, ...] = ()
    """Variants that a profile has made the same as another one, so that they are left out."""

    @property
    def base(self) -> Variant:
        """The job as its file says it."""
        return self.variants[0]

    def alone(self, variant: Variant) -> Family:
        """The base and one other, which is packed from its weights."""
        return replace(self, variants=(self.base, variant), same=())

    def chosen(self, name: str) -> Variant:
        """The variant of that name; UserError where there is none."""
        names = [variant.name for variant in self.variants]
        if name not in names:
            raise UserError(f"--variant: {choice_message(name, names)}")
        return next(variant for variant in self.variants if variant.name == name)


@dataclass(frozen=True)
class _Entry:
    """One variant as the file says it."""

    name: str
    settings: tuple[Setting, ...]
    at: Place
    repack: bool = False
    from_grid: bool = False


def read_family(raw: RawJob) -> Family | None:
    """The jobs of a file; None where it has no variants. UserError names every mistake with file, line and field."""
    if "variants" not in raw.data:
        return None
    said = raw.data["variants"]
    base = job_with(raw)
    if base.script is not None and any(str(path).startswith("config") for path in _paths(said)):
        raise report(
            [Problem(VARIANTS, "config configures our script, and this job brings its own")], raw.lines, raw.source
        )
    problems: list[Problem] = []
    entries = list(_entries(said, problems))
    _check_names(entries, base, problems)
    for entry in entries:
        problems += _repack_problems(entry, base)
    if problems:
        raise report(problems, raw.lines, raw.source)
    named = next((entry.name for entry in entries if not entry.settings), BASE)
    renamed = {} if named == BASE else {"name": f"{base.name}-{named}"}
    base = base.model_copy(update=renamed)
    variants, told = [Variant(named, base)], dict[str, list[str]]()
    origin = base_spec(base).model_dump(mode="json")
    for entry in entries:
        if not entry.settings:
            continue
        changes: dict[str, Any] = {"name": f"{raw.data['name']}-{entry.name}", "base": origin}
        if not any(setting.path.split(".")[0] == "reference" for setting in entry.settings):
            changes["reference"] = None  # the base's figures are of the base alone
        if entry.repack:
            changes["keep_weights"] = False
        try:
            job = job_with(raw, entry.settings, changes=changes)
        except UserError as error:
            for line in str(error).split("\n"):
                told.setdefault(line, []).append(entry.name)
            continue
        variants.append(Variant(entry.name, job, entry.settings, entry.repack))
    if told:
        raise UserError("\n".join(f"{line} ({_of(names)})" for line, names in told.items()))
    kept = _without_doubles(variants, entries, raw)
    if len(kept) < 2:
        raise report([Problem(VARIANTS, "none differs from the base; set another value")], raw.lines, raw.source)
    return Family(base.name if not renamed else str(raw.data["name"]), tuple(kept))


def sized(family: Family, seeds: Sequence[int] | None, profile: str | None) -> Family:
    """The same under a profile and with other seeds; what a profile makes the same as another variant is left out."""
    base = family.base.job
    found: list[Variant] = []
    same: list[str] = []
    for variant in family.variants:
        job = with_profile(variant.job, profile, beside=base)
        if profile is not None:
            small = f"{family.name[:58]}-{profile}"
            named = small if variant.job.name == family.name else f"{small}-{variant.name}"
            job = job.model_copy(update={"name": named[:MOST_NAME]})
            if found:
                job = job.model_copy(update={"base": base_spec(found[0].job)})
        job = with_seeds(job, seeds) if seeds is not None else job
        if any(_said(job) == _said(other.job) for other in found if variant.repack == other.repack):
            same.append(variant.name)
        else:
            found.append(replace(variant, job=job))
    return replace(family, variants=tuple(found), same=tuple(same))


def _of(names: Sequence[str]) -> str:
    """`variant 7L`, or several: points of a grid that share a value are refused by one line."""
    if len(names) == 1:
        return f"variant {names[0]}"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"variants {', '.join(names[:MOST_NAMED])}{more}"


def _said(job: JobSpec) -> dict[str, Any]:
    """What of a job has a say in what runs."""
    return {name: value for name, value in decisive(resolved(job)).items() if name != "keep_weights"}


def _paths(said: Any) -> Iterator[str]:
    for part in said if isinstance(said, list) else [said]:
        inner = part.get("set") if isinstance(part, Mapping) and isinstance(said, list) else part
        for path in inner if isinstance(inner, Mapping) else ():
            try:
                yield ".".join(map(str, place_of(path)))
            except ValueError:
                continue


def _entries(said: Any, problems: list[Problem]) -> Iterator[_Entry]:
    """Every variant that is written down; what is no variant goes into `problems`."""
    if isinstance(said, Mapping):
        yield from _grid(said, problems)
        return
    if not isinstance(said, list) or not said:
        wanted = "a list of variants, each with name: and set:, or a grid such as {optim.matrix_lr: [0.02, 0.04]}"
        problems.append(Problem(VARIANTS, f"must be {wanted}"))
        return
    if len(said) > MOST:
        problems.append(Problem(VARIANTS, f"{len(said):,} are too many; at most {MOST}"))
        return
    for index, one in enumerate(said):
        at: Place = (*VARIANTS, index)
        if not isinstance(one, Mapping):
            problems.append(Problem(at, "must be a mapping with name: and set:"))
            continue
        for key in one:
            if key not in KEYS:
                hint = did_you_mean(key, KEYS) or f"; known here: {', '.join(KEYS)}"
                problems.append(Problem((*at, key), f"unknown key{hint}"))
        name, settings, repack = one.get("name"), one.get("set"), one.get("repack", False)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            wanted = "letters, digits, '.', '_' or '-', at most 40, the first a letter or digit"
            problems.append(Problem((*at, "name"), f"is required and must consist of {wanted}"))
            continue
        if not isinstance(repack, bool):
            problems.append(Problem((*at, "repack"), "must be true or false"))
            continue
        if "set" in one and (not isinstance(settings, Mapping) or not settings):
            told = "must set at least one field, e.g. {optim.matrix_lr: 0.04}; the base is the entry without set:"
            problems.append(Problem((*at, "set"), told))
            continue
        inner: Place = (*at, "set")
        chosen = tuple(Setting(path, value, inner) for path, value in (settings or {}).items())
        yield _Entry(name, chosen, at, repack)


def _grid(said: Mapping[str, Any], problems: list[Problem]) -> Iterator[_Entry]:
    """One variant for each combination of a grid's values."""
    axes: list[list[Setting]] = []
    for path, values in said.items():
        place: Place = (*VARIANTS, path)
        if not isinstance(values, list) or not values:
            problems.append(Problem(place, "must be a list of values, e.g. [0.02, 0.04]"))
            continue
        if any(values[index] in values[:index] for index in range(len(values))):
            problems.append(Problem(place, "has a value twice; give each once"))
            continue
        axes.append([Setting(path, value, VARIANTS) for value in values])
    count = 1
    for axis in axes:
        count *= len(axis)
    if not axes or count > MOST:
        if axes:
            problems.append(Problem(VARIANTS, f"the grid has {count:,} points; at most {MOST}"))
        elif not problems:
            problems.append(Problem(VARIANTS, "is empty; give a list of variants or a grid"))
        return
    for point in itertools.product(*axes):
        words = [f"{setting.path.rpartition('.')[2]}-{_plain(setting.value)}" for setting in point]
        name = re.sub(r"[^A-Za-z0-9._-]", "-", "-".join(words))[:40]
        yield _Entry(name, tuple(point), VARIANTS, from_grid=True)


def _plain(value: Any) -> str:
    """A value as part of a name."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _check_names(entries: Sequence[_Entry], base: JobSpec, problems: list[Problem]) -> None:
    first: dict[str, _Entry] = {}
    bases = [entry for entry in entries if not entry.settings]
    for entry in bases[1:]:
        problems.append(Problem(entry.at, f"has no set:, as {bases[0].name} has none: only one of them is the base"))
    for entry in entries:
        named: Place = entry.at if entry.from_grid else (*entry.at, "name")
        if (other := first.setdefault(entry.name.lower(), entry)) is not entry:
            told = f"two variants are called {entry.name!r}; give each its own name"
            if other.name != entry.name:
                told = f"{entry.name!r} and {other.name!r} differ in capitals only; give each its own name"
            problems.append(Problem(named, told))
        if entry.name == BASE and entry.settings:
            problems.append(Problem(named, f"{BASE!r} is the job without any set:; give this one another name"))
        if len(base.name) + 1 + len(entry.name) > MOST_NAME:
            told = f"with the job's name {base.name!r} it has more than {MOST_NAME} characters; shorten one of them"
            problems.append(Problem(named, told))


def _repack_problems(entry: _Entry, base: JobSpec) -> Iterator[Problem]:
    """What keeps a variant from being made of the base's weights."""
    if not entry.repack:
        return
    if not base.keep_weights:
        yield Problem((*entry.at, "repack"), "packs what the base has kept: set keep_weights: true in the job")
    for setting in entry.settings:
        try:
            place = place_of(setting.path)
        except ValueError:
            continue  # told when the job is made
        if place[:2] != ("config", "export") and place[0] not in ("reference", "allow_over_cap"):
            told = "needs another training; with repack: true only what stands below export can be set"
            yield Problem((*setting.at, setting.path), told)


def _without_doubles(variants: Sequence[Variant], entries: Sequence[_Entry], raw: RawJob) -> list[Variant]:
    """Each once. The point of a grid that is the base stands for it; one that was named is a mistake."""
    by_name = {entry.name: entry for entry in entries}
    kept: list[Variant] = []
    problems: list[Problem] = []
    for variant in variants:
        twin = next(
            (
                one
                for one in kept
                if _said(one.job) == _said(variant.job) and (one is kept[0] or one.repack == variant.repack)
            ),
            None,
        )
        if twin is None:
            kept.append(variant)
        elif twin is kept[0] and by_name[variant.name].from_grid:
            # The base is run anyway: it gets the name that the grid gives it.
            kept[0] = replace(twin, name=variant.name)
        else:
            told = "equals the base" if twin is kept[0] else f"equals variant {twin.name}"
            entry = by_name[variant.name]
            problems.append(
                Problem(entry.at, f"variant {variant.name} {told}: nothing of what it sets makes a difference")
            )
    if problems:
        raise report(problems, raw.lines, raw.source)
    return kept
