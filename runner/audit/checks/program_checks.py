"""Findings about programs: their sizes against the logged ones, and code that lies outside the counted script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.audit.checks.imports import outside_code
from runner.audit.checks.limits import primary
from runner.audit.facts import Finding
from runner.audit.reading.folder import Folder
from runner.audit.reading.runs import Reading
from runner.audit.severity import finding
from runner.audit.track import CAP_BYTES

LARGEST = 4 << 20
"""Bytes of a script that are looked at."""
PACKED = 2.0
"""A script so many times larger than the logged one was packed for counting: the two are not one text."""


def program_findings(folder: Folder, readings: Sequence[Reading]) -> Iterator[Finding]:
    """What the runs of the headline and the folder say of the program."""
    counted = primary(readings)
    yield from _sizes(folder, counted)
    yield from _outside(folder)


def _sizes(folder: Folder, counted: Sequence[Reading]) -> Iterator[Finding]:
    printed = [one for one in counted if one.code is not None and "code_bytes" not in one.derived]
    codes = dict.fromkeys(one.code for one in printed if one.code is not None)
    if len(codes) > 1 and not set.intersection(*(set(one.draft.codes) for one in printed)):
        said = " / ".join(f"{code:,}" for code in codes)
        yield finding(
            "mixed_scripts",
            "logs",
            f"the runs' programs have {said} bytes",
            *(one.at("code_bytes") for one in printed),
        )
    if folder.script is None or len(codes) != 1:
        return
    logged = {size for one in printed for size in (*one.draft.codes, one.code or 0)}
    shipped = {name: _sizes_of(folder, name) for name in folder.scripts}
    if any(logged & sizes for sizes in shipped.values()):
        return
    code = next(iter(codes))
    name, size = min(
        ((name, size) for name, sizes in shipped.items() for size in sizes),
        key=lambda one: min(abs(one[1] - known) for known in logged),
    )
    if size > PACKED * max(logged) and name == folder.script:
        return  # what was logged is a packed form of it
    size = (folder.path / name).stat().st_size
    yield finding(
        "mixed_scripts",
        "folder",
        f"{name} has {size:,} bytes; the logs' program {code:,}",
        name,
        printed[0].at("code_bytes"),
    )


def _sizes_of(folder: Folder, name: str) -> set[int]:
    """How long a script may be said to be: in bytes or characters, with either end of line, with or without
    the last one."""
    path = folder.path / name
    size = path.stat().st_size
    if size > LARGEST:
        return {size}
    with path.open("rb") as handle:
        data = handle.read(LARGEST)
    plain = data.replace(b"\r\n", b"\n")
    lines = plain.count(b"\n")
    found = {size, len(plain), len(plain) + lines, len(plain.strip()), len(plain.rstrip()), len(plain.rstrip()) + 1}
    text = plain.decode("utf-8", "replace")
    return found | {len(text), len(text) + lines, len(text.strip())}


def program_notes(folder: Folder, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Notes, since the rules let a packed program be counted: the entry with the program as it lies in the
    folder, where the logs count a smaller one and keep to the cap."""
    if folder.script is None:
        return
    counted, size = primary(readings), (folder.path / folder.script).stat().st_size
    over = [
        one
        for one in counted
        if one.model is not None
        and one.total is not None
        and one.total <= CAP_BYTES < one.model + size
        and (one.code or 0) < size
    ]
    if over:
        worst = max(over, key=lambda one: one.model or 0)
        total = (worst.model or 0) + size
        said = (
            f"{folder.script} has {size:,} bytes, the counted program {worst.code or 0:,}; "
            f"{worst.name}: {worst.model:,} + {size:,} = {total:,}"
            f" bytes, {total - CAP_BYTES:,} over the cap"
        )
        yield finding("shipped_script", "over", said, folder.script, *(one.at("code_bytes") for one in over))


def _outside(folder: Folder) -> Iterator[Finding]:
    files, modules = outside_code(folder)
    if files:
        extra = sum((folder.path / name).stat().st_size for name in files)
        said = f"{folder.script} imports or starts {', '.join(files)} ({extra:,} bytes)"
        yield finding("code_outside_script", "module", said, folder.script or "", *files)
    if modules:
        said = f"{folder.script} imports {', '.join(modules)}: no known package, and not in the folder"
        yield finding("code_outside_script", "nowhere", said, folder.script or "")
