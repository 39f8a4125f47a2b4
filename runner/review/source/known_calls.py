"""Calls of Python's own functions that a shell makes on its way to code: worked out as data, never as effects."""

from __future__ import annotations

import ast
import codecs
import posixpath
import textwrap
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from runner.errors import UserError
from runner.review.source.beside import HOME, TEMPORARY
from runner.review.source.decoders import MOST
from runner.review.source.foldable_methods import CODECS
from runner.untrusted import json_of

Known = Callable[[list[Any], dict[str, Any]], Any]
CODEC_FUNCTIONS = {
    "hex": "binascii.unhexlify",
    "base64": "binascii.a2b_base64",
    "zlib": "zlib.decompress",
    "bz2": "bz2.decompress",
}
"""What codecs.decode calls by these names."""


def path_text(value: Any) -> str:
    """A path as text; ValueError for what is none."""
    if isinstance(value, PurePosixPath):
        return str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    raise ValueError("no path")


def _bytes(values: list[Any], named: dict[str, Any]) -> bytes:
    if not values:
        return b""
    value = values[0]
    if isinstance(value, str):
        return value.encode(_codec(values[1] if len(values) > 1 else named.get("encoding", "utf-8")))
    if isinstance(value, int):
        if not 0 <= value <= MOST:
            raise ValueError("too many bytes")
        return bytes(value)
    return bytes(value)


def _codec(name: Any) -> str:
    wanted = codecs.lookup(str(name)).name
    if wanted not in CODECS:
        raise ValueError(f"codec {wanted}")
    return wanted


def _str(values: list[Any], named: dict[str, Any]) -> str:
    if not values:
        return ""
    if isinstance(values[0], (bytes, bytearray)):
        return bytes(values[0]).decode(_codec(values[1] if len(values) > 1 else named.get("encoding", "utf-8")))
    if isinstance(values[0], (str, int, PurePosixPath)):
        return str(values[0])
    raise ValueError("text of something else")


def _int(values: list[Any], named: dict[str, Any]) -> int:
    if isinstance(values[0], bytes):
        raise ValueError("a number of bytes")
    return int(str(values[0])[:40], *values[1:])


def _range(values: list[Any], named: dict[str, Any]) -> range:
    found = range(*values)
    if len(found) > MOST // 8:
        raise ValueError("too long a range")
    return found


def _join(values: list[Any], named: dict[str, Any]) -> str:
    return posixpath.join(*(path_text(one) for one in values))


def _absolute(values: list[Any], named: dict[str, Any]) -> str:
    return posixpath.normpath(posixpath.join(HOME, path_text(values[0])))


def _json(values: list[Any], named: dict[str, Any]) -> Any:
    try:
        return json_of(values[0], "a text in the script", most_values=200_000)
    except UserError as error:
        raise ValueError(str(error)) from None


def _path(values: list[Any], named: dict[str, Any]) -> PurePosixPath:
    return PurePosixPath(*(path_text(one) for one in values))


def _codecs_decode(values: list[Any], named: dict[str, Any]) -> Any:
    name = codecs.lookup(str(values[1] if len(values) > 1 else named.get("encoding", "utf-8"))).name
    if name == "rot13" and isinstance(values[0], str):
        return codecs.decode(values[0], "rot13")
    return codecs.decode(values[0], _codec(name))


KNOWN: Mapping[str, Known] = {
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.memoryview": _bytes,
    "builtins.bytes.fromhex": lambda values, named: bytes.fromhex(values[0]),
    "builtins.bytearray.fromhex": lambda values, named: bytes.fromhex(values[0]),
    "builtins.bytes.maketrans": lambda values, named: bytes.maketrans(*values),
    "builtins.str.maketrans": lambda values, named: str.maketrans(*values),
    "builtins.bytes.decode": lambda values, named: _str(values, named),
    "builtins.str.encode": _bytes,
    "builtins.str.join": lambda values, named: values[0].join(values[1]),
    "builtins.bytes.join": lambda values, named: values[0].join(values[1]),
    "builtins.str": _str,
    "builtins.int": _int,
    "builtins.chr": lambda values, named: chr(values[0]),
    "builtins.ord": lambda values, named: ord(values[0]),
    "builtins.len": lambda values, named: len(values[0]),
    "builtins.min": lambda values, named: min(*values),
    "builtins.max": lambda values, named: max(*values),
    "builtins.repr": lambda values, named: repr(_plain_text(values[0])),
    "builtins.range": _range,
    "builtins.list": lambda values, named: list(*values),
    "builtins.tuple": lambda values, named: tuple(*values),
    "builtins.set": lambda values, named: set(*values),
    "builtins.dict": lambda values, named: dict(*values, **named),
    "builtins.zip": lambda values, named: list(zip(*values, strict=False)),
    "builtins.enumerate": lambda values, named: list(enumerate(*values, **named)),
    "builtins.reversed": lambda values, named: list(reversed(values[0])),
    "builtins.sorted": lambda values, named: sorted(values[0], reverse=bool(named.get("reverse"))),
    "os.path.join": _join,
    "os.path.dirname": lambda values, named: posixpath.dirname(path_text(values[0])),
    "os.path.basename": lambda values, named: posixpath.basename(path_text(values[0])),
    "os.path.splitext": lambda values, named: posixpath.splitext(path_text(values[0])),
    "os.path.abspath": _absolute,
    "os.path.realpath": _absolute,
    "os.path.normpath": lambda values, named: posixpath.normpath(path_text(values[0])),
    "os.fspath": lambda values, named: path_text(values[0]),
    "os.getcwd": lambda values, named: HOME,
    "tempfile.gettempdir": lambda values, named: TEMPORARY,
    "tempfile.mkdtemp": lambda values, named: TEMPORARY,
    "tempfile.mktemp": lambda values, named: f"{TEMPORARY}/file{named.get('suffix', '')}",
    "tempfile.TemporaryDirectory": lambda values, named: TEMPORARY,
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "pathlib.Path.cwd": lambda values, named: PurePosixPath(HOME),
    "json.loads": _json,
    "codecs.decode": _codecs_decode,
    "textwrap.dedent": lambda values, named: textwrap.dedent(values[0]),
}
"""Full name of a function -> what it makes of its arguments; ValueError and its like where it makes nothing."""


def _plain_text(value: Any) -> Any:
    if not isinstance(value, (str, bytes, int)):
        raise ValueError("a text of something else")
    return value


def literal_of(text: str) -> ast.expr:
    """The expression that a literal's text holds, for ast.literal_eval; ValueError for anything else."""
    if len(text) > 4 << 20:
        raise ValueError("too long a literal")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError("no literal") from None
