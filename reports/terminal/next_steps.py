"""What people do next with a record: the commands, ready to be typed, that `golf run` ends with.

A line that is copied is a command, whatever the terminal's width: what it is for stands behind it, or above it where
there is no room, as the shell's comment.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from reports.markdown import one_line
from reports.tables import incomplete
from runner.results.record import RecordData


def next_steps(data: RecordData, folder: Path, width: int, other: Path | None = None) -> list[str]:
    """Lines for a terminal of `width` columns. other: a record that this one may be set against, if there is one."""
    record = shlex.quote(str(folder))
    steps = []
    if incomplete(data):
        resume = f"golf resume {shlex.quote(data.run)}{_output(folder)}"
        steps.append((resume, "goes on with the seeds that never ran"))
    page = shlex.quote(f"{data.name}.html")
    steps.append((f"golf verify --run {record}", "checks its files, scores its artifacts again"))
    steps.append((f"golf report {record} --output {page}", "one page with all of it"))
    if other is None:
        steps.append((f"golf compare A {record}", "does it beat A: a record, or 1.081,1.0808"))
    else:
        steps.append((f"golf compare {shlex.quote(str(other))} {record}", f"does it beat {one_line(other.name)}?"))
    longest = max(len(command) for command, _ in steps)
    beside = all(longest + len(purpose) + 6 <= width for _, purpose in steps)
    lines = [f"  {command:<{longest}}  # {purpose}" for command, purpose in steps]
    above = [line for command, purpose in steps for line in (f"  # {purpose}", f"  {command}")]
    return ["", "Next:", *(lines if beside else above)]


def _output(folder: Path) -> str:
    """Where the run is kept, as an option; a record lies three folders below."""
    root = folder.parents[2] if len(folder.parents) > 2 else Path()
    return "" if root == Path() else f" --output {shlex.quote(str(root))}"
