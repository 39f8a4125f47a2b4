"""Places that hand code to Python or to a process: exec, eval, runpy, imports, launchers."""

from __future__ import annotations

import ast
import shlex
from abc import abstractmethod
from pathlib import PurePosixPath
from typing import Any

from runner.review.source.beside import Beside
from runner.review.source.handed_over import Code, Unread
from runner.review.source.known_calls import path_text
from runner.review.source.known_values import Dotted, Exhausted, Module, Scope, Unfoldable, Unknown
from runner.review.source.opened_files import OpenedFiles


class HandsOver(OpenedFiles):
    """Code that is handed over; `ran` and `launched` are told."""

    def __init__(self, beside: Beside) -> None:
        super().__init__(beside)
        self.unread: list[Unread] = []
        self.layer = 0
        """The number of the layer whose statements are followed."""
        self._globals: Scope = Scope({})

    @abstractmethod
    def ran(self, code: Code) -> None:
        """Code that is handed to Python."""

    @abstractmethod
    def launched(self, path: str, line: int, module: str = "") -> None:
        """A script beside this one that is run, or imported as `module`."""

    @abstractmethod
    def _value(self, node: ast.expr | None, scope: Scope) -> Any:
        """The value of an expression, Unknown where it has none that is known."""

    def _opaque(self, node: ast.AST, why: str) -> None:
        self.unread.append(Unread(self.layer, getattr(node, "lineno", 0), why))

    def _run(self, how: str, node: ast.Call, scope: Scope) -> Any:
        """exec, eval and runpy: code handed over."""
        if not node.args:
            self._opaque(node, f"{how} without an argument that is read")
            raise Unfoldable("nothing to run")
        try:
            value = self.fold(node.args[0], scope)
        except Exhausted:
            self._opaque(node, f"{how} of code that takes too long to work out")
            raise
        except Unfoldable as error:
            self._opaque(node, f"{how} of code that is not known: {error}")
            raise
        if how == "run_module":
            self._import_named(str(value), node)
        elif how == "run_path":
            self.launched(path_text(value), node.lineno)
        elif isinstance(value, (str, bytes)):
            space = self._value(node.args[1], scope) if len(node.args) > 1 else None
            history = self.steps_of.get(value, ())
            module = space.name if isinstance(space, Module) else ""
            name = module or ("" if history else _file_name(node))
            self.ran(Code(value, self.layer, node.lineno, how, history, self._namespace(space), name, module))
        else:
            self._opaque(node, f"{how} of something that is no text")
        raise Unfoldable("what code returns is not known")

    def _namespace(self, space: Any) -> dict[str, Any]:
        if isinstance(space, Module):
            return space.names
        if isinstance(space, dict):
            return space
        return {} if isinstance(space, Unknown) else self._globals.names

    def _import_named(self, name: str, node: ast.Call) -> Any:
        found = self.beside.module(name)
        if found is not None:
            self.launched(found, node.lineno, name)
            return Unknown()
        return Dotted(name)

    def _launch(self, node: ast.Call, scope: Scope) -> Any:
        """A process: scripts beside this one that its words name."""
        words: list[str] = []
        for one in ast.walk(node):
            if isinstance(one, ast.expr) and one is not node and not isinstance(one, (ast.Call, ast.Lambda)):
                value = self._value(one, scope) if isinstance(one, (ast.Constant, ast.Name, ast.JoinedStr)) else None
                words += [value] if isinstance(value, str) else []
                words += [str(value)] if isinstance(value, PurePosixPath) else []
            elif isinstance(one, ast.Call) and one is not node:
                value = self._value(one, scope)
                words += [str(value)] if isinstance(value, (str, PurePosixPath)) else []
        for text in dict.fromkeys(words):
            for word in _split(text):
                if word.endswith(".py") and self.beside.exists(word):
                    self.launched(word, node.lineno)
        raise Unfoldable("a process")


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)[:200] if len(text) < 10_000 else []
    except ValueError:
        return text.split()[:200]


def _file_name(node: ast.Call) -> str:
    """The file that compile is told that code comes from."""
    inner = node.args[0]
    if isinstance(inner, ast.Call) and len(inner.args) > 1 and isinstance(inner.args[1], ast.Constant):
        return str(inner.args[1].value)[:120]
    return ""
