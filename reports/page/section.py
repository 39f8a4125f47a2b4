"""What the page is made of: sections with words, tables and pictures. Values only; `frame.page` lays them out.

A picture is plotly's figure as plain JSON data. Its strings are text: the frame escapes them, so that anybody's name
stays a name, and a line break in them breaks the line. Where a key has `color` in it, the value may be a name of the
page's palette, `@1` to `@8` for series and `@good`, `@bad`, `@open`, `@text`, `@muted`, `@line`, `@band`, `@back`,
`@panel`: the page puts in what fits light, dark and print. Traces with a name, or a `legendgroup`, get a button each
that hides them.

Beside plotly's `data` and `layout` a figure may have `views`, buttons that change the layout; the first one is on
when the page opens: `[{"label": "last third", "relayout": {"yaxis.range": [3, 4]}}, ...]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

Kind = Literal["", "good", "bad", "open", "muted"]
"""How a cell or a sentence looks; a mark or a word always says the same."""


@dataclass(frozen=True)
class Words:
    """One paragraph of plain text."""

    text: str
    kind: Kind = ""
    href: str = ""
    """Another page of ours that it leads to; never made of anybody's text."""


@dataclass(frozen=True)
class Cell:
    """A cell that has more than its text."""

    text: str
    order: float | None = None
    """What it is sorted by; its text where that is None."""
    kind: Kind = ""
    anchor: str = ""
    """Anchor on this page that it leads to."""
    href: str = ""
    """Another page of ours that it leads to; never made of anybody's text."""


@dataclass(frozen=True)
class Table:
    """A table of plain text."""

    heads: Sequence[str]
    align: str
    """`l` or `r` for each column."""
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""
    sortable: bool = False
    """Each head is a button that sorts."""
    filterable: bool = False
    """A field above it leaves the rows that hold what is typed."""
    dense: bool = False
    """Cells keep to one line, and the first column stays in sight where the others are scrolled."""
    folded: bool = False
    """Only its caption is seen until it is opened."""

    def __post_init__(self) -> None:
        wrong = [len(row) for row in self.rows if len(row) != len(self.heads)]
        if len(self.align) != len(self.heads) or wrong:
            raise ValueError(f"table {self.caption!r}: {len(self.heads)} heads, {self.align!r}, rows of {wrong[:3]}")


@dataclass(frozen=True)
class Picture:
    """A plotly figure and the table behind it."""

    figure: dict[str, Any]
    """plotly's `data` and `layout` as plain JSON data, and `views` (see above)."""
    table: Table
    """The same in text, folded below the picture."""
    label: str
    """What one sees, in one sentence: for those who hear the page."""
    title: str = ""
    """Shown above the picture."""
    height: int = 340
    """CSS pixels."""
    half: bool = False
    """Whether two of them stand side by side where there is room."""


Part = Words | Picture | Table | Markup


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading and a place in its navigation."""

    anchor: str
    """Its id: small letters, digits, hyphens."""
    title: str
    parts: tuple[Part, ...]
