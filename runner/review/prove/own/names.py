"""What the local variables are called in the shipped script that the room reads at the script's tallies.

The bundler gives what a function keeps to itself short names; the statements are the same, one by one.
"""

from __future__ import annotations

import ast

from runner.errors import UserError
from runner.script.bundle import Script
from runner.script.compact import compact
from runner.script.short_names import renamed

READ = (frozenset({"some", "length", "last", "targets"}), frozenset({"starts", "chunk", "targets"}))
"""Names in golf_model/scoring: of `evaluate`, and of the loop of `streaming`."""


def tally_names(script: Script) -> dict[str, dict[str, str]]:
    """Function that adds to a tally -> {name in golf_model: name in the shipped script} of what is read there.

    UserError where no function has these names: golf_model and the room no longer fit.
    """
    plain = compact(script.flat)
    found: dict[str, dict[str, str]] = {}
    for one, other in zip(ast.parse(plain).body, ast.parse(renamed(plain)).body, strict=True):
        if not isinstance(one, ast.FunctionDef) or not _adds(one):
            continue
        names = {
            ours.id: theirs.id
            for ours, theirs in zip(ast.walk(one), ast.walk(other), strict=True)
            if isinstance(ours, ast.Name) and isinstance(theirs, ast.Name)
        }
        for wanted in READ:
            if wanted <= names.keys():
                found[one.name] = {name: names[name] for name in sorted(wanted)}
    if not found:
        raise UserError("no function of this script adds to a tally as golf_model/scoring does; please report this")
    return found


def _adds(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Attribute) and ast.unparse(node) == "tally.add" for node in ast.walk(function))
