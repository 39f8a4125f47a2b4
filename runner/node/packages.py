"""Packages that a script needs, looked for as the script would find them: by its interpreter, in its environment.

golf's own process may find more, by PYTHONPATH or the folder that it was started from; none of that is handed on to
a script (runner.node.environment). So a Python of its own is asked. Nothing that is looked for is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from runner.node.environment import handed_on, lives_at_home

ASKED_S = 60.0
LOOKS = """
import importlib.metadata, importlib.util, json, sys
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # loaded, without saying from where
        return True
    except ImportError:
        return False
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
modules, packages = json.loads(sys.argv[1])
print(json.dumps([[there(name) for name in modules], [version(name) for name in packages]]))
"""


def package_problems(
    imports: Sequence[str], requires: Sequence[str], surroundings: Mapping[str, str] = os.environ
) -> list[str]:
    """Packages that are missing, or of another version than the job names.

    imports: modules that the script cannot do without; requires: packages by name, or name==version; surroundings:
    the node's environment.
    """
    wanted = [(name.strip(), version.strip()) for name, _, version in (one.partition("==") for one in requires)]
    if not imports and not wanted:
        return []
    try:
        modules, versions = _look(imports, [name for name, _ in wanted], surroundings)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return [f"Python there could not be asked for its packages: {error}"]
    more = extra_path(surroundings)
    problems = [
        f"Python there has no {name}, which the script imports{more}"
        for name, there in zip(imports, modules, strict=True)
        if not there
    ]
    for (name, version), found in zip(wanted, versions, strict=True):
        if found is None:
            problems.append(f"package {name} is not installed there, which the job requires{more}")
        elif version and found != version:
            problems.append(f"package {name} is {found} there, the job requires {version}")
    return problems


def extra_path(surroundings: Mapping[str, str]) -> str:
    """What to do where somebody put folders on Python's path, which no script is told; '' where nobody did."""
    if not surroundings.get("PYTHONPATH"):
        return ""
    return " (PYTHONPATH is not handed on: install it, or put it beside the script, in files:)"


def _look(
    imports: Sequence[str], packages: Sequence[str], surroundings: Mapping[str, str]
) -> tuple[list[bool], list[str | None]]:
    """Of each module whether it can be found, of each package its version; in an empty folder."""
    env = {**handed_on(surroundings), **({} if lives_at_home() else {"PYTHONNOUSERSITE": "1"})}
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-P", "-c", LOOKS, json.dumps([list(imports), list(packages)])],
            capture_output=True,
            cwd=empty,
            env=env,
            text=True,
            timeout=ASKED_S,
            check=True,
        )
    modules, versions = json.loads(done.stdout.splitlines()[-1])
    return modules, versions
