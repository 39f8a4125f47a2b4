"""What a script imports, as packages with the versions that the nodes had: a record's requirements.txt as data."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from runner.results.nodes import Host
from runner.script.trees import nodes

PACKAGES = {"flash_attn": "flash-attn", "PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Module -> package, where their names differ by more than their case."""


@lru_cache(maxsize=4)  # a tenth of a second's work, and a run asks for its script's at every seed
def _imports(source: str) -> tuple[tuple[str, bool], ...]:
    """(Top-level module, whether it is imported whatever happens) of every import, in order."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    sure = {id(node) for node in tree.body}
    found: list[tuple[str, bool]] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], id(node) in sure) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module.split(".")[0], id(node) in sure))
    return tuple(found)


def imported_modules(source: str, own: Iterable[str] = ()) -> dict[str, bool]:
    """Top-level module -> whether the script cannot do without it, but for the standard library and `own`.

    What is imported in a function, a condition or a `try` may never be; it is listed as dispensable. Nothing of a
    script that is no Python that we can read.
    """
    found: dict[str, bool] = {}
    for name, needed in _imports(source):
        found[name] = found.get(name, False) or needed
    skipped = {*sys.stdlib_module_names, *own}
    return {name: needed for name, needed in found.items() if name not in skipped}


def imported_packages(source: str) -> list[str]:
    """The packages that a script may import."""
    return [PACKAGES.get(module, module) for module in imported_modules(source)]


def requirements(
    source: str, own: Iterable[str], requires: Sequence[str], hosts: Sequence[Host]
) -> dict[str, str | None]:
    """Package -> version where the seeds ran, None where nobody noted it or the nodes differ.

    source: the script's readable text; own: modules that lie beside it; requires: packages that the job names. An
    import that the script can do without is listed only where its package was there.
    """
    found: dict[str, str | None] = {}
    for module, needed in imported_modules(source, own).items():
        package = PACKAGES.get(module, module)
        version = noted_version(package, hosts)
        if needed or version is not None:
            found[package] = version
    for wanted in requires:
        name, _, version = (part.strip() for part in wanted.partition("=="))
        found[name] = noted_version(name, hosts) or version or None
    return dict(sorted(found.items()))


def noted_version(package: str, hosts: Sequence[Host]) -> str | None:
    """The version that all nodes had."""
    versions = {_of(host.versions, package) for host in hosts}
    return versions.pop() if len(versions) == 1 else None


def _of(versions: Mapping[str, str], package: str) -> str | None:
    return next((version for name, version in versions.items() if name.lower() == package.lower()), None)
