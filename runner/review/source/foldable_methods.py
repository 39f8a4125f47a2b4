"""Methods of text, bytes, lists and mappings that a shell may call on its payload: named, bounded, no effects."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

TEXT = frozenset(
    (
        *(
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "partition",
            "rpartition",
            "replace",
            "lower",
        ),
        *("upper", "swapcase", "removeprefix", "removesuffix", "startswith", "endswith", "find", "index", "count"),
        *("isdigit", "isalpha", "encode", "decode", "hex", "translate", "join", "casefold", "title", "rfind"),
    )
)
CODECS = frozenset(
    (
        *(
            "utf-8",
            "ascii",
            "iso8859-1",
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "utf-8-sig",
            "cp1252",
            "utf-7",
        ),
        *("unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape"),
    )
)
"""By the names that `codecs.lookup` gives them; codecs that decompress are not among them."""


class NotAMethod(ValueError):
    """A method that is not worked out."""


def method(room: Callable[[int], None], owner: Any, name: str, values: list[Any], named: dict[str, Any]) -> Any:
    """What `owner.name(*values, **named)` returns; ValueError where it is not worked out.

    room: told how many bytes the result may have before it is made.
    """
    if isinstance(owner, (str, bytes)) and name in TEXT:
        return _of_text(room, owner, name, values, named)
    if isinstance(owner, str) and name == "format":
        return _formatted(room, owner, values, named)
    if isinstance(owner, list) and name in ("append", "extend", "insert", "reverse", "pop", "copy", "index"):
        room(8 * (len(owner) + sum(len(one) for one in values if isinstance(one, (list, tuple)))))
        return getattr(owner, name)(*values)
    if isinstance(owner, dict) and name in ("get", "items", "keys", "values", "update", "setdefault", "pop", "copy"):
        found = getattr(owner, name)(*values, **(named if name == "update" else {}))
        return list(found) if name in ("items", "keys", "values") else found
    raise NotAMethod(f"method {name}")


def _of_text(
    room: Callable[[int], None], owner: str | bytes, name: str, values: list[Any], named: dict[str, Any]
) -> Any:
    if name == "replace":
        old, new = values[0], values[1]
        room(len(owner) + owner.count(old) * max(0, len(new) - len(old)))
    elif name == "join":
        parts = list(values[0])
        room(sum(len(one) for one in parts) + len(owner) * len(parts))
        return owner.join(parts)
    elif name in ("encode", "decode"):
        wanted = codecs.lookup(str(values[0] if values else named.get("encoding", "utf-8"))).name
        if wanted not in CODECS:
            raise NotAMethod(f"codec {wanted}")
        room(4 * len(owner))
    elif name in ("split", "rsplit", "splitlines"):
        room(len(owner) * 2)
    elif name == "translate":
        room(len(owner) * 4)
    else:
        room(2 * len(owner))
    if isinstance(owner, bytes) and name in ("casefold", "encode"):
        raise NotAMethod(f"method {name}")
    return getattr(owner, name)(*values, **named)


def _formatted(room: Callable[[int], None], owner: str, values: list[Any], named: dict[str, Any]) -> str:
    """`str.format` with plain fields only: a width could be anything."""
    everything = [*values, *named.values()]
    if any(mark in piece.partition("}")[0] for piece in owner.split("{")[1:] for mark in ":.["):
        raise NotAMethod("a format with a width or an attribute")
    if not all(isinstance(one, (str, int)) for one in everything):
        raise NotAMethod("a format of other values")
    room(len(owner) + owner.count("{") * max((len(str(one)) for one in everything), default=0))
    return owner.format(*values, **named)
