"""`golf top` on a terminal where Textual is not installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.verbs.looking import top


def test_without_textual_the_screen_says_what_to_install_and_plain_lines_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'golf\[top\]', or golf top --plain"):
        top(tmp_path)
    top(tmp_path, plain=True)
    assert capsys.readouterr().out == f"no run under {tmp_path}/runs\n"
