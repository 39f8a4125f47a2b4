"""A record's pages made again from its results.json: written by `golf report`, compared by `golf verify`."""

from __future__ import annotations

from pathlib import Path

from reports.record.loss_svg import drawn_by, same_lines
from reports.record.pages import PICTURE, pages
from reports.record.write import checksums
from runner.errors import UserError
from runner.files import sha256_bytes, write_atomic
from runner.record.files import CHECKSUMS, RESULTS, bounded, listed_sums, results_of
from runner.results.record import RecordData
from runner.results.verdicts import Check


def rebuild(folder: Path) -> dict[str, bool]:
    """Write every page again; name -> whether it had been another. UserError where results.json is not as recorded.

    Only pages and their lines in SHA256SUMS are touched: what was measured must still have the hash it was given.
    """
    place, sums = folder / RESULTS, listed_sums(folder)
    content = bounded(place)
    if sums.get(RESULTS) != sha256_bytes(content):
        raise UserError(
            f"{place}: not the file that {CHECKSUMS} lists; bring back the recorded one. What is to change in a "
            "record, its job says: change the job and run it again, finished seeds are kept"
        )
    made = made_of(results_of(content, place), str(place))
    changed = {name: _content(folder / name) != content for name, content in made.items()}
    for name, content in made.items():
        if changed[name]:
            write_atomic(folder / name, content)
    fresh = checksums({**sums, **{name: sha256_bytes(content) for name, content in made.items()}})
    if fresh.encode() != _content(folder / CHECKSUMS):
        write_atomic(folder / CHECKSUMS, fresh)
    return changed


BENT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What comes of values that no run of golf has stored: a record may be anybody's."""


def made_of(data: RecordData, where: str) -> dict[str, bytes]:
    """Every page; UserError where results.json holds what no page can be made of."""
    try:
        return pages(data)
    except BENT as error:
        raise UserError(f"{where}: no page can be made of it ({type(error).__name__}: {error})") from error


def page_check(folder: Path, data: RecordData) -> Check:
    """Whether every page is what this golf makes of the results, byte for byte; the picture of another version of
    matplotlib by its lines."""
    try:
        made = made_of(data, "results.json")
        differ = {
            name: _content(folder / name) for name, content in made.items() if _content(folder / name) != content
        }
        drawn = {name: told for name, there in differ.items() if (told := drawn_apart(name, there, made[name]))}
        others = [f"{name} is another" for name in differ if name not in drawn]
        told = ", ".join(others) or "; ".join([f"{len(made)} files", *drawn.values()])
    except UserError as error:
        others = [told := str(error)]
    return Check(
        name="pages",
        title="README.md and tables as the results make them?",
        status="fail" if others else "pass",
        required=True,
        measured=told,
        limit="byte for byte, by this golf",
    )


def drawn_apart(name: str, there: bytes | None, made: bytes) -> str:
    """In words that a picture was drawn by another version of matplotlib and shows the same; '' where it was not."""
    if name != PICTURE or there is None:
        return ""
    version = drawn_by(there)
    if not version or version == drawn_by(made) or not same_lines(there, made):
        return ""
    return f"{name} is drawn by matplotlib {version}, with the same lines"


def _content(path: Path) -> bytes | None:
    try:
        return bounded(path)
    except UserError:
        return None
