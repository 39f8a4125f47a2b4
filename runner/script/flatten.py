"""Flatten a Python package into one readable file that computes the same thing.

Modules follow each other as their imports would run them; imports from outside are merged at the top, our own
are dropped, comments and docstrings stay. Every name is then global to one file, so whatever would mean
something else there (or nothing) is refused with both places. Not here: the head, the packing, the hash.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from runner.errors import UserError
from runner.script.sections import BANNER
from runner.script.source_module import ForeignImport, OwnImport, SourceModule, read_module

LINE_LENGTH = 118
CONFIG_NAME = "CONFIG"
MAIN_NAME = "main"
_PATH_IMPORT = ForeignImport("pathlib", "Path", None, 0)
_GC_IMPORT = ForeignImport("gc", None, None, 0)
_LEFT_OUT = "left_out"
_LAST_LINES = "the bundle's last lines"
# Python looks through all objects while torch makes its own, and once more at the end: half a second together.
_LAST = f"""\
if __name__ == "__main__":
    try:
        raise SystemExit({MAIN_NAME}({CONFIG_NAME}, Path(__file__)))
    finally:
        gc.freeze()"""


def flatten(
    package_dir: Path,
    entry: str,
    config_source: str,
    head: str = "",
    unused: frozenset[str] = frozenset(),
    errors: str = "errors",
) -> str:
    """One file from a package, for `main(CONFIG, Path(__file__))` of its entry module.

    package_dir: folder of the package; entry: module in it that defines `main(config, script: Path) -> int`,
    e.g. "main"; config_source: Python expression over names of the package; head: comment lines for the top;
    unused: modules of the package that will never be called; errors: its module whose `left_out` stands in their
    place.
    The text depends on nothing else. Raises UserError with every place (file:line) that stands in the way.
    """
    package = package_dir.name
    modules = _in_import_order(
        package_dir, f"{package}.{entry}", {f"{package}.{name}" for name in unused}, f"{package}.{errors}"
    )
    _refuse_mixed_features(modules)
    _refuse_clashes(modules)
    _refuse_missing_names(modules)
    if MAIN_NAME not in modules[-1].bound:
        raise UserError(f"{modules[-1].shown}: defines no `{MAIN_NAME}`; the bundle ends by calling it")
    foreign = [item for module in modules for item in module.foreign]
    parts = [
        head.strip("\n"),
        "\n".join(f"from __future__ import {feature}" for feature in sorted(modules[0].features)),
        f"import gc\n\ngc.disable()\n{_merged_imports([*foreign, _PATH_IMPORT])}\n\ngc.enable()",
        *(_section(module) for module in modules if module.body),
        f"{_banner('configuration')}\n\n{CONFIG_NAME} = {config_source.strip()}",
        _LAST,
    ]
    return "\n\n\n".join(part for part in parts if part) + "\n"


# ---- which modules, in which order ----


def _in_import_order(package_dir: Path, entry: str, unused: Container[str], errors: str) -> list[SourceModule]:
    """Depth first from the entry: a module stands after everything it imports, as Python would run them."""
    done: dict[str, SourceModule] = {}
    empty: set[str] = set()

    def visit(name: str, trail: Sequence[tuple[str, str]], asked_by: str) -> None:
        """trail: (module, place of its import of the next one) from the entry down to here."""
        if name in done:
            return
        if name in [module for module, _ in trail]:
            steps = trail[[module for module, _ in trail].index(name) :]
            circle = ", ".join(f"{place} imports {module}" for module, place in _imported(steps, name))
            raise UserError(f"import cycle: {circle}; move what they share to a module of its own")
        module = _read(package_dir, name, asked_by, empty)
        if name in unused:
            module = replace(module, docstring=None, foreign=(), own=(OwnImport(errors, _LEFT_OUT, 1),))
        for item in module.own:
            place = f"{module.shown}:{item.line}"
            _refuse_module_import(package_dir, item, place)
            visit(item.module, [*trail, (name, place)], place)
        done[name] = module

    visit(entry, [], "the bundler's entry")
    imported = {(item.module, item.name) for module in done.values() for item in module.own}
    return [_emptied(module, imported) if module.name in unused else module for module in done.values()]


def _emptied(module: SourceModule, imported: set[tuple[str, str]]) -> SourceModule:
    """A module of which only the names remain that others import, all of them `left_out`."""
    names = {name: line for name, line in module.bound.items() if (module.name, name) in imported}
    return replace(module, bound=names, body=" = ".join([*names, _LEFT_OUT]))


def _imported(steps: Sequence[tuple[str, str]], last: str) -> list[tuple[str, str]]:
    """(imported module, place of the import) for each step of a circle that closes at `last`."""
    targets = [module for module, _ in steps[1:]] + [last]
    return [(target, place) for target, (_, place) in zip(targets, steps, strict=True)]


def _file_of(package_dir: Path, name: str) -> Path:
    """The file of a dotted module name, a package's `__init__.py` included; it need not exist."""
    base = package_dir.parent.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _read(package_dir: Path, name: str, asked_by: str, empty: set[str]) -> SourceModule:
    """empty: packages above modules that were read before, with nothing of their own; takes up more."""
    path = _file_of(package_dir, name)
    if not path.is_file():
        raise UserError(f"{asked_by}: there is no module {name}")
    module = read_module(path, name, path.relative_to(package_dir.parent).as_posix(), package_dir.name)
    parents = name.split(".")[:-1]
    for depth in range(1, len(parents) + 1):
        parent = ".".join(parents[:depth])
        if parent not in empty:
            _refuse_busy_init(package_dir, parent)
            empty.add(parent)
    return module


