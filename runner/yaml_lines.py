"""Read YAML as plain data and remember on which line every value stands.

Only what a job needs: mappings with text keys, lists, text, numbers, true/false, null. Numbers and
booleans follow YAML 1.2 (`1e-8` is a number; `on`, `yes` and `010` are text). Refused, with the line: tags,
duplicate keys, several documents, numbers that are not finite, and whatever is too big, too deep or
expands too far through aliases. Knows nothing of jobs and checks no types.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import yaml

from runner.errors import UserError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 50_000
MAX_INT = 2**63 - 1

Place = tuple[str | int, ...]
"""Where a value stands in the data, e.g. ("config", "model", "num_layers") or ("seeds", 1)."""
Lines = dict[Place, int]
"""Place -> 1-based line of the key (in a mapping) or of the item (in a list)."""


class _Problem(Exception):
    """What is wrong with the text, and on which 1-based line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with YAML 1.2 scalars, without tags, and with a limit on nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own way
    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) is not None:
            raise _Problem(line, f"tags such as {event.tag!r} are not allowed; write plain values")
        if self.depth >= MAX_DEPTH:
            raise _Problem(line, f"nested deeper than {MAX_DEPTH} levels")
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Problem(line, f"more than {MAX_NODES:,} values")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


_SCALARS: list[tuple[str, str, str, Callable[[str], Any]]] = [
    ("null", r"(?:~|null|Null|NULL|)", "~nN", lambda _: None),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", "tTfF", lambda text: text.lower() == "true"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)", "-+0123456789", int),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+[eE][-+]?[0-9]+|[0-9]+[eE][-+]?[0-9]+)",
        "-+.0123456789",
        float,
    ),
]
_CONVERT = {f"tag:yaml.org,2002:{name}": convert for name, _, _, convert in _SCALARS}
for _name, _pattern, _first, _ in _SCALARS:
    _starts: list[str] = [*_first, ""] if _name == "null" else list(_first)
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _starts)


def load_yaml(text: str, source: str) -> tuple[Any, Lines]:
    """Parse one YAML document.

    text: the document; source: the file's name for messages.
    Returns (data, lines): plain dict/list/str/int/float/bool/None, and the line of every place in it.
    Raises UserError with one message `source:line: ...` on anything that is not such a document.
    """
    try:
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise _Problem(1, f"larger than {MAX_BYTES:,} bytes; a job file is a few kilobytes")
        node = _compose(text)
        lines: Lines = {(): 1}
        if node is None:
            return None, lines
        return _Builder(lines).build(node, (), 0), lines
    except _Problem as problem:
        raise UserError(f"{source}:{problem.line}: {problem.message}") from None


def _compose(text: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise _Problem(mark.line + 1 if mark else 1, f"not valid YAML: {said}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Problem(line, f"not valid YAML: character {error.character!r} is not allowed") from None
    except (ValueError, OverflowError) as error:  # PyYAML lets chr() and int() of bad escapes and versions escape
        raise _Problem(loader.line + 1 if loader else 1, f"not valid YAML: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()


class _Builder:
    """Turns nodes into data; an alias is walked again each time, so the count of nodes bounds all expansion."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.nodes = 0

    def build(self, node: yaml.Node, place: Place, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _Problem(line, "too deep or too large once its aliases are expanded")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, line)
        if isinstance(node, yaml.SequenceNode):
            return [self._entry(item, (*place, index), item, depth) for index, item in enumerate(node.value)]
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            if key in data:
                first = self.lines[(*place, key)]
                raise _Problem(
                    key_node.start_mark.line + 1,
                    f"key {key!r} stands twice (first on line {first}); keep one of them",
                )
            data[key] = self._entry(key_node, (*place, key), value_node, depth)
        return data

    def _entry(self, stands: yaml.Node, place: Place, node: yaml.Node, depth: int) -> Any:
        self.lines[place] = stands.start_mark.line + 1
        return self.build(node, place, depth + 1)


def _key(node: yaml.Node) -> str:
    line = node.start_mark.line + 1
    key = _scalar(node, line) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(key, str):
        shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        raise _Problem(line, f"keys must be text, this one is {shown}")
    return key


def _scalar(node: yaml.ScalarNode, line: int) -> Any:
    text = node.value
    convert = _CONVERT.get(node.tag)
    if convert is None:
        try:
            # JSON writes a character beyond the first 65,536 as two escapes, which PyYAML does not join.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise _Problem(line, "text with half a surrogate pair cannot be stored") from None
    try:
        value = convert(text)
    except ValueError:  # Python refuses integers of more than 4,300 digits
        raise _Problem(line, "a number with far too many digits") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise _Problem(line, f"{text} is not a finite number")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise _Problem(line, f"{text} is too large for a whole number")
    return value
