"""Files beside a script, opened, read and written as data: nothing of this machine is touched but what lies there."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import Any

from runner.review.source.beside import Beside
from runner.review.source.folding import Folder
from runner.review.source.known_calls import path_text
from runner.review.source.known_values import Scope, Stream, Unfoldable


class OpenedFiles(Folder):
    """Files and paths."""

    def __init__(self, beside: Beside) -> None:
        super().__init__()
        self.beside = beside

    def _open(self, values: list[Any], named: dict[str, Any]) -> Stream:
        path = path_text(values[0])
        mode = str(values[1] if len(values) > 1 else named.get("mode", "r"))
        if any(letter in mode for letter in "wxa"):
            return Stream(None, path, "b" not in mode)
        content = self.beside.read(path)
        if content is None:
            raise Unfoldable(f"{path} is not beside the script")
        return Stream(_as(content, text="b" not in mode), path, "b" not in mode)

    def _open_packed(self, module: str, values: list[Any], named: dict[str, Any], node: ast.Call) -> Stream:
        source = values[0] if values else named.get("fileobj", named.get("filename"))
        content = source.content if isinstance(source, Stream) else self.beside.read(path_text(source))
        if not isinstance(content, bytes):
            raise Unfoldable("a packed file that is not beside the script")
        call = ast.Call(func=ast.Name(id="_"), args=[ast.copy_location(ast.Constant(content), node)], keywords=[])
        mode = str(values[1] if len(values) > 1 else named.get("mode", "rb"))
        return Stream(_as(self.decode(f"{module}.decompress", call, Scope({})), text="t" in mode))

    def file_method(self, owner: PurePosixPath | Stream, node: ast.Call, scope: Scope) -> Any:
        """Reading and writing, and paths made of paths."""
        assert isinstance(node.func, ast.Attribute)
        name = node.func.attr
        values, named = self.arguments(node, scope)
        if isinstance(owner, Stream):
            return self._stream_method(owner, name, values)
        if name in ("read_bytes", "read_text"):
            content = self.beside.read(str(owner))
            if content is None:
                raise Unfoldable(f"{owner} is not beside the script")
            return self.known(_as(content, text=name == "read_text"))
        if name in ("write_bytes", "write_text"):
            self.beside.write(str(owner), values[0])
            return len(values[0])
        if name == "open":
            return self._open([owner, *values], named)
        if name in ("exists", "is_file"):
            return self.beside.exists(str(owner))
        if name in ("resolve", "absolute", "expanduser"):
            return PurePosixPath(self.beside.normal(str(owner)))
        if name in ("with_suffix", "with_name", "joinpath", "with_stem", "as_posix"):
            return getattr(owner, name)(*(path_text(one) for one in values))
        raise Unfoldable(f"a path's {name} is not worked out")

    def _stream_method(self, owner: Stream, name: str, values: list[Any]) -> Any:
        if name in ("read", "getvalue") and owner.content is not None:
            return owner.content
        if name == "readlines" and owner.content is not None:
            return owner.content.splitlines(keepends=True)
        if name == "write" and isinstance(values[0], (str, bytes)):
            before = owner.content if owner.written and owner.content is not None else values[0][:0]
            if type(before) is not type(values[0]):
                raise Unfoldable("text and bytes in one file")
            self.budget.bytes(len(before) + len(values[0]))
            owner.content, owner.written = before + values[0], True  # type: ignore[operator]
            if owner.path:
                self.beside.write(owner.path, owner.content)
            return len(values[0])
        if name in ("close", "flush", "seek", "__enter__"):
            return owner if name == "__enter__" else None
        raise Unfoldable(f"an open file's {name} is not worked out")


def _as(content: bytes | str, *, text: bool) -> bytes | str:
    if text and isinstance(content, bytes):
        return content.decode("utf-8").replace("\r\n", "\n")
    return content.encode() if not text and isinstance(content, str) else content
