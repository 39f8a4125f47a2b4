"""Sections in, one self-contained HTML file out: styles, scripts and the drawing library are in it.

Nothing is fetched. Text is escaped by the template, figures here. The page's policy (CSP) lets no script run but
those that it names by their hash, so that markup which slipped through would still be dead.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.markdown import one_line
from reports.page.section import Cell, Picture, Section, Table, Words

TEMPLATES = Environment(
    loader=PackageLoader("reports", "page/assets"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ANCHOR = re.compile(r"[a-z][a-z0-9-]*")
PLOTLY = "plotly-4.1.1-golf.min.js.gz"
"""plotly.js with the traces that the page draws; `assets/README.md` says how it was built."""
SAFE_IN_SCRIPT = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
SAFE_IN_FIGURE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "<br>"})
"""plotly reads a little HTML in every text."""


def page(title: str, sections: Sequence[Section], *, live: bool = False) -> str:
    """The whole file. live: it asks the address that it came from every few seconds and puts in what has changed.

    ValueError for an anchor that is none or comes twice.
    """
    anchors = [section.anchor for section in sections]
    if len(set(anchors)) != len(anchors) or not all(ANCHOR.fullmatch(anchor) for anchor in anchors):
        raise ValueError(f"anchors: {anchors}")
    drawn = any(isinstance(part, Picture) for section in sections for part in section.parts)
    scripts = [Markup(text) for text in ([library()] if drawn or live else []) + [asset("page.js")]]
    return TEMPLATES.get_template("page.html.j2").render(
        title=one_line(title),
        sections=sections,
        kind_of=kind_of,
        cell_of=cell_of,
        embedded=embedded,
        style=Markup(asset("page.css")),
        scripts=scripts,
        policy=policy(scripts, live),
        live=live,
    )


def policy(scripts: Sequence[str], live: bool) -> str:
    """The page's Content-Security-Policy: these scripts alone, and the network only for a live page."""
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(hashes)}",
            "style-src 'unsafe-inline'",  # plotly writes styles of its own
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
            *(["connect-src 'self'"] if live else []),
        ]
    )


def kind_of(part: object) -> str:
    """How the template lays a part out."""
    if isinstance(part, Words):
        return "words"
    if isinstance(part, Picture):
        return "picture"
    if isinstance(part, Table):
        return "table"
    if isinstance(part, Markup):
        return "markup"
    raise TypeError(f"no part of a page: {type(part).__name__}")


def cell_of(cell: str | Cell) -> Cell:
    """A cell, whatever it was given as, on one line."""
    given = cell if isinstance(cell, Cell) else Cell(cell)
    order = given.order if given.order is not None and math.isfinite(given.order) else None
    return replace(given, text=one_line(given.text), order=order)


def embedded(figure: dict[str, Any]) -> Markup:
    """A figure as JSON that nothing in it can end before its script element does."""
    text = json.dumps(_plain(figure), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(SAFE_IN_SCRIPT))


def _plain(value: Any, key: str = "") -> Any:
    """The same with text that plotly shows as it is, and null for what is no number."""
    if isinstance(value, dict):
        return {str(name): _plain(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, key) for inner in value]
    if isinstance(value, str):
        lines = "\n".join(one_line(line) for line in value.split("\n"))
        text = lines.translate(SAFE_IN_FIGURE)
        # Without this plotly shows the trace's name beside the box.
        return f"{text}<extra></extra>" if key == "hovertemplate" else text
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@cache
def asset(name: str) -> str:
    """The text of a file beside the template."""
    return files("reports").joinpath("page", "assets", name).read_text(encoding="utf-8")


@cache
def library() -> str:
    """plotly's source, unpacked."""
    return gzip.decompress(files("reports").joinpath("page", "assets", PLOTLY).read_bytes()).decode()
