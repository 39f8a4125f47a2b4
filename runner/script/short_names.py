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
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from string import ascii_letters

from runner.script.sections import KEPT
from runner.script.trees import Kinds, same
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


def _functions(inside: Kinds) -> list[Function]:
    return [*inside.of(ast.FunctionDef), *inside.of(ast.AsyncFunctionDef)]


def _is_open(function: Kinds) -> bool:
    """Whether something else may look at the names of a function of these nodes."""
    if function.of(ast.ClassDef) or any(name.id in LOOK_AT_NAMES for name in function.of(ast.Name)):
        return True
    decorators = [one for inner in _functions(function) for one in inner.decorator_list]
    return not {ast.unparse(one) for one in decorators} <= HARMLESS


@dataclass(frozen=True)
class Elsewhere:
    """What a source binds and says outside of what its functions keep to themselves."""

    known: frozenset[str]
    """Names of its own scope."""
    said: frozenset[str]
    """Words by which a parameter may be given."""
    bound: frozenset[str]
    """All that is given a value in it anywhere."""


@lru_cache(maxsize=KEPT)
def _elsewhere(source: str) -> Elsewhere:
    tree = ast.parse(source)
    known, said, found = set[str](), set[str](), Kinds(tree)
    for statement in tree.body:
        if isinstance(statement, Function | ast.ClassDef):
            known.add(statement.name)
        else:
            known.update(one.id for one in Kinds(statement).of(ast.Name))
    imported = [one for plain in found.of(ast.Import) for one in plain.names]
    imported += [one for named in found.of(ast.ImportFrom) for one in named.names]
    known.update((one.asname or one.name).partition(".")[0] for one in imported)
    known.update(name for one in found.of(ast.Global) for name in one.names)
    said.update(one.arg or "" for one in found.of(ast.keyword))
    said.update(one.value for one in found.of(ast.Constant) if isinstance(one.value, str))
    said.update(name for one in found.of(ast.MatchClass) for name in one.kwd_attrs)
    bound = {one.id for one in found.of(ast.Name) if not isinstance(one.ctx, ast.Load)}
    bound.update(one.arg for one in found.of(ast.arg))
    return Elsewhere(frozenset(known), frozenset(said), frozenset(bound))


def _places(function: Kinds) -> list[Place]:
    """Where names stand, in order."""
    found = {(node.lineno, node.col_offset, node.id) for node in function.of(ast.Name)}
    found |= {(node.lineno, node.col_offset, node.arg) for node in function.of(ast.arg)}
    return sorted(found)


def _own_names(function: Function, inside: Kinds, known: Set[str], said: Set[str]) -> set[str]:
    """Names that may be changed: bound in the function, by assignment or as parameters, and by nothing else."""
    around = [*function.decorator_list, *function.args.defaults, *filter(None, function.args.kw_defaults)]
    around += inside.of(ast.JoinedStr)
    kept = {"self", "cls", *known}
    for one in map(Kinds, around):  # which a class's own scope may know, or an f-string shows
        kept.update(node.id for node in one.of(ast.Name))
    for shown in map(Kinds, inside.of(ast.JoinedStr)):
        kept.update(node.arg for node in shown.of(ast.arg))
    kept.update(name for node in inside.of(ast.Nonlocal) for name in node.names)
    kept.update(node.name for node in _functions(inside))
    kept.update(node.name or "" for node in inside.of(ast.ExceptHandler))
    kept.update(node.name or "" for node in inside.of(ast.MatchAs))
    kept.update(node.name or "" for node in inside.of(ast.MatchStar))
    kept.update(node.rest or "" for node in inside.of(ast.MatchMapping))
    given = {node.arg for node in inside.of(ast.arg)}
    bound = {node.id for node in inside.of(ast.Name) if not isinstance(node.ctx, ast.Load)}
    return {name for name in (given - said) | (bound - given) if name not in kept and not name.startswith("__")}


def _candidates() -> Iterator[str]:
    for length in (1, 2, 3):
        yield from ("".join(letters) for letters in product(ascii_letters, repeat=length))


def _changes(tree: ast.Module, known: Set[str], said: Set[str]) -> dict[Place, str]:
    """What stands where, and what is to stand there."""
    changes: dict[Place, str] = {}
    for function in _outermost(tree):
        inside = Kinds(function)
        if _is_open(inside):
            continue
        own, places = _own_names(function, inside, known, said), _places(inside)
        taken = {name for _, _, name in places} - own
        free = (name for name in _candidates() if name not in taken and not keyword.iskeyword(name))
        short = {name: next(free) for name in dict.fromkeys(name for _, _, name in places if name in own)}
        changes |= {place: short[place[2]] for place in places if place[2] in own}
    return changes


def renamed(*sources: str) -> str:
    """The same program with short names; as it is where it is no Python, or where the result would differ.

    sources: to be joined by a line's end; each is one of its own.
    """
    try:
        all_of_them = [_elsewhere(one) for one in sources]
    except SyntaxError:
        return "\n".join(sources)
    known = frozenset(dir(builtins)).union(*(one.known for one in all_of_them))
    said = frozenset[str]().union(*(one.said for one in all_of_them))
    made = [
        _renamed(source, known & one.bound, said & one.bound)
        for source, one in zip(sources, all_of_them, strict=True)
    ]
    short = [one for one in made if one is not None]
    return "\n".join(short if len(short) == len(made) else sources)


@lru_cache(maxsize=KEPT)
def _renamed(source: str, known: frozenset[str], said: frozenset[str]) -> str | None:
    """known, said: of its names, those that are known or said in any source. None where the result would differ."""
    tree = ast.parse(source)
    changes = _changes(tree, known, said)
    lines = [line.encode("utf-8") for line in source.split("\n")]
    for (line, column, name), put in sorted(changes.items(), reverse=True):
        old, text = name.encode("utf-8"), lines[line - 1]
        lines[line - 1] = text[:column] + put.encode("ascii") + text[column + len(old) :]
    short = b"\n".join(lines).decode("utf-8")
    return short if _is_same(tree, short, changes) else None


def _is_same(tree: ast.Module, source: str, changes: Mapping[Place, str]) -> bool:
    """Whether the source is the tree with those changes and no other; makes them in the tree."""
    found = Kinds(tree)
    for name in found.of(ast.Name):
        name.id = changes.get((name.lineno, name.col_offset, name.id), name.id)
    for given in found.of(ast.arg):
        given.arg = changes.get((given.lineno, given.col_offset, given.arg), given.arg)
    try:
        return same(ast.parse(source), tree)
    except SyntaxError:
        return False
