"""The page's frame: one file that asks for nothing, runs its own scripts alone, and leaves all text as text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import Markup

from reports.page.frame import PLOTLY, asset, embedded, library, page
from reports.page.section import Cell, Picture, Section, Table, Words
from tests.fixtures.pictured_record import ATTACK
from tests.fixtures.places import ROOT

SHA256 = "e46af239ae62c63278098bda69f234bf068d76b5b231cbaff0849a34b2067ee8"
TABLE = Table(("what", "how many"), "lr", [[ATTACK, Cell("1,000", order=1000.0)]], caption=ATTACK)
FIGURE: dict[str, Any] = {
    "data": [
        {"type": "scatter", "name": ATTACK, "x": [1], "y": [float("nan")], "hovertemplate": f"{ATTACK}\n%{{y}}"}
    ],
    "layout": {"xaxis": {"title": {"text": "step"}}},
}


class Elements(HTMLParser):
    """Elements with their attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}))


def drawn(**options: Any) -> str:
    parts = (Words(ATTACK), Picture(FIGURE, TABLE, ATTACK, ATTACK), TABLE, Markup("<p>ours</p>"))
    return page(ATTACK, [Section("one", ATTACK, parts)], **options)


def test_what_others_wrote_stays_text_in_words_tables_and_figures() -> None:
    elements = Elements(drawn())
    tags = {tag for tag, _ in elements.found}
    assert "img" not in tags
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    figure = json.loads(next(text for text in elements.scripts if text.startswith('{"data"')))
    shown = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\"'&amp;{{7*7}}"
    assert figure["data"][0]["name"] == shown
    assert figure["data"][0]["hovertemplate"] == f"{shown}<br>%{{y}}<extra></extra>"
    assert figure["data"][0]["y"] == [None]


def test_only_the_scripts_that_the_policy_names_by_their_hash_may_run() -> None:
    elements = Elements(drawn())
    policy = next(a["content"] for tag, a in elements.found if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    types = [attributes.get("type") for tag, attributes in elements.found if tag == "script"]
    running = [text for text, kind in zip(elements.scripts, types, strict=True) if kind is None]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running]
    assert len(hashes) == 2
    assert f"script-src {' '.join(repr(f'sha256-{one}') for one in hashes)};" in policy
    assert policy.startswith("default-src 'none';")
    assert "connect-src" not in policy


def test_a_live_page_may_ask_its_own_address_and_no_other() -> None:
    text = drawn(live=True)
    assert "connect-src 'self'" in unescape(text)
    assert "<body data-live>" in text


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    for tag, attributes in Elements(drawn()).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import", asset("page.css"))


def test_the_library_is_the_one_that_the_read_me_states_and_cannot_end_its_script() -> None:
    text = library()
    folder = ROOT / "reports" / "page" / "assets"
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256
    assert gzip.decompress((folder / PLOTLY).read_bytes()).decode() == text
    told = (folder / "README.md").read_text()
    assert SHA256 in told
    assert f"{len(text.encode()):,} bytes" in told
    assert 'version="4.1.1"' in text
    assert not re.search(r"</script|<!--|\r", text, re.IGNORECASE)
    assert "plotly.js 4.1.1 (MIT)" in (folder / "plotly.LICENSES.txt").read_text()


def test_a_page_without_pictures_carries_no_library_and_is_small() -> None:
    text = page("Small", [Section("one", "One", (Words("only words"),))])
    assert len(text) < 40_000
    assert text.count("<script>") == 1


@pytest.mark.parametrize("anchors", [("one", "one"), ('"><script>',), ("One",), ("",)])
def test_anchors_are_plain_and_come_once(anchors: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="anchors"):
        page("x", [Section(anchor, "x", ()) for anchor in anchors])


def test_a_table_has_a_cell_for_each_head_and_numbers_to_sort_by() -> None:
    with pytest.raises(ValueError, match="2 heads"):
        Table(("a", "b"), "ll", [["only one"]])
    with pytest.raises(ValueError, match="1 heads"):
        Table(("a",), "lr", [])
    assert 'data-order="1000.0"' in drawn()
    with pytest.raises(TypeError, match="no part of a page: str"):
        page("x", [Section("one", "x", ("text",))])  # type: ignore[arg-type]


def test_a_figures_json_cannot_leave_its_element() -> None:
    text = embedded({"a": "<!--<script>", "b": "\u2028\u2029]]>", "c": float("inf"), "d": "x\x00\x1b\u202ey"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text)["c"] is None
    assert json.loads(text)["d"] == "x y"