def _refuse_busy_init(package_dir: Path, name: str) -> None:
    path = _file_of(package_dir, name)
    if not path.is_file():
        return
    shown = path.relative_to(package_dir.parent).as_posix()
    module = read_module(path, name, shown, package_dir.name)
    if module.statements or module.own or module.foreign:
        raise UserError(f"{shown}: does more than a docstring; the flat file has no package to run it for")


def _refuse_module_import(package_dir: Path, item: OwnImport, place: str) -> None:
    """`from package import module` binds a module, which the flat file does not have."""
    whole = f"{item.module}.{item.name}"
    if _file_of(package_dir, whole).is_file():
        raise UserError(f"{place}: imports the module {whole} itself; write `from {whole} import NAME`")


# ---- what cannot be one file ----


def _refuse_mixed_features(modules: Iterable[SourceModule]) -> None:
    first, *others = modules
    for other in others:
        for feature in sorted(first.features.keys() ^ other.features.keys()):
            has, lacks = (first, other) if feature in first.features else (other, first)
            place = f"{has.shown}:{has.features[feature]}"
            raise UserError(
                f"`from __future__ import {feature}` stands in {place} and not in {lacks.shown}:1; add it"
            )


def _refuse_clashes(modules: Iterable[SourceModule]) -> None:
    """One name, one meaning in the whole file."""
    meanings: dict[str, dict[str, str]] = defaultdict(dict)
    for module in modules:
        for name, line in module.bound.items():
            meanings[name][f"module {module.name}"] = f"{module.shown}:{line}"
        for item in module.foreign:
            meanings[item.name].setdefault(f"import {item.origin}", f"{module.shown}:{item.line} ({item.origin})")
    meanings[CONFIG_NAME]["bundle"] = _LAST_LINES
    for item in (_PATH_IMPORT, _GC_IMPORT):
        meanings[item.name].setdefault(f"import {item.origin}", _LAST_LINES)
    problems = [
        f"`{name}` means different things at {' and '.join(places.values())}; rename one"
        for name, places in sorted(meanings.items())
        if len(places) > 1
    ]
    problems += [
        f"`{name}` at {next(iter(places.values()))} would hide the builtin from every other module; rename it"
        for name, places in sorted(meanings.items())
        if hasattr(builtins, name) and places
    ]
    if problems:
        raise UserError("\n".join(problems))


def _refuse_missing_names(modules: Iterable[SourceModule]) -> None:
    """What is imported from a module of ours must be there, or the flat file would fail later and elsewhere."""
    known = {module.name: module for module in modules}
    for module in known.values():
        for item in module.own:
            source = known[item.module]
            there = {*source.bound, *(it.name for it in source.foreign), *(it.name for it in source.own)}
            if item.name not in there:
                raise UserError(f"{module.shown}:{item.line}: {source.shown} has no `{item.name}`")


# ---- text ----


def _merged_imports(foreign: Iterable[ForeignImport]) -> str:
    plain = {f"import {item.clause}" for item in foreign if item.attribute is None}
    named: dict[str, set[str]] = defaultdict(set)
    for item in foreign:
        if item.attribute is not None:
            named[item.module].add(item.clause)
    return "\n".join([*sorted(plain), *(_from_import(module, named[module]) for module in sorted(named))])


def _from_import(module: str, clauses: Iterable[str]) -> str:
    names = sorted(clauses)
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def _section(module: SourceModule) -> str:
    """A module's code under a banner that holds its docstring."""
    return f"{_banner(module.shown, module.docstring)}\n\n{module.body}"


def _banner(title: str, docstring: str | None = None) -> str:
    rule = f"{BANNER}{title} "
    lines = (docstring or "").strip().split("\n") if docstring else []
    return "\n".join([rule.ljust(LINE_LENGTH, "-"), *(f"# {line}".rstrip() for line in lines)])
