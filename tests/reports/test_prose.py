"""The author's markdown: what is kept, what becomes words, and that no text breaks the page around it."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.prose import MOST_CHARACTERS, prose

PARSER = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
PIECES = [
    "# a", "###### b", "#", "a\n===", "a\n---", "---", "***", "* * *", "- a", "-", "+ b", "1. a", "7) b",
    "0. c", "999999999. a", "> q", ">", "```", "````py", "~~~", "~~~~a~~~~", "    code", "\tcode",
    "| a | b |\n|---|--:|\n| c | d |", "|-|", ":--", "a|b", "<b>", "<script>alert(1)</script>", "<!-- c", "-->",
    "<?php", "<![CDATA[", "<div>\n", "<a@b.c>", "<https://a.b/c_d>", "https://a.b/?x=1&copy=2.", "http://",
    "[a](http://b)", "[a]: /b 'c'", "[a]", "[a][]", "[^1]", "[^1]: foot", "![p](http://q)", "!", "![a]",
    "[x](javascript:alert(1))", "[x](data:a,b)", "[x](//evil)", "[x](../../y)", "[x](<a b>)", "[x](a&amp;b)",
    "**b**", "*e*", "***", "**", "_u_", "__s__", "_", "`c`", "``c`c``", "`", "\\", "\\`", "&lt;", "&#x202e;",
    "&#10;", "&nbsp;", "&#0;", "a  ", "a\\", "@you", "$x$", "#12", "é", "\u202e", "\x1b[31m", "\x0b", "\u2028",
    "|", "a_b_c", "~~s~~", "- [ ] t", "  - b", "    1. c", "> - d", "- > e", "- ```\n  x\n  ```", "\r", "\r\n",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", "\n", "\n\n", "\n  "])), max_size=12).map(
        lambda pairs: "".join(piece + after for piece, after in pairs)
    ),
    st.text("\\`*_{}[]<>()#+-.!|~&;:=1a \n\t$@^\"'", max_size=60),
    st.text(max_size=60),
)


def parsed(text: str) -> list[Token]:
    return PARSER.parse(f"# page\n\n## Before\n\n{text}\n\n## After\n\nend\n")


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


@given(texts)
@example("~~~~a~~~~")
@example("1000000000. ```\n<b>\n```")
@example("999999999. a\n\n   ```\n   <b>\n   ```\n1. ```\n   <i>\n   ```")
@example("!![a](http://b)")
@example("- > 1. - > ```\n         <b>")
def test_no_text_breaks_the_page_around_it(text: str) -> None:
    made = prose(text)
    tokens = parsed(made)
    at = [index for index, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    assert [tokens[index + 1].content for index in at] == ["Before", "After"]
    assert [token.type for token in tokens[at[1] + 3 :]] == ["paragraph_open", "inline", "paragraph_close"]
    assert all(tokens[index].level == 0 for index in at)
    assert {token.tag for token in tokens if token.type == "heading_open"} <= {"h1", "h2", "h3", "h4", "h5", "h6"}
    assert [token.tag for token in tokens].count("h1") == 2
    kinds = {token.type for token in [*tokens, *inline(tokens)]}
    assert not kinds & {"html_block", "html_inline", "image", "s_open"}
    places = [str(token.attrGet("href")) for token in inline(tokens) if token.type == "link_open"]
    assert all(place.startswith(("http://", "https://", "mailto:")) or ":" not in place for place in places)
    assert not [place for place in places if place.startswith(("//", ".."))]
    assert {unicodedata.category(char) for char in made.replace("\n", "")}.isdisjoint({"Cc", "Cf", "Cs"})
    assert not made.startswith("\n")
    assert not made.endswith("\n")


def test_headings_stand_below_the_pages_own_and_skip_no_level() -> None:
    made = prose("## How\n\na\n\n#### Deep\n\nb\n\n# Results #\n\n####### no heading\n\nC#\n--\n\n## C# #\n")
    heads = [line for line in made.splitlines() if line.startswith("#")]
    assert heads == ["### How", "#### Deep", "### Results", "#### C\\#", "#### C\\#"]


def test_lists_quotes_tables_code_and_emphasis_are_kept() -> None:
    text = (
        "We *really* do **that**:\n\n- one\n- two\n  - `a|b`\n- three\n\n3. x\n4. y\n\n> said so\n\n"
        "```python\nif a < b:\n\tpass\n```\n\n| k | v |\n| --- | ---: |\n| a | 1.05 |\n\nhard\\\nbreak"
    )
    made = prose(text)
    assert made == text.replace("\tpass", "    pass")
    assert prose(made) == made


def test_html_is_shown_as_text_and_code_keeps_its_own() -> None:
    assert prose("<b onclick=x>hi</b> <!-- c -->") == "&lt;b onclick=x&gt;hi&lt;/b&gt; &lt;!-- c --&gt;"
    assert prose("<details>\nmore\n</details>\n\n    <i>\n") == (
        "&lt;details&gt; more &lt;/details&gt;\n\n```text\n<i>\n```"
    )


def test_a_picture_is_its_description() -> None:
    assert prose("![loss over **steps**](http://x/a.png)![](b)") == (
        "(picture: loss over **steps**)(picture: not described)"
    )
    assert prose("[![badge](http://x/b.svg)](https://ci.org/a)") == "[(picture: badge)](https://ci.org/a)"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[a](https://b.c/d?e=1&copy=2)", "[a](https://b.c/d?e=1&amp;copy=2)"),
        ("[a](https://b.c/d_(e))", "[a](https://b.c/d_%28e%29)"),
        ("[a](files/side.py)", "[a](files/side.py)"),
        ("[a](#results)", "[a](#results)"),
        ("[a][1]\n\n[1]: http://b", "[a](http://b)"),
        ("see https://b.c/d_e/f.", "see <https://b.c/d_e/f>."),
        ("<https://b.c/>", "<https://b.c/>"),
        ("[x](JavaScript:alert(1))", "\\[x\\](JavaScript:alert(1))"),
        ("[x](ftp://b/c)", "x"),
        ("[x](//b/c)", "x"),
        ("[x](../../../etc)", "x"),
        ("wow![a](http://b)", "wow(picture: a)"),
        ("wow\\![a](http://b)", "wow\\![a](http://b)"),
    ],
)
def test_links_lead_to_the_web_or_stay_in_the_record(text: str, made: str) -> None:
    assert prose(text) == made


def test_what_only_github_would_make_something_of_stays_words() -> None:
    assert prose("@you $x^2$ [^1]\n\n[^1]: foot") == "&#64;you &#36;x^2&#36; \\[^1\\]\n\n\\[^1\\]: foot"
    assert prose("```mermaid\ngraph\n```\n\n```math\nx\n```") == "```text\ngraph\n```\n\n```text\nx\n```"


def test_nothing_is_nothing() -> None:
    assert [prose(text) for text in ("", " \n\n", "#", "- ", ">", "\u200b", "[a]: http://b")] == [""] * 7


@pytest.mark.parametrize(
    "text", ["[", "*", "`", ">", "- ", "![", "|a|b\n", "|", "a_", "1. a\n", "https://.", "[a](", "**a ", "\\"]
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    begun = time.process_time()
    prose(text * (4_000 // len(text)))
    assert time.process_time() - begun < 1.0


def test_what_is_too_long_is_cut() -> None:
    assert len(prose("a" * (MOST_CHARACTERS + 1))) == MOST_CHARACTERS
