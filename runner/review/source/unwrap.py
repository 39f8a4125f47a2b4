"""A script with everything that it runs beside its own text: decoded layers, modules in strings, files beside it.

`read_source` opens shells as data and never runs them: at most MOST_LAYERS layers and 64 MiB of each. What could not
be opened stands in `Reviewed.unread`; whoever answers for such a script says unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runner.review.source.beside import HOME, Beside
from runner.review.source.handed_over import Code, Unread
from runner.review.source.known_values import Scope
from runner.review.source.parsing import text_of, tree_of
from runner.review.source.tracing import Tracer
from runner.review.source.tree_index import TreeIndex
from runner.untrusted import read_bytes

MOST_LAYERS = 64
MOST_DEPTH = 12
"""Layers inside one another."""
NATIVE = re.compile(r"^[\w./-]{1,200}\.(?:c|cc|cpp|cu|so|rs)$")
MODULE_LENGTH = 200
"""Characters of a string that may be a module."""
Kind = Literal["file", "decoded", "string", "beside"]


@dataclass(frozen=True)
class Layer:
    """One text of a script.

    name: `train_gpt.py`, `train_gpt.py#decoded`, `train_gpt.py#NAME` for a module in a string, or a path beside it;
    size: bytes; tree: None where `reason` says why; kind; parent and line: the layer that hands it over, and where;
    steps: how it was decoded, outermost first; runs: whether the script was seen to run it; module: the name by which
    it is imported, empty for code of the program itself.
    """

    name: str
    size: int
    text: str
    tree: ast.Module | None
    reason: str
    kind: Kind = "file"
    parent: int | None = None
    line: int = 0
    steps: tuple[str, ...] = ()
    runs: bool = True
    module: str = ""


@dataclass(frozen=True)
class Reviewed:
    """A script as it was read.

    texts: the file itself first, then all that was found; unread: places whose code is not known; native: code in
    other languages, which no rule reads. Both name the text by its number.
    """

    path: Path
    texts: tuple[Layer, ...]
    unread: tuple[Unread, ...]
    native: tuple[Unread, ...]

    @property
    def complete(self) -> bool:
        """Whether every layer was read, and every place that hands over code."""
        return not self.unread and all(layer.tree is not None for layer in self.texts)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The texts of the program itself, as they run after one another: the file, and what it executes."""
        return tuple(layer for layer in self.texts if layer.runs and not layer.module)

    @property
    def siblings(self) -> Mapping[str, Layer]:
        """The modules that it imports and that are not installed: beside it, or made of strings; by their names."""
        return {layer.module: layer for layer in self.texts if layer.module}

    @property
    def opened(self) -> tuple[Layer, ...]:
        """The layers that a shell held."""
        return tuple(layer for layer in self.texts if layer.kind == "decoded")

    def place(self, text: int, line: int) -> str:
        """`file:line` as people read it."""
        return f"{self.texts[text].name}:{line}"


def read_source(path: Path, content: bytes | None = None) -> Reviewed:
    """A script and all that it runs, as data; UserError where there is no file, or it is larger than is read.

    content: the script's bytes where they stand in no file; `path` then only says where it would lie.
    """
    reader = _Reader(path)
    reader.start(content)
    return Reviewed(path, tuple(reader.layers), _once(reader.unread), _once(reader.native))


def _once(found: list[Unread]) -> tuple[Unread, ...]:
    return tuple(dict.fromkeys(found))


