"""What a syntax tree holds of interest to whoever looks for code behind it, gathered in one pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from runner.review.nodes import nodes_of

HANDS = frozenset(
    (
        *("exec", "eval", "__import__", "__builtins__", "builtins", "runpy", "importlib", "subprocess", "marshal"),
        *("zipimport", "pickle", "multiprocessing"),
    )
)
"""Names by which a script may come to run other code."""
OF_OS = ("exec", "spawn", "system", "popen", "posix_spawn")


class TreeIndex:
    """The imports, strings, functions and calls of one layer.

    runs: calls of exec and eval by their own names; strings: string constants that document nothing.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self.runs: list[ast.Call] = []
        self.strings: list[ast.Constant] = []
        self._imports: list[ast.Import | ast.ImportFrom] = []
        self._hands: list[int] = []
        documents: set[int] = set()
        for node in (tree, *nodes_of(tree)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                if node.body and isinstance(node.body[0], ast.Expr):
                    documents.add(id(node.body[0].value))
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self.functions.append(node)
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str) and id(node) not in documents:
                    self.strings.append(node)
            else:
                self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._imports.append(node)
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if any(name.partition(".")[0] in HANDS for name in names):
                self._hands.append(node.lineno)
        elif isinstance(node, ast.Name):
            if node.id in HANDS:
                self._hands.append(node.lineno)
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr.startswith(OF_OS):
                self._hands.append(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            self.runs.append(node)

    @property
    def hands_over(self) -> bool:
        """Whether the layer names anything by which it could run other code; most do not."""
        return bool(self._hands)

    def handing_over(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions that do."""
        for node in self.functions:
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in self._hands):
                yield node

    def imports(self) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
        """Every import with the modules that it may mean, relative ones by their own name."""
        for node in self._imports:
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            else:
                base = node.module or ""
                yield from ((node, name) for name in [base] if name)
                yield from ((node, f"{base}.{alias.name}".lstrip(".")) for alias in node.names)
