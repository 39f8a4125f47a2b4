"""The author's own words on a job, from a markdown file that it names: read once, bounded, kept as text.

The text travels in the resolved job, so that a driver elsewhere has it, and decides nothing. What it may look like
on a page is the page's affair (reports.prose).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import model_validator

from golf_model.config.checks import require
from runner.errors import UserError
from runner.job.problems import Problem
from runner.printable import cut
from runner.strict import Strict
from runner.untrusted import read_text

MOST_BYTES = 64_000
"""A longer text is refused; a long method section of the challenge's merged records has about 20 kB."""
KEEP = "\n\t"


class ProseSpec(Strict):
    """The author's words: in YAML the path of a markdown file, here its name and what it says."""

    file: str
    """Its name, without a folder."""
    text: str
    """What it says, as markdown."""

    @model_validator(mode="after")
    def _bounded(self) -> ProseSpec:
        size = len(self.text.encode("utf-8", "replace"))
        require(size <= MOST_BYTES, "text", f"{size:,} bytes; at most {MOST_BYTES:,} fit a record's README")
        return self


def read_prose(path: Path) -> ProseSpec:
    """The words in a file; UserError where it is missing, no plain file, empty, too large, or not UTF-8 text."""
    try:
        text = read_text(path, MOST_BYTES, links=True)
    except UserError as error:
        told = str(error).replace(" are read", " fit a record's README")
        raise UserError(
            told if told != str(error) or "UTF-8" in told else f"{told}; give a markdown file's path"
        ) from None
    plain = "".join(char for char in text.replace("\r\n", "\n").replace("\r", "\n") if _kept(char)).strip("\n")
    if not plain.strip():
        raise UserError(f"{path}: says nothing; write what is new, or name no file")
    return ProseSpec(file=path.name, text=plain + "\n")


def with_prose(data: dict[str, Any], folder: Path | None) -> tuple[dict[str, Any], list[Problem]]:
    """The job's plain data with the file read that `method:`, or `notes:` as one text, names; what is wrong there.

    folder: where relative paths start; None where the data come from no job file, and may be a stranger's: then no
    file is read. A list of notes stays a list, and a method that was read already stays as it is.
    """
    named = [name for name in ("notes", "method") if isinstance(data.get(name), str)]
    if not named:
        return data, []
    rest = {name: value for name, value in data.items() if name not in named}
    if len(named) > 1 or (named == ["notes"] and data.get("method") is not None):
        return rest, [Problem(("notes",), "names a file, and so does method; make notes a list, or leave one out")]
    [place] = named
    if folder is None:
        return rest, [Problem((place,), "names a file, which is read only where a job's own file names it")]
    try:
        spec = read_prose(folder / data[place])
    except UserError as error:
        hint = "" if (folder / data[place]).exists() else ", or write notes that are no file as a list: notes: [...]"
        return rest, [Problem((place,), cut(str(error), 4096) + (hint if place == "notes" else ""))]
    return {**rest, "method": spec.model_dump(mode="json")}, []


def _kept(char: str) -> bool:
    """Whether a character of a text file is one; controls are not, but for the end of a line and the tab."""
    return char in KEEP or not (ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0)
