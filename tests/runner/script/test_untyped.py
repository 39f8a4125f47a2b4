"""A source without its functions' types and with narrow indents is the same program, line for line."""

from __future__ import annotations

import ast

import pytest

from runner.script.bundle import pack_twin
from runner.script.compact import compact

CASES = {
    "arguments and what is returned": (
        "def f(a: int, *b: str, c: float = 1.0, **d: object) -> dict[str, int]:\n    return {}\n",
        "def f(a, *b, c = 1.0, **d) :\n return {}\n",
    ),
    "over several lines": (
        "def f(\n    a: tuple[\n        int, str\n    ],\n) -> None:\n    g(\n        a,\n    )\n",
        "def f(\na\n\n,\n) :\n g(\na,\n)\n",
    ),
    "what is bound in a function": (
        "def f():\n    a: int = 1\n    b: int\n    self.c: list[int] = []\n",
        "def f():\n a = 1\n b: int\n self.c = []\n",
    ),
    "classes keep theirs": (
        "class A:\n    x: int = 3\n\n    def f(self, y: int):\n        z: int = y\n        return z\n",
        "class A:\n x: int = 3\n\n def f(self, y):\n  z = y\n  return z\n",
    ),
    "a class in a function keeps its own": (
        "def f(a: int):\n    class A:\n        x: int = 3\n",
        "def f(a):\n class A:\n  x: int = 3\n",
    ),
    "decorators that may read them": (
        "@triton.jit\ndef f(a: int) -> int:\n    return a\n",
        "@triton.jit\ndef f(a: int) -> int:\n return a\n",
    ),
    "decorators that do not": ("@torch.no_grad()\ndef f(a: int): pass\n", "@torch.no_grad()\ndef f(a): pass\n"),
    "letters outside ASCII": (
        "def f(ä: 'ö', b: int = 'ü') -> 'ß': return ä\n",
        "def f(ä, b = 'ü') : return ä\n",
    ),
    "module level": ("x: int = 1\n", "x: int = 1\n"),
    "strings over lines": (
        'def f():\n    a = """x\n    y -> z: int\n      """\n    return a\n',
        'def f():\n a = """x\n    y -> z: int\n      """\n return a\n',
    ),
    "lines joined by a stroke": ("if a and \\\n        b:\n    c = 1\n", "if a and \\\nb:\n c = 1\n"),
    "a lambda and an arrow in a string": (
        "def f(a: int = (lambda x: x)(1)) -> str:\n    return '->'\n",
        "def f(a = (lambda x: x)(1)) :\n return '->'\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_types_of_functions_go_and_lines_stay(name: str) -> None:
    source, expected = CASES[name]
    assert compact(source) == expected
    ast.parse(expected)


def test_scripts_of_before_are_still_made_of_their_twins() -> None:
    source = "def f(a: int) -> int:\n    return a  # why\n"
    assert compact(source, typed=True) == "def f(a: int) -> int:\n    return a\n"
    assert pack_twin(source, "older") == b"def f(a: int) -> int:\n    return a\n"


def test_blocks_are_one_blank_deep_each() -> None:
    assert compact("if a:\n    if b:\n        c\n    d\ne\n") == "if a:\n if b:\n  c\n d\ne\n"
