"""An author's markdown, made fit for a page of ours: read by a parser and written anew, nothing passed through.

Kept are headings (below the page's own), paragraphs, lists, quotes, code, tables, emphasis, and links to the web, to
an address or within the record. HTML is shown as text, a picture as its description, and everything that only GitHub
would make something of (mentions, formulas, diagrams) stays words. What comes out closes all that it opens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise
from textwrap import indent

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.tree import SyntaxTreeNode

from reports.markdown import Markdown, code, fenced, fragment, line_start, table

MOST_CHARACTERS = 64_000
"""What is longer is cut; a job cannot have it."""
MOST_COLUMNS = 50
"""Where a line has more bars, none is taken for a table: short rows are filled up to as many cells."""
TOP_LEVEL = 3
"""Of the author's own headings the highest."""
LOWEST_LEVEL = 6
LANGUAGES = frozenset(
    {
        *("bash", "c", "console", "cpp", "cuda", "diff", "ini", "json", "latex", "markdown", "python", "py", "sh"),
        *("shell", "sql", "text", "toml", "yaml"),
    }
)
"""Of code blocks; of some others GitHub draws a picture."""
MARKS = {"inline": "", "em": "*", "strong": "**"}
RULE = "---"
BREAK = "\v"
"""Stands for the end of a line that is to be seen, until the line is written; no text holds it."""
LARGEST_START = 1000
ADDRESS = re.compile(r"https?://[^\s<>()\[\]|`*\\]+")
PUNCTUATION = ".,;!?'\"_/"
"""Ends a sentence rather than an address."""
PLACE = re.compile(r"(?:https?://|mailto:|#|\.?/?[A-Za-z0-9_])[!-_a-{}~]*")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
WEB = ("http", "https", "mailto")


def _parser(*, tables: bool) -> MarkdownIt:
    """CommonMark without HTML. A note at the foot of a page is no place that a link may lead to: it stays words."""

    def is_reference(state: StateBlock, line: int, last: int, silent: bool) -> bool:
        begin = state.bMarks[line] + state.tShift[line]
        return not state.src.startswith("[^", begin) and reference(state, line, last, silent)

    parser = MarkdownIt("commonmark", {"html": False})
    parser.block.ruler.at("reference", is_reference)
    return parser.enable("table") if tables else parser


def prose(text: str) -> Markdown:
    """The author's markdown as a part of a page, without a newline at its end; empty where it says nothing."""
    cleaned = _cleaned(text[:MOST_CHARACTERS])
    parser = _parser(tables=all(line.count("|") <= MOST_COLUMNS for line in cleaned.split("\n")))
    return Markdown(_blocks(SyntaxTreeNode(parser.parse(cleaned)).children, top=True))


def _cleaned(text: str) -> str:
    """The text with lines that end as ours do, and without invisible characters and controls."""
    lines = re.split(r"\r\n|[\n\r\u2028\u2029\x85]", text)
    return "\n".join(_visible(line) for line in lines)


def _visible(text: str) -> str:
    return "".join(char for char in text if char == "\t" or unicodedata.category(char)[0] != "C")


# blocks --------------------------------------------------------------------------------------------------------


def _blocks(nodes: Iterable[SyntaxTreeNode], *, top: bool = False) -> str:
    """Blocks, an empty line between them. top: they stand in no list and no quote."""
    levels: list[int] = []
    made, before = "", None
    for node in nodes:
        if node.type == "heading":
            block = _heading(node, levels) if top else _started(_line(node))
        elif node.type == "hr":
            block = RULE if top else ""
        else:
            block = BLOCKS[node.type](node)
        if block:
            made += (_between(before, node) if made else "") + block
            before = node
    return made


def _between(before: SyntaxTreeNode | None, node: SyntaxTreeNode) -> str:
    """What parts two blocks: an empty line, but for a list below the words of an item of a tight one."""
    tight = before is not None and before.type == "paragraph" and before.hidden
    return "\n" if tight and node.type.endswith("_list") and _start(node) in (None, 1) else "\n\n"


def _heading(node: SyntaxTreeNode, levels: list[int]) -> str:
    """One below the heading that it belongs to, whatever the author counted. levels: of those above it."""
    words = _line(node)
    if not words:
        return ""
    level = int(node.tag[1:])
    while levels and levels[-1] >= level:
        levels.pop()
    levels.append(level)
    marks = "#" * min(TOP_LEVEL + len(levels) - 1, LOWEST_LEVEL)
    return f"{marks} {words[:-1]}\\#" if words.endswith("#") else f"{marks} {words}"


def _paragraph(node: SyntaxTreeNode) -> str:
    lines = [line.strip(" \n") for line in _inline(node).split("\n")]
    shown = [_started(line) for line in lines if line.strip(BREAK)]
    return "\n".join(shown).removesuffix(BREAK).replace(BREAK, "\\")


