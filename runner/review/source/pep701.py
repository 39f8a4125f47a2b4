"""F-strings of Python 3.12 and later, written so that an older parser reads them; every statement stays on its line.

Since PEP 701 the fields of an f-string may hold its own quotes, backslashes, comments and line ends. `rewritten` puts
a call in the place of each group of strings that holds an f-string, and `with_fstrings` turns those calls back into
the nodes that a newer parser makes. Columns move; lines do not.
"""

from __future__ import annotations

import ast
import re

NAME = "__pep701__"
FIELD = "__pep701_field__"
DEEPEST = 12
"""F-strings inside one another."""
START = re.compile(r"""#[^\n]*|(?P<prefix>(?<![\w.])[rRbBuUfF]{1,3})?(?P<quote>'''|\"\"\"|'|")""")
GAP = re.compile(r"(?:[ \t\f]|\\\r?\n)*")
WIDE_GAP = re.compile(r"(?:[ \t\f\r\n]|\\\r?\n|#[^\n]*)*")
PAIRS = {"(": ")", "[": "]", "{": "}"}


class NoString(Exception):
    """A string, or a field of one, that does not end."""


def rewritten(source: str) -> str:
    """The text with every f-string as a call; NoString where one does not end. Its lines are the source's lines."""
    return _code(source, 0, len(source), 0)


def with_fstrings(tree: ast.Module) -> ast.Module:
    """The tree of a rewritten text, with f-strings where the calls were."""
    made = _Restore().visit(tree)
    assert isinstance(made, ast.Module)
    return ast.fix_missing_locations(made)


def _code(text: str, start: int, end: int, depth: int) -> str:
    """A stretch of code, its groups of strings written anew where they hold an f-string."""
    made: list[str] = []
    at, taken, open_brackets = start, start, 0
    while match := START.search(text, at, end):
        if match["quote"] is None:  # a comment
            open_brackets += _balance(text[at : match.start()])
            at = match.end()
            continue
        open_brackets += _balance(text[at : match.start()])
        group = _group(text, match, end, bracketed=open_brackets > 0 or depth > 0)
        at = group[-1][2]
        if any(is_f for _, _, _, is_f in group):
            made += [text[taken : match.start()], _call(text, group, depth)]
            taken = at
    return "".join(made) + text[taken:end]


def _balance(stretch: str) -> int:
    """How many brackets a stretch without strings and comments leaves open."""
    return sum(stretch.count(mark) for mark in "([{") - sum(stretch.count(mark) for mark in ")]}")


def _group(text: str, first: re.Match[str], end: int, *, bracketed: bool) -> list[tuple[int, int, int, bool]]:
    """(start, start of the content, end, whether it is an f-string) of strings that stand side by side."""
    group = []
    match: re.Match[str] | None = first
    while match is not None:
        prefix = (match["prefix"] or "").lower()
        stop = _end_of(text, match.end(), match["quote"], prefix, end)
        group.append((match.start(), match.end(), stop, "f" in prefix))
        gap = (WIDE_GAP if bracketed else GAP).match(text, stop, end)
        after = START.match(text, gap.end() if gap else stop, end)
        match = after if after is not None and after["quote"] is not None else None
    return group


def _end_of(text: str, at: int, quote: str, prefix: str, end: int) -> int:
    """The place after a string's closing quote."""
    raw = "r" in prefix
    while at < end:
        if text.startswith(quote, at):
            return at + len(quote)
        letter = text[at]
        if letter == "\\":
            # A backslash keeps a quote from ending even a raw string; `\N{...}` has braces that open no field.
            named = re.compile(r"\\N\{[^{}'\"\n]*\}").match(text, at, end) if "f" in prefix and not raw else None
            at = named.end() if named else at + (1 if "f" in prefix and text[at + 1 : at + 2] in "{}" else 2)
        elif letter == "{" and "f" in prefix:
            at = at + 2 if text.startswith("{{", at) else _field_end(text, at + 1, end)
        elif letter == "\n" and len(quote) == 1:
            raise NoString("a string that does not end on its line")
        else:
            at += 1
    raise NoString("a string that does not end")


def _field_end(text: str, at: int, end: int) -> int:
    """The place after the brace that closes a field which begins at `at`."""
    _, _, stop = _field_parts(text, at, end)
    return stop


