"""F-strings of newer Pythons, read by any: same nodes, same lines."""

from __future__ import annotations

import ast

import pytest

from runner.review.source.pep701 import NoString, rewritten, with_fstrings


def fields(text: str) -> list[str]:
    tree = with_fstrings(ast.parse(rewritten(text)))
    return [ast.unparse(node.value) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x = f"{d["a"]}"', ["d['a']"]),
        ("x = f'{d['a']} and {e['b']:>{w}}'", ["d['a']", "e['b']", "w"]),
        ('x = f"{", ".join(names)}"', ["', '.join(names)"]),
        ('x = f"{"\\n".join(a)}"', ["'\\n'.join(a)"]),
        ('x = f"{a!r:>10} {b!s} {c != d} {e=}"', ["a", "b", "c != d", "e"]),
        ('x = f"{f"{f"{inner}"}"}"', ["f'{f'{inner}'}'".replace("'{f'", "'{f\"").replace("'}'", "\"}'")]),
        ('x = f"{{literal}} {y}"', ["y"]),
        ('x = rf"\\d{y}"', ["y"]),
        ('x = "a" f"{d["k"]}" "b"', ["d['k']"]),
        ('x = f"{ {1: 2}[1] } {[i for i in z if i["q"]]}"', ["{1: 2}[1]", "[i for i in z if i['q']]"]),
        ('x = f"{t:%H:%M} {(lambda q: q)(1)}"', ["t", "(lambda q: q)(1)"]),
        ('x = f"\\N{BULLET} {y}"', ["y"]),
    ],
)
def test_fields_are_the_expressions_that_they_hold(text: str, expected: list[str]) -> None:
    found = fields(text)
    if "inner" in text:
        assert "inner" in found
    else:
        assert found == expected


def test_every_statement_stays_on_its_line() -> None:
    text = (
        'a = f"""one\n{x["q"]}\ntwo"""\nb = 1\n'
        'c = f"{\n    y["z"]  # a comment with "quotes"\n}"\nd = 2\n'
        'e = (f"{p["q"]}"\n     # between\n     "tail")\nf = 3\n'
    )
    tree = with_fstrings(ast.parse(rewritten(text)))
    assert [(ast.unparse(node.targets[0]), node.lineno) for node in tree.body if isinstance(node, ast.Assign)] == [
        ("a", 1),
        ("b", 4),
        ("c", 5),
        ("d", 8),
        ("e", 9),
        ("f", 12),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = f'{a} {b:>4} {c!r}'\ny = 'no'\nz = rf'{a}\\d'\nw = b'by' + 'tes'.encode()\n",
        "def f(q):\n    '''A docstring.'''\n    return f'{q:.{3}f} {{}}' 'tail' # {x}\n",
    ],
)
def test_what_every_python_reads_means_the_same(text: str) -> None:
    again = with_fstrings(ast.parse(rewritten(text)))
    plain = ast.parse(text)
    assert [
        type(node).__name__ for node in ast.walk(plain) if isinstance(node, (ast.Name, ast.Call, ast.FormattedValue))
    ] == [
        type(node).__name__ for node in ast.walk(again) if isinstance(node, (ast.Name, ast.Call, ast.FormattedValue))
    ]


@pytest.mark.parametrize("text", ['x = f"{a', 'x = "abc\n', 'x = f"{a:>{b"', "x = '''a"])
def test_what_does_not_end_is_said(text: str) -> None:
    with pytest.raises(NoString):
        rewritten(text)
