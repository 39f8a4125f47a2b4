"""A source without comments and docstrings is the same program, line for line."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from golf_model.config.golf_config import GolfConfig
from runner.script.bundle import make_script
from runner.script.compact import compact

SOURCE = '''# head
# of the file

"""Module docstring
over lines."""

import os  # why


class Empty(Exception):
    """Only words."""


class Both:
    """Words."""

    x: int = 3
    """More words with # in them."""

    def f(self, text: str = "# no comment") -> str:
        """ä ö ü"""
        y = "ü"  # ß
        if text:
            "words alone"
        return text + y + """kept
        # string"""
'''


def test_comments_and_docstrings_go_and_every_statement_stays_on_its_line() -> None:
    short = compact(SOURCE)
    assert len(short.split("\n")) == len(SOURCE.split("\n"))
    for gone in ("docstring", "over lines", "why", "words", "Words", "ß"):
        assert gone not in short
    assert short.startswith("# head\n# of the file\n")
    before, after = ast.parse(SOURCE), ast.parse(short)
    kept = {
        (type(node).__name__, node.lineno)
        for node in ast.walk(before)
        if isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr))
    }
    assert kept <= {(type(node).__name__, node.lineno) for node in ast.walk(after) if isinstance(node, ast.stmt)}


def test_the_short_source_computes_the_same(tmp_path: Path) -> None:
    code = SOURCE + "\nprint(Both().f(), Both.x, issubclass(Empty, Exception))\n"
    outputs = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
        for text in (code, compact(code))
    ]
    assert outputs[0] == outputs[1] != ""


@pytest.mark.parametrize("source", ["", "\n", "x = 1", "'only a string'", "# only a comment", "if 1:\n    'x'\n"])
def test_small_sources_stay_valid(source: str) -> None:
    ast.parse(compact(source))


def test_a_source_that_would_change_stays_as_it_is() -> None:
    source = "def f():\n    'words'; return 1\n"
    assert compact(source) == source


def test_the_script_loses_a_third_and_no_line() -> None:
    flat = make_script(GolfConfig()).flat
    short = compact(flat)
    assert short.count("\n") == flat.count("\n")
    assert len(short) < 0.8 * len(flat)
    assert '"""' not in short
    assert short == compact(flat.replace("\n# ---- ", "\n# ==== "))  # as a whole, not section by section