def _field_parts(text: str, at: int, end: int) -> tuple[int, int, int]:
    """(end of the expression, start of its format or -1, place after the closing brace)."""
    waiting: list[str] = []
    while at < end:
        match = START.match(text, at, end)
        if match is not None:
            if match["quote"] is None:
                at = match.end()
            else:
                at = _end_of(text, match.end(), match["quote"], (match["prefix"] or "").lower(), end)
            continue
        letter = text[at]
        if letter in PAIRS:
            waiting.append(PAIRS[letter])
        elif waiting and letter == waiting[-1]:
            waiting.pop()
        elif not waiting and letter == "}":
            return at, -1, at + 1
        elif not waiting and letter == "!" and text[at + 1 : at + 2] != "=":
            expression = at
            at += 2
            while at < end and text[at] not in ":}":
                at += 1
            if text[at : at + 1] == "}":
                return expression, -1, at + 1
            return expression, at + 1, _format_end(text, at + 1, end)
        elif not waiting and letter == ":":
            return at, at + 1, _format_end(text, at + 1, end)
        at += 1
    raise NoString("a field of an f-string that does not end")


def _format_end(text: str, at: int, end: int) -> int:
    while at < end:
        if text[at] == "{":
            at = _field_end(text, at + 1, end)
        elif text[at] == "}":
            return at + 1
        else:
            at += 1
    raise NoString("a format of an f-string that does not end")


def _call(text: str, group: list[tuple[int, int, int, bool]], depth: int) -> str:
    """A group of strings as one call, with as many line ends as it had."""
    if depth >= DEEPEST:
        raise NoString(f"f-strings nested deeper than {DEEPEST}")
    pieces = []
    for index, (start, content, stop, is_f) in enumerate(group):
        if is_f:
            width = content - (start + len(re.match(r"[rRfF]*", text[start:]).group()))  # type: ignore[union-attr]
            raw = "r" in text[start:content].lower()
            pieces.append(", ".join(_parts(text, content, stop - width, raw=raw, depth=depth)) or "''")
        else:
            pieces.append(text[start:stop])
        if index + 1 < len(group):
            pieces.append("," + text[stop : group[index + 1][0]])
    return f"{NAME}({''.join(pieces)})"


def _parts(text: str, at: int, end: int, *, raw: bool, depth: int) -> list[str]:
    """The literals and fields of an f-string's content, or of a format."""
    parts: list[str] = []
    literal_from = at
    while at < end:
        letter = text[at]
        if letter == "\\" and not raw:
            named = re.compile(r"\\N\{[^{}]*\}").match(text, at, end)
            at = named.end() if named else at + (1 if text[at + 1 : at + 2] in "{}" else 2)
        elif text.startswith(("{{", "}}"), at):
            at += 2
        elif letter == "{":
            parts += _literal(text[literal_from:at], raw)
            expression, form, stop = _field_parts(text, at + 1, end)
            parts.append(_field(text, at + 1, expression, form, stop, raw=raw, depth=depth))
            at = literal_from = stop
        else:
            at += 1
    return parts + _literal(text[literal_from:end], raw)


def _literal(piece: str, raw: bool) -> list[str]:
    """A literal part as a string on one line, and the line ends that it had."""
    if not piece:
        return []
    plain = piece.replace("{{", "{").replace("}}", "}")
    if not raw:
        try:
            quoted = '"""' + re.sub(r'(?<!\\)"', r"\"", plain) + ' """'
            plain = str(ast.literal_eval(quoted))[:-1]
        except (SyntaxError, ValueError):
            pass  # its letters are not what data flow asks for
    return [repr(plain) + "\n" * piece.count("\n")]


def _field(text: str, at: int, expression: int, form: int, stop: int, *, raw: bool, depth: int) -> str:
    code = _code(text, at, expression, depth + 1)
    shown = re.sub(r"(?<![=!<>])=(\s*)$", r"\1", code)  # `{x=}` also prints the expression
    parts = _parts(text, form, stop - 1, raw=raw, depth=depth + 1) if form >= 0 else []
    return f"{FIELD}(({shown}),{','.join(parts)})"


class _Restore(ast.NodeTransformer):
    """Calls of NAME back to f-strings."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in (NAME, FIELD):
            return node
        if node.func.id == NAME:
            return ast.copy_location(ast.JoinedStr(values=node.args), node)
        value, *form = node.args
        spec = ast.copy_location(ast.JoinedStr(values=form), node) if form else None
        return ast.copy_location(ast.FormattedValue(value=value, conversion=-1, format_spec=spec), node)
