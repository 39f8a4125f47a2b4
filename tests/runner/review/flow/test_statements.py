"""Statements: definitions, imports, tries, returns."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

BESIDE = {"side": 'PATH = "fineweb_val_7.bin"\ndef path(): return PATH\n'}


@pytest.mark.parametrize(
    "text", ["import side\nx = side.path()", "from side import path as p\nx = p()", "from side import *\nx = path()"]
)
def test_a_module_beside_the_script_is_followed(text: str) -> None:
    assert Followed(text + "\n", beside=BESIDE)["x"].const == "fineweb_val_7.bin"


def test_a_handler_may_have_run_and_what_comes_finally_did() -> None:
    text = "x = 0\ntry:\n    y = 1\nexcept OSError:\n    x = val\nfinally:\n    z = val\n"
    found = Followed(text)
    assert ("val" in found["x"].labels, "val" in found["z"].labels) == (True, True)


def test_globals_and_names_of_the_function_around_are_changed_where_they_live() -> None:
    text = "g = 0\ndef f():\n    n = 0\n    def inner():\n        global g\n        nonlocal n\n"
    found = Followed(text + "        g, n = val, val\n    inner()\n    return n\nx = f()\n")
    assert ("val" in found["g"].labels, "val" in found["x"].labels) == (True, True)


def test_methods_do_not_see_the_names_of_their_class() -> None:
    text = "t = val\nclass C:\n    t = 3\n    def f(self): return t\nx = C().f()\n"
    assert "val" in Followed(text)["x"].labels
