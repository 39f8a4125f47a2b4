"""A source with short names is the same program, line for line, and nobody outside of a function can tell."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import replace

import pytest

from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.rounding import GptqConfig
from runner.script.bundle import Script, make_script, pack_twin
from runner.script.compact import compact
from runner.script.pack import pack, unpack
from runner.script.short_names import renamed

CASES = {
    "parameters and variables": (
        "def f(weight, rows):\n    total = weight + rows\n    return total\n",
        "def f(a, b):\n    c = a + b\n    return c\n",
    ),
    "given by name somewhere": (
        "def f(weight, rows):\n    return weight + rows\nf(1, rows=2)\n",
        "def f(a, rows):\n    return a + rows\nf(1, rows=2)\n",
    ),
    "given by a name in a string": (
        "def f(weight, rows):\n    return weight + rows\nf(**{'weight': 1, 'rows': 2})\n",
        None,
    ),
    "self, cls and attributes": (
        "class A:\n    def f(self, value):\n        self.value = value\n",
        "class A:\n    def f(self, a):\n        self.value = a\n",
    ),
    "a variable that shadows a function of the module": (
        "def scale(): return 2\ndef f():\n    scale = 3\n    return scale\n",
        None,
    ),
    "a variable that shadows a function of Python": ("def f():\n    sum = 3\n    return sum\n", None),
    "names of functions within, and what they close over": (
        "def f(weight):\n    def inner(value):\n        return value * weight\n    return inner\n",
        "def f(a):\n    def inner(b):\n        return b * a\n    return inner\n",
    ),
    "comprehensions and lambdas": (
        "def f(rows):\n    return [(lambda one: one + row)(1) for row in rows]\n",
        "def f(a):\n    return [(lambda b: b + c)(1) for c in a]\n",
    ),
    "what an f-string shows": (
        "def f(weight, rows):\n    return f'{weight}' + rows\n",
        "def f(weight, a):\n    return f'{weight}' + a\n",
    ),
    "nonlocal and global": (
        "def f():\n    count = 0\n    def g():\n        nonlocal count\n        global seen\n        seen = count\n",
        None,
    ),
    "imports and exceptions within": (
        "def f():\n    import json as reader\n    try: pass\n    except OSError as error: raise error\n    reader\n",
        None,
    ),
    "a default that the class knows": (
        "class A:\n    width = 3\n    def f(self, width=width):\n        return width\n",
        None,
    ),
    "what looks at its own variables": ("def f(weight):\n    return locals()\n", None),
    "decorators that may read the source": ("@triton.jit\ndef f(weight): return weight\n", None),
    "decorators that do not": (
        "@torch.no_grad()\ndef f(weight): return weight\n",
        "@torch.no_grad()\ndef f(a): return a\n",
    ),
    "a class within": ("def f(weight):\n    class A:\n        rows = weight\n    return A\n", None),
    "a short name that is taken": (
        "import functional as a\ndef f(weight):\n    return a.relu(weight)\n",
        "import functional as a\ndef f(b):\n    return a.relu(b)\n",
    ),
    "letters outside ASCII": ("def f(größe):\n    return 'ß', größe\n", "def f(a):\n    return 'ß', a\n"),
    "module level": ("weight = 1\nfor row in []: print(row, weight)\n", None),
    "no Python": ("def f(:\n", None),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_nobody_else_can_see_gets_a_short_name(name: str) -> None:
    source, expected = CASES[name]
    assert renamed(source) == (source if expected is None else expected)


def test_more_than_fifty_two_variables_get_names_of_two_letters_that_are_no_words_of_python() -> None:
    source = "def f():\n" + "".join(f"    name{number} = {number}\n" for number in range(2000))
    short = renamed(source)
    names = [line.split()[0] for line in short.split("\n")[1:-1]]
    assert len({*names}) == 2000
    assert {len(name) for name in names} == {1, 2}
    ast.parse(short)


@pytest.fixture(scope="module")
def script() -> Script:
    steps = ShapedStepsConfig(matrices="predicted", columns="cholesky", rows="fisher", auto=True)
    plain = ExportConfig(mlp="step", step=StepConfig(size=0.1), gptq=GptqConfig(tokens=1))
    return make_script(GolfConfig(export=replace(plain, steps=steps, rounding="trellis")))


@pytest.fixture(scope="module")
def long(script: Script) -> str:
    return compact(script.flat)


def scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from scopes(child)


def bindings(table: symtable.SymbolTable) -> list[tuple[bool, ...]]:
    """How each name of a scope is bound, in no order of names."""
    return sorted(
        (one.is_parameter(), one.is_local(), one.is_free(), one.is_global(), one.is_assigned(), one.is_referenced())
        for one in table.get_symbols()
    )


def test_every_scope_of_the_script_binds_as_before(script: Script, long: str) -> None:
    before, after = (symtable.symtable(source, "script", "exec") for source in (long, unpack(script.source)))
    compared = [*zip(scopes(before), scopes(after), strict=True)]
    assert len(compared) > 500
    for one, other in compared:
        assert (one.get_name(), one.get_type(), bindings(one)) == (
            other.get_name(),
            other.get_type(),
            bindings(other),
        )
        known = [{name.get_name() for name in table.get_symbols() if name.is_global()} for table in (one, other)]
        assert known[0] == known[1]


def test_the_script_is_a_twentieth_smaller_and_has_as_many_lines(script: Script, long: str) -> None:
    assert unpack(script.source).count("\n") == long.count("\n")
    assert len(script.source) < 0.95 * len(pack(long))


def test_scripts_of_before_are_still_made_of_their_twins() -> None:
    source = "def f(weight: int) -> int:\n    return weight\n"
    assert pack_twin(source) == b"def f(a) :\n return a\n"
    assert pack_twin(source, "long_names") == b"def f(weight) :\n return weight\n"
