"""What CONTRIBUTING.md and docs/decisions name exists: files, folders, links and commands, by page and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.fixtures.pages import Command, Page, Told, read_page
from tests.fixtures.places import DOCS, ROOT
from tests.test_documented_commands import require_command, require_link

PATHS = (ROOT / "CONTRIBUTING.md", *sorted((DOCS / "decisions").glob("*.md")))
PAGES = {path: read_page(path.read_text(encoding="utf-8")) for path in PATHS}
NAMED = re.compile(r"[\w.-]+/[\w./-]*")
"""A file or folder, from the top of the repository; a bare `results.json` is some record's."""


def each(found: Callable[[Page], Iterable[Told]]) -> pytest.MarkDecorator:
    """A test for everything that is found on a page, by page and line."""
    cases = [
        pytest.param(path, told, id=f"{path.relative_to(ROOT).as_posix()}:{told.line} {told.text}")
        for path, page in PAGES.items()
        for told in found(page)
    ]
    return pytest.mark.parametrize(("path", "told"), cases)


@each(lambda page: [span for span in page.spans if NAMED.fullmatch(span.text)])
def test_a_file_or_folder_that_is_named_is_there(path: Path, told: Told) -> None:
    assert (ROOT / told.text).exists()


@each(lambda page: page.links)
def test_a_link_leads_somewhere(path: Path, told: Told) -> None:
    require_link(path, told.text)


@each(lambda page: [command for command in page.commands if command.words[0] != "--help"])
def test_a_command_is_one_that_exists(path: Path, told: Command) -> None:
    require_command(told)
