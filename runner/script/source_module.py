"""One module of a package as the bundler sees it: its imports, the names it binds, and its text without imports.

Works on source text and `ast` only; nothing is imported or run. What cannot be flattened within one module is
refused here with its line; what clashes between modules is flatten.py's question.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from runner.errors import UserError
from runner.script.sections import KEPT
from runner.script.trees import nodes

_MEANS_SOMETHING_ELSE = frozenset(
    ("__name__", "__file__", "__doc__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__")
)
"""Module attributes that would be the flat file's own."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class ForeignImport:
    """One name from outside the package: `import module [as name]` or `from module import attribute [as name]`."""

    module: str
    attribute: str | None
    alias: str | None
    line: int

    @property
    def name(self) -> str:
        """What the importing module calls it; `import a.b` binds `a`."""
        return self.alias or self.attribute or self.module.partition(".")[0]

    @property
    def origin(self) -> str:
        """What the name stands for; equal origins under one name do not clash."""
        if self.attribute is not None:
            return f"{self.module}.{self.attribute}"
        return self.module if self.alias else self.module.partition(".")[0]

    @property
    def clause(self) -> str:
        """What stands behind the last `import`."""
        wanted = self.attribute or self.module
        return f"{wanted} as {self.alias}" if self.alias and self.alias != wanted else wanted


@dataclass(frozen=True)
class OwnImport:
    """One `from package.module import name`."""

    module: str
    name: str
    line: int


@dataclass(frozen=True)
class SourceModule:
    """A parsed module."""

    name: str
    """Dotted, e.g. `golf_model.shapes`."""
    shown: str
    """Path for messages and banners, from the package's parent, e.g. `golf_model/shapes.py`."""
    docstring: str | None
    features: dict[str, int]
    """`from __future__` features -> line."""
    foreign: tuple[ForeignImport, ...]
    own: tuple[OwnImport, ...]
    bound: dict[str, int]
    """Names bound at module level by anything but a top import -> line of the first binding."""
    body: str
    """The source without module docstring and top imports, comments kept."""
    statements: int
    """Top-level statements besides docstring and imports."""


def read_module(path: Path, name: str, shown: str, package: str) -> SourceModule:
    """Parse one file of `package`; UserError with `shown:line` for what cannot be flattened."""
    try:
        return _module(path.read_text(encoding="utf-8-sig"), name, shown, package)
    except (OSError, ValueError) as error:
        raise UserError(f"{shown}: cannot be read: {error}") from None
    except SyntaxError as error:
        raise UserError(f"{shown}:{error.lineno}: not valid Python: {error.msg}") from None


@lru_cache(maxsize=KEPT)
def _module(text: str, name: str, shown: str, package: str) -> SourceModule:
    tree = ast.parse(text)
    reader = _Reader(shown, package)
    reader.read(tree)
    return SourceModule(
        name=name,
        shown=shown,
        docstring=ast.get_docstring(tree),
        features=reader.features,
        foreign=tuple(reader.foreign),
        own=tuple(reader.own),
        bound=reader.bound,
        body=_without(text, reader.dropped),
        statements=len(tree.body) - len(reader.dropped),
    )


def _without(text: str, dropped: list[ast.stmt]) -> str:
    """The text less the lines of some statements, without blank lines at either end."""
    gone = {line for statement in dropped for line in range(statement.lineno, (statement.end_lineno or 0) + 1)}
    # Not splitlines(): Python ends a line only where the tokenizer does.
    kept = [line for number, line in enumerate(text.split("\n"), start=1) if number not in gone]
    return "\n".join(kept).strip("\n")