def _started(line: str) -> str:
    """A line that opens no block; a colon may begin the rule below a table's head."""
    return f"\\{line}" if line.startswith(":") else line_start(line)


def _start(node: SyntaxTreeNode) -> int | None:
    """What an ordered list counts from, None of another; a number of ten digits would begin no list."""
    return min(int(node.attrs.get("start", 1)), LARGEST_START) if node.type == "ordered_list" else None


def _list(node: SyntaxTreeNode) -> str:
    number = _start(node)
    items: list[str] = []
    for item in node.children:
        mark = "- " if number is None else f"{number}. "
        if body := _blocks(item.children):
            items.append(mark + indent(body, " " * len(mark)).lstrip(" "))
            number = None if number is None else number + 1
    return ("\n" if all(map(_is_tight, node.children)) else "\n\n").join(items)


def _is_tight(item: SyntaxTreeNode) -> bool:
    """Whether no empty line stands right in an item; one may stand in a list within it."""
    loose = any(block.type == "paragraph" and not block.hidden for block in item.children)
    return not loose and all(_between(one, other) == "\n" for one, other in pairwise(item.children))


def _quote(node: SyntaxTreeNode) -> str:
    body = _blocks(node.children)
    return "\n".join(f"> {line}".rstrip() for line in body.split("\n")) if body else ""


def _code(node: SyntaxTreeNode) -> str:
    word = node.info.split()[0].lower() if node.info.split() else "text"
    return fenced(node.content.expandtabs(4), word if word in LANGUAGES else "text")


def _table(node: SyntaxTreeNode) -> str:
    head, *bodies = node.children
    rows = [[Markdown(_line(cell)) for cell in row.children] for body in bodies for row in body.children]
    cells = head.children[0].children
    sides = "".join("r" if "right" in str(cell.attrs.get("style", "")) else "l" for cell in cells)
    return table(sides, [Markdown(_line(cell)) for cell in cells], rows)


BLOCKS: dict[str, Callable[[SyntaxTreeNode], str]] = {
    "paragraph": _paragraph,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "table": _table,
}


# within a line -------------------------------------------------------------------------------------------------


def _line(node: SyntaxTreeNode) -> str:
    """What stands in a heading or a cell, on one line."""
    return " ".join(_inline(node).split())


def _inline(node: SyntaxTreeNode, *, linked: bool = False) -> str:
    """The words of a node. linked: they stand in a link, where no other may."""
    made = ""
    for child in node.children:
        words = _words(child, linked=linked)
        # Before a link it would make a picture of it.
        made = f"{made[:-1]}\\!" if made.endswith("!") and words.startswith("[") else made
        made += words
    return made


def _words(node: SyntaxTreeNode, *, linked: bool) -> str:
    if node.type in MARKS:
        return _marked(_inline(node, linked=linked), MARKS[node.type])
    if node.type == "code_inline":
        return code(node.content)
    if node.type in ("softbreak", "hardbreak"):
        # A pull request would break a line where its author only wrapped it.
        return " " if node.type == "softbreak" else f"{BREAK}\n"
    if node.type == "image":
        return f"(picture: {_inline(node, linked=True).strip() or 'not described'})"
    if node.type == "link":
        return _inline(node, linked=True) if linked else _link(node)
    return _text(node.content, linked=linked)


def _marked(words: str, mark: str) -> str:
    """Words within marks, which must touch them on both sides."""
    inner = words.strip()
    if not inner or not mark:
        return words
    before, after = words.split(inner, 1)
    return f"{before}{mark}{inner}{mark}{after}"


def _link(node: SyntaxTreeNode) -> str:
    words, place = _inline(node, linked=True), str(node.attrs.get("href", ""))
    scheme = SCHEME.match(place)
    if not PLACE.fullmatch(place) or (scheme and scheme[1].lower() not in WEB) or not words.strip():
        return words
    if words == fragment(place):
        return f"<{place}>"
    shown = place.replace("&", "&amp;").replace("(", "%28").replace(")", "%29")
    return f"[{words}]({shown})"


def _text(text: str, *, linked: bool) -> str:
    """Words as they are; an address of the web among them becomes a link, as GitHub would make it one."""
    seen = _visible("".join(" " if char in "\n\t" or unicodedata.category(char)[0] == "Z" else char for char in text))
    made, end = "", 0
    for found in () if linked else ADDRESS.finditer(seen):
        place = found[0].rstrip(PUNCTUATION)
        if not place.endswith(":"):
            made += f"{fragment(seen[end : found.start()])}<{place}>"
            end = found.start() + len(place)
    return made + fragment(seen[end:])
