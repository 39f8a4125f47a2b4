"""A flat source, section by section, becomes what it becomes as a whole."""

from __future__ import annotations

import pytest

from runner.script.compact import compact, compact_sections
from runner.script.sections import sections
from runner.script.short_names import renamed

TWO = '''# head
import a

# ---- one ----
# its words
b = 1  # why


def f(weight: int, rows: int = 2) -> int:
    """Said."""
    b = weight
    return g(rows, size=b)
# ---- two ----

def g(rows: int, size: int) -> int:
    total = rows
    return total * size
'''


def test_sections_begin_at_their_banners_and_are_the_whole_source() -> None:
    first, one, two = sections(TWO)
    assert (first, one[:9], two[:9]) == ("# head\nimport a\n", "# ---- on", "# ---- tw")
    assert "\n".join(sections(TWO)) == TWO
    assert sections("") == [""]


def test_what_one_section_says_or_binds_is_left_alone_in_the_others() -> None:
    short = renamed(*compact_sections(TWO))
    assert short == renamed(compact(TWO)) == renamed(compact(TWO.replace("# ----", "# ====")))
    assert "def f(a, c = 2) :\n\n b = a\n return g(c, size=b)\n" in short
    assert short.endswith("def g(a, size) :\n b = a\n return b * size\n")


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: int):\n    if a:\n        b = 1\n# ---- within\n    return a\n",
        'def f(a: int):\n    return """\n# ---- within\n"""\n',
        "try:\n    a\n# ---- within\nexcept B:\n    c\n",
        "def f(\n# ---- within\na: int): pass\n",
    ],
)
def test_a_banner_within_a_statement_parts_nothing(source: str) -> None:
    plain = compact(source.replace("# ----", "# ===="))
    assert compact_sections(source) == [plain.replace("# ====", "# ----")]
    assert plain != source


def test_where_one_section_cannot_be_shortened_all_stay() -> None:
    source = "a = 1  # why\n# ---- one\ndef f():\n    'words'; return 1\n"
    assert compact_sections(source) == [source]
