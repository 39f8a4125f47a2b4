"""Escaping: whatever the text, markdown shows it as it is and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.markdown import Markdown, code, escaped, fenced, one_line, table

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "# heading", "- item", "1. item", "1) item", "+ item", "> quote", "---", "===", "***", "~~~", "```",
    "<script>alert(1)</script>", "<img src=x onerror=y>", "<!--", "&lt;b&gt;", "&amp;", "[a](http://x)",
    "![a](http://x)", "[a]: http://x", "<http://x>", "**bold**", "_em_", "__strong__", "snake_case_name",
    "~~gone~~", "a|b", "\\", "\\|", "`code`", "a\nb", "a\r\n\r\nb", "    indented", "\ttab", "@someone", "$x^2$",
    "\u202egnp.exe", "a\u0000b", "\u2028", "#1", "-", "1.", "| --- |", ":---:",
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map(" ".join),
    st.text("\\`*_{}[]<>()#+-.!|~&;:=1a \n\t$@", max_size=20),
)


def shown(tokens: list[Token]) -> str:
    """The text that a reader sees, provided that there is only text."""
    children = [child for token in tokens if token.type == "inline" for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special"}
    return "".join(child.content for child in children)


@given(texts)
def test_escaped_text_is_one_paragraph_that_shows_exactly_that_text(text: str) -> None:
    tokens = PARSER.parse(escaped(text))
    expected = one_line(text)
    assert [token.type for token in tokens] == (["paragraph_open", "inline", "paragraph_close"] if expected else [])
    assert shown(tokens) == expected


@given(st.lists(texts, min_size=2, max_size=4), st.data())
@example(["a|b", "\\"], None)
def test_a_table_of_hostile_cells_keeps_its_shape(cells: list[str], data: st.DataObject | None) -> None:
    rows = [cells, cells[::-1]] if data is None else [cells, data.draw(st.permutations(cells))]
    tokens = PARSER.parse(table("l" * len(cells), ["head"] * len(cells), rows))
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    found = [shown([token]) for token in tokens if token.type == "inline"]
    assert found == ["head"] * len(cells) + [one_line(cell) for row in rows for cell in row]


@given(texts)
def test_a_code_span_shows_exactly_its_text_also_in_a_table(text: str) -> None:
    tokens = PARSER.parse(table("ll", ["a", "b"], [[code(text), "end"]]))
    cells = [token for token in tokens if token.type == "inline"][2:]
    assert len(cells) == 2
    [span] = cells[0].children or []
    assert span.type == "code_inline"
    # Backslashes before a pipe are the table's own; markdown has no way to keep one apart.
    assert span.content.strip().replace("\\|", "|") == one_line(text).replace("\\|", "|")


@given(st.lists(st.one_of(texts, st.just("```"), st.just("````text")), max_size=5))
def test_a_fence_holds_whatever_lines_it_is_given(lines: list[str]) -> None:
    tokens = PARSER.parse("before\n\n" + fenced("\n".join(lines)) + "\n\nafter")
    assert [token.type for token in tokens if token.level == 0] == [
        "paragraph_open",
        "paragraph_close",
        "fence",
        "paragraph_open",
        "paragraph_close",
    ]


@pytest.mark.parametrize(
    "text", ["10min_16mb", "3-seed run", "v1.2", "1.2074", "-0.5", "A. Person", "50 % done (really)"]
)
def test_harmless_text_stays_readable_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_markdown_of_our_own_is_not_escaped_again() -> None:
    assert escaped(Markdown("**mean**")) == "**mean**"


@pytest.mark.parametrize("text", ["\u202egnp.exe", "a\u0000b\u0007", "a\u200bb\u2066c"])
def test_control_and_direction_marks_are_dropped(text: str) -> None:
    assert one_line(text).isprintable()


def test_a_text_that_is_longer_than_a_line_may_be_is_cut() -> None:
    shown = one_line("word " * 10_000)
    assert (len(shown), shown[-1]) == (2_000, "…")
    assert one_line("x" * 2_000) == "x" * 2_000