class _Reader(Tracer):
    def __init__(self, path: Path) -> None:
        super().__init__(Beside(path.parent, path.name))
        self.path = path
        self.layers: list[Layer] = []
        self.native: list[Unread] = []
        self._seen: dict[tuple[str, str], int] = {}
        self._depth = 0
        self._size = 0

    def start(self, content: bytes | None) -> None:
        """The file itself, and from it all others."""
        raw = read_bytes(self.path, links=True) if content is None else content
        self._add(raw, self.path.name, "file", path=f"{HOME}/{self.path.name}")

    def ran(self, code: Code) -> None:
        """A layer that a shell hands to Python."""
        parent = self.layers[code.layer]
        raw = code.content
        if code.how == "eval" or len(raw) < 40:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            if not any(word in text for word in ("exec", "eval", "import", "open", "compile")):
                return  # an expression, and no code to speak of
        short = Path(code.name).name if code.name and code.name != "<string>" else ""
        kind: Kind = "decoded" if code.steps else "string"
        label = short or ("decoded" if code.steps else "executed")
        self._add(
            raw,
            self._free(f"{parent.name}#{label}"),
            kind,
            parent=code.layer,
            line=code.line,
            steps=code.steps,
            names=code.namespace,
            module=code.module,
        )

    def launched(self, path: str, line: int, module: str = "") -> None:
        """A file beside the script that it runs or imports."""
        content = self.beside.read(path)
        name = self.beside.normal(path)
        if content is None:
            self.unread.append(Unread(self.layer, line, f"runs {path}, which is not beside the script"))
            return
        written = name in self.beside.written
        shown = f"{self.path.name}#{Path(name).name}" if written else name.removeprefix(f"{HOME}/")
        steps = self.steps_of.get(content, ()) if written else ()
        kind: Kind = "decoded" if steps else "string" if written else "beside"
        self._add(content, shown, kind, parent=self.layer, line=line, path=name, steps=steps, module=module)

    def _free(self, name: str) -> str:
        """The name, numbered where another layer has it."""
        taken = {layer.name for layer in self.layers}
        if name not in taken:
            return name
        return next(f"{name}{number}" for number in range(2, MOST_LAYERS + 3) if f"{name}{number}" not in taken)

    def _add(
        self,
        content: bytes | str,
        name: str,
        kind: Kind,
        *,
        parent: int | None = None,
        line: int = 0,
        steps: tuple[str, ...] = (),
        path: str | None = None,
        names: dict[str, Any] | None = None,
        runs: bool = True,
        module: str = "",
    ) -> None:
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        text, reason = text_of(raw) if isinstance(content, bytes) else (content, "")
        if (text, path or "") in self._seen:
            return
        if len(self.layers) >= MOST_LAYERS or self._depth >= MOST_DEPTH:
            self.unread.append(Unread(parent or 0, line, f"more than {MOST_LAYERS} layers, or {MOST_DEPTH} deep"))
            return
        index = len(self.layers)
        self._seen[(text, path or "")] = index
        tree, why = (None, reason) if reason else tree_of(text)
        self.layers.append(Layer(name, len(raw), text, tree, why, kind, parent, line, steps, runs, module))
        if tree is None:
            return
        self._depth += 1
        try:
            self._into(tree, index, path, names)
        finally:
            self._depth -= 1

    def _into(self, tree: ast.Module, index: int, path: str | None, names: dict[str, Any] | None) -> None:
        """What a layer runs, imports and holds in strings."""
        own = names if names is not None else {}
        own["__file__"] = path or own.get("__file__", f"{HOME}/{self.path.name}")
        own["__name__"] = "__main__" if path is None or index == 0 else "module"
        found = TreeIndex(tree)
        if found.hands_over:
            self.follow(tree, found, index, Scope(own))
        outer, self.layer = self.layer, index
        try:
            self._imports(found, str(own["__file__"]))
            self._strings(found, index)
        finally:
            self.layer = outer

    def _imports(self, found: TreeIndex, file: str) -> None:
        near = file.rpartition("/")[0] or HOME
        for node, module in found.imports():
            path = self.beside.module(module, near)
            if path is not None:
                self.launched(path, node.lineno, module)

    def _strings(self, found: TreeIndex, index: int) -> None:
        """Strings that are modules, and strings in C."""
        for node in found.strings:
            text = str(node.value)
            if NATIVE.search(text) and (content := self.beside.read(text)) is not None:
                self.native.append(
                    Unread(index, node.lineno, f"{text}, {len(content):,} B of other code, is not read")
                )
            if len(text) < MODULE_LENGTH or "\n" not in text:
                continue
            if "#include" in text or "__global__" in text:
                kind = "CUDA" if "__global__" in text else "C"
                why = f"{len(text):,} characters of {kind}, which are not read"
                self.native.append(Unread(index, node.lineno, why))
            elif _may_be_module(text):
                name = self._free(f"{self.layers[index].name}#string{node.lineno}")
                inner, _ = tree_of(text)
                known = any(layer.text == text for layer in self.layers)
                if inner is not None and _is_module(inner) and not known:
                    self._add(text, name, "string", parent=index, line=node.lineno, runs=False)


def _may_be_module(text: str) -> bool:
    return any(f"{word} " in text for word in ("def", "class", "import"))


def _is_module(tree: ast.Module) -> bool:
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)) for node in tree.body)
