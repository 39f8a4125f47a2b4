"""Shorter names for what only one function can see: its variables and parameters. Every statement stays on its line.

They are a twelfth of the packed script's bytes. A name is left alone wherever anything but the function itself might
know it: what is passed by name or stands in a string anywhere, what a module or Python binds as well, what an
f-string shows (Python before 3.12 does not say where), what a `global`, an import or a function in it binds.
Functions whose decorators may look at their source, and those that look at their own variables, stay as they are.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import product
from string import ascii_letters

from runner.script.untyped import HARMLESS

LOOK_AT_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir", "globals"})
Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[int, int, str]
"""Line (1-based), column (0-based, in bytes of UTF-8) and the name that stands there."""


def _outermost(tree: ast.Module) -> Iterator[Function]:
    """Functions of the module and methods of its classes."""
    for node in tree.body:
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, Function):
                yield one


def _is_open(nodes: Sequence[ast.AST]) -> bool:
    """Whether something else may look at the names of a function of these nodes."""
    for node in nodes:
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.Name) and node.id in LOOK_AT_NAMES):
            return True
        if isinstance(node, Function) and not {ast.unparse(one) for one in node.decorator_list} <= HARMLESS:
            return True
    return False


def _known_elsewhere(tree: ast.Module, nodes: Sequence[ast.AST]) -> tuple[set[str], set[str]]:
    """(names of the module's own scope and of Python, words by which a parameter may be given)."""
    known, said = set(dir(builtins)), set[str]()
    for statement in tree.body:
        if isinstance(statement, Function | ast.ClassDef):
            known.add(statement.name)
        else:
            known.update(one.id for one in ast.walk(statement) if isinstance(one, ast.Name))
    for node in nodes:
        if isinstance(node, ast.keyword):
            said.add(node.arg or "")
        elif isinstance(node, ast.Constant):
            said.update([node.value] if isinstance(node.value, str) else [])
        elif isinstance(node, ast.MatchClass):
            said.update(node.kwd_attrs)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            known.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Global):
            known.update(node.names)
    return known, said


def _places(nodes: Sequence[ast.AST]) -> list[Place]:
    """Where names stand, in order."""
    found = {(node.lineno, node.col_offset, node.id) for node in nodes if isinstance(node, ast.Name)}
    found |= {(node.lineno, node.col_offset, node.arg) for node in nodes if isinstance(node, ast.arg)}
    return sorted(found)


def _own_names(function: Function, nodes: Sequence[ast.AST], known: Set[str], said: Set[str]) -> set[str]:
    """Names that may be changed: bound in the function, by assignment or as parameters, and by nothing else."""
    given, bound, kept = set[str](), set[str](), {"self", "cls", *known}
    around = [*function.decorator_list, *function.args.defaults, *filter(None, function.args.kw_defaults)]
    for node in (inner for outer in around for inner in ast.walk(outer)):  # which a class's own scope may know
        kept.update([node.id] if isinstance(node, ast.Name) else [])
    for node in nodes:
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
        elif isinstance(node, ast.arg):
            given.add(node.arg)
        elif isinstance(node, ast.Nonlocal):
            kept.update(node.names)
        elif isinstance(node, Function):
            kept.add(node.name)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            kept.add(node.name or "")
        elif isinstance(node, ast.MatchMapping):
            kept.add(node.rest or "")
        elif isinstance(node, ast.JoinedStr):
            kept.update(one.id for one in ast.walk(node) if isinstance(one, ast.Name))
            kept.update(one.arg for one in ast.walk(node) if isinstance(one, ast.arg))
    return {name for name in (given - said) | (bound - given) if name not in kept and not name.startswith("__")}


def _candidates() -> Iterator[str]:
    for length in (1, 2, 3):
        yield from ("".join(letters) for letters in product(ascii_letters, repeat=length))


def _changes(tree: ast.Module) -> dict[Place, str]:
    """What stands where, and what is to stand there."""
    known, said = _known_elsewhere(tree, [*ast.walk(tree)])
    changes: dict[Place, str] = {}
    for function in _outermost(tree):
        nodes = [*ast.walk(function)]
        if _is_open(nodes):
            continue
        own, places = _own_names(function, nodes, known, said), _places(nodes)
        taken = {name for _, _, name in places} - own
        free = (name for name in _candidates() if name not in taken and not keyword.iskeyword(name))
        short = {name: next(free) for name in dict.fromkeys(name for _, _, name in places if name in own)}
        changes |= {place: short[place[2]] for place in places if place[2] in own}
    return changes


def renamed(source: str) -> str:
    """The same program with short names; `source` itself where it is no Python, or where the result would differ."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    changes = _changes(tree)
    lines = [line.encode("utf-8") for line in source.split("\n")]
    for (line, column, name), put in sorted(changes.items(), reverse=True):
        old, text = name.encode("utf-8"), lines[line - 1]
        lines[line - 1] = text[:column] + put.encode("ascii") + text[column + len(old) :]
    short = b"\n".join(lines).decode("utf-8")
    return short if _is_same(tree, short, changes) else source


def _is_same(tree: ast.Module, source: str, changes: Mapping[Place, str]) -> bool:
    """Whether the source is the tree with those changes and no other; makes them in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = changes.get((node.lineno, node.col_offset, node.id), node.id)
        elif isinstance(node, ast.arg):
            node.arg = changes.get((node.lineno, node.col_offset, node.arg), node.arg)
    try:
        return ast.dump(ast.parse(source)) == ast.dump(tree)
    except SyntaxError:
        return False