class _Reader:
    """Sorts the statements of one module into imports to merge, imports to drop, and names bound."""

    def __init__(self, shown: str, package: str) -> None:
        self.shown = shown
        self.package = package
        self.features: dict[str, int] = {}
        self.foreign: list[ForeignImport] = []
        self.own: list[OwnImport] = []
        self.bound: dict[str, int] = {}
        self.dropped: list[ast.stmt] = []

    def read(self, tree: ast.Module) -> None:
        code_line = 0
        for index, statement in enumerate(tree.body):
            if index == 0 and ast.get_docstring(tree) is not None:
                self.dropped.append(statement)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                if code_line:
                    self._refuse(statement, f"import below code (line {code_line}) would move above it; put it first")
                self._top_import(statement)
                self.dropped.append(statement)
            else:
                code_line = code_line or statement.lineno
        self._refuse_shared_lines(tree)
        for statement in tree.body:
            if statement not in self.dropped:
                self._check(statement)
                for bound, line in _bindings(statement):
                    self.bound.setdefault(bound, line)

    def _refuse(self, node: ast.stmt | ast.expr, why: str) -> None:
        raise UserError(f"{self.shown}:{node.lineno}: {why}")

    def _top_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        line = statement.lineno
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if self._is_own(alias.name):
                    instead = f"write `from {alias.name} import NAME`"
                    self._refuse(
                        statement, f"`import {alias.name}` of our own package cannot be flattened; {instead}"
                    )
                self.foreign.append(ForeignImport(alias.name, None, alias.asname, line))
            return
        module = statement.module or ""
        for alias in statement.names:
            if statement.level:
                self._refuse(statement, f"relative import; write `from {self.package}.… import {alias.name}`")
            if alias.name == "*":
                self._refuse(statement, f"`from {module} import *` hides what it binds; name what is used")
            if module == "__future__":
                self.features[alias.name] = line
            elif not self._is_own(module):
                self.foreign.append(ForeignImport(module, alias.name, alias.asname, line))
            elif alias.asname not in (None, alias.name):
                renamed = f"`{alias.name} as {alias.asname}`"
                self._refuse(statement, f"{renamed} renames a name of our own package; use its own name")
            else:
                self.own.append(OwnImport(module, alias.name, line))

    def _is_own(self, module: str) -> bool:
        return module.partition(".")[0] == self.package

    def _refuse_shared_lines(self, tree: ast.Module) -> None:
        """Text is taken by lines, so an import must not share one with another statement."""
        for before, after in zip(tree.body, tree.body[1:], strict=False):
            if before.end_lineno == after.lineno and (before in self.dropped or after in self.dropped):
                self._refuse(
                    after, "an import or docstring shares its line with another statement; give each its own"
                )

    def _check(self, statement: ast.stmt) -> None:
        for node in nodes(statement):
            if isinstance(node, ast.ImportFrom) and (node.level or self._is_own(node.module or "")):
                module = "." * node.level + (node.module or "")
                self._refuse(node, f"late import of {module}; import it at the top of the module")
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if self._is_own(alias.name):
                        self._refuse(node, f"late import of {alias.name}; import it at the top of the module")
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                self._refuse(node, f"`from {node.module} import *` hides what it binds; name what is used")
            if isinstance(node, ast.Name) and node.id in _MEANS_SOMETHING_ELSE:
                self._refuse(node, f"`{node.id}` would be the flat file's, not this module's; pass it as a parameter")


def _bindings(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a statement binds at module level, with lines; inside functions only `global` ones."""
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, line
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id, line
    elif isinstance(node, ast.Import):
        yield from ((alias.asname or alias.name.partition(".")[0], line) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((alias.asname or alias.name, line) for alias in node.names)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, line
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, line
    if isinstance(node, _SCOPES):
        for inner in nodes(node):
            if isinstance(inner, ast.Global):
                yield from ((name, inner.lineno) for name in inner.names)
    elif isinstance(node, _COMPREHENSIONS):
        for inner in nodes(node):  # its own targets are local, but `:=` binds outside
            if isinstance(inner, ast.NamedExpr):
                yield inner.target.id, inner.lineno
    else:
        for child in ast.iter_child_nodes(node):
            yield from _bindings(child)
