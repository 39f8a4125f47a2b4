"""The settings that a script has: the environment it reads, the names it keeps them under, and their defaults.

Read from the syntax tree; `int(os.environ.get("NUM_LAYERS", 9))` in a class body is setting NUM_LAYERS, kept as
`num_layers`, 9 by default. What a default is computed from is not worked out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runner.review.nodes import children

ENVIRONMENT = re.compile(r"^[A-Z][A-Z0-9_]{1,79}$")


@dataclass(frozen=True)
class Setting:
    """One variable of the environment that a script reads.

    name: NUM_LAYERS; kept: the name that its value gets, or empty; default: as text, None where there is none that
    stands there; place: `file:line`.
    """

    name: str
    kept: str
    default: str | None
    place: str


def settings_of(texts: Iterable[tuple[str, ast.Module | None]]) -> dict[str, Setting]:
    """Every variable that these (name, tree) read, by its name; of several readings the first with a default."""
    found: dict[str, Setting] = {}
    for file, tree in texts:
        if tree is None:
            continue
        for setting in _of_tree(file, tree):
            before = found.get(setting.name)
            if before is None or (before.default is None and setting.default is not None):
                found[setting.name] = setting
    return found


def _of_tree(file: str, tree: ast.Module) -> Iterator[Setting]:
    """In the order in which they stand in the file; each node is looked at once."""
    nodes: list[tuple[ast.AST, str]] = []
    pending: list[tuple[ast.AST, str]] = [(tree, "")]
    while pending:
        node, kept = pending.pop()
        nodes.append((node, kept))
        pending += reversed(_within(node, kept))
    readers = _readers([node for node, _ in nodes])
    for node, kept in nodes:
        if isinstance(node, ast.Call) and node.args:
            read = _constant(node.args[0])
            if isinstance(read, str) and ENVIRONMENT.match(read) and _reads(node, readers):
                default = node.args[1] if len(node.args) > 1 else _keyword(node, "default")
                yield Setting(read, kept, as_text(default), f"{file}:{node.lineno}")
        elif isinstance(node, ast.Subscript) and _is_environ(node.value):
            read = _constant(node.slice)
            if isinstance(read, str) and isinstance(node.ctx, ast.Load):
                yield Setting(read, kept, None, f"{file}:{node.lineno}")


def _within(node: ast.AST, kept: str) -> list[tuple[ast.AST, str]]:
    """What stands in a node, with the name that its value gets."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        target, value = node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            return [(part, _name(one)) for one, part in zip(target.elts, value.elts, strict=True)]
        return [(value, _name(target))]
    here = "" if isinstance(node, ast.stmt) else kept
    return [(child, here) for child in children(node)]


def _name(target: ast.expr) -> str:
    return target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""


def _readers(nodes: list[ast.AST]) -> frozenset[str]:
    """Names of functions of the script's own that read the environment, and of what stands for `os.environ.get`."""
    lines = [
        node.lineno for node in nodes if isinstance(node, (ast.Name, ast.Attribute)) and _reads_environment(node)
    ]
    found = {"getenv"}
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.args.args:
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines):
                found.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Lambda):
                if any(value.lineno <= line <= (value.end_lineno or value.lineno) for line in lines):
                    found.add(node.targets[0].id)
            elif _is_environ(value) or (
                isinstance(value, ast.Attribute) and (_is_environ(value.value) or _is_getenv(value))
            ):
                found.add(node.targets[0].id)
    return frozenset(found)


def _reads_environment(node: ast.AST) -> bool:
    return _is_environ(node) or _is_getenv(node)


def _reads(node: ast.Call, readers: frozenset[str]) -> bool:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id in readers
    if isinstance(function, ast.Attribute):
        if function.attr in ("get", "setdefault", "pop"):
            return _is_environ(function.value) or (
                isinstance(function.value, ast.Name) and function.value.id in readers
            )
        return function.attr in readers
    return False


def _is_environ(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id == "environ"
    )


def _is_getenv(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "getenv"


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in node.keywords if one.arg == name), None)


def as_text(node: ast.expr | None) -> str | None:
    """A constant as the environment would hold it; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return f"-{node.operand.value!r}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and node.args:
        return as_text(node.args[0])
    if not isinstance(node, ast.Constant) or node.value is None or isinstance(node.value, bytes):
        return None
    return str(node.value)
