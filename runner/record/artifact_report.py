"""`golf artifact inspect`: an artifact's format, tensors and slack, for people.

The file is read in a process of its own (golf_model.artifact.inspect_file): the originals' formats need torch, and
nothing that a foreign file may do to its reader reaches this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from rich.table import Table

from runner.errors import UserError
from runner.machine import asking
from runner.plan.tensor_lines import BLOCK
from runner.printable import printable
from runner.untrusted import opened

SECONDS = 120
"""How long the reading process may live, on however busy a machine; it has bounds of its own on what it takes."""
BY_SIGNAL = "its reader was ended, as it took more memory or time than any submission needs"


@dataclass(frozen=True)
class Kind:
    """Tensors of one name in different blocks, stored alike."""

    name: str
    shape: tuple[int, ...]
    scheme: str


def inspect_file(path: Path) -> dict[str, Any]:
    """What the reading process found; UserError with its words where the file cannot be read."""
    try:
        with opened(path, links=True):
            pass
    except UserError as error:
        raise UserError(f"{error}; give the path of an artifact, e.g. final_model.ptz") from None
    command = [sys.executable, "-P", "-m", "golf_model.artifact.inspect_file", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=asking())
    except subprocess.TimeoutExpired:
        raise UserError(f"{path}: could not be read in {SECONDS} s") from None
    if done.returncode != 0:
        told = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        ended = BY_SIGNAL if done.returncode < 0 else f"its reader ended with exit code {done.returncode}"
        reason = printable(told[-1]) if told else ended
        raise UserError(f"{path}: {reason.removeprefix('artifact: ')}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kinds(tensors: list[dict[str, Any]]) -> dict[Kind, list[dict[str, Any]]]:
    """Tensors of equal name, shape and scheme in different blocks together, in the file's order."""
    found: dict[Kind, list[dict[str, Any]]] = {}
    for tensor in tensors:
        match = BLOCK.fullmatch(tensor["name"])
        name = f"blocks.*.{match[2]}" if match else tensor["name"]
        found.setdefault(Kind(name, tuple(tensor["shape"]), tensor["scheme"]), []).append(tensor)
    return found


def told_steps(steps: list[float]) -> str:
    """One step, or the least and the largest of several, sorted."""
    if len(set(steps)) > 1:
        return f"{steps[0]:.2g}…{steps[-1]:.2g}"
    return "".join(f"{step:.6g}" for step in steps[:1])


def tensor_table(facts: dict[str, Any]) -> Table:
    """One line for each kind of tensor; integers count by their order-0 entropy, floats as they are."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("tensor", "count", "shape", "scheme", "step", "range", "bits/value", "bytes"):
        table.add_column(title, justify="left" if title in ("tensor", "scheme") else "right", overflow="fold")
    for kind, some in kinds(facts["tensors"]).items():
        steps = sorted({one["step"] for one in some if one["step"] is not None})
        coded = [one for one in some if one["entropy"] is not None]
        least, largest = (pick(one[side] for one in coded if one[side] is not None) if coded and kind.shape else None
                          for pick, side in ((min, "least"), (max, "largest")))  # fmt: skip
        table.add_row(
            kind.name,
            f"{len(some)}",
            " x ".join(map(str, kind.shape)) or "scalar",
            kind.scheme,
            told_steps(steps) if kind.scheme == "step" else "",
            "" if least is None else f"{least} … {largest}",
            f"{sum(one['entropy'] for one in coded) / len(coded):.3f}" if coded else "",
            f"{sum(one['bytes'] for one in some):,}",
        )
    return table


def span(pairs: list[list[float]]) -> str:
    """`-1.25 … 2` of several (least, largest)."""
    return f"{min(pair[0] for pair in pairs):g} … {max(pair[1] for pair in pairs):g}"


def matrices(count: int) -> str:
    """`1 matrix`, `24 matrices`."""
    return f"{count:,} {'matrix' if count == 1 else 'matrices'}"


def step_lines(facts: dict[str, Any]) -> list[str]:
    """Trellis and shaped steps, where a file has them: what they are, and what they were predicted to save."""
    lines = []
    if on_trellis := [one for one in facts["tensors"] if one.get("states")]:
        states = ", ".join(f"{count}" for count in sorted({one["states"] for one in on_trellis}))
        lines.append(
            f"{len(on_trellis)} matrices on a trellis of {states} states; their range is that of its indices"
        )
    for side in ("row", "column"):
        if shaped := [one[f"{side}_octaves"] for one in facts["tensors"] if one.get(f"{side}_octaves")]:
            lines.append(f"{matrices(len(shaped))} with steps by {side}, {span(shaped)} octaves of the matrix's step")
    if saved := facts.get("saved"):
        parts = ", ".join(
            f"{way} alone {saved[way]:.3f}" for way in ("rows", "columns", "matrices") if saved.get(way)
        )
        lines.append(
            f"shaped steps, predicted to save {saved['total']:.3f} bits a weight{f' ({parts})' * bool(parts)}"
        )
    return lines


def fact_lines(facts: dict[str, Any], path: Path, cap: int, code_bytes: int | None) -> list[str]:
    """The file as a whole: format, checksum, parts, entropy, slack."""
    tensors = facts["tensors"]
    count = sum(prod(one["shape"]) for one in tensors)
    coded = [one for one in tensors if one["entropy"] is not None]
    integers = sum(prod(one["shape"]) for one in coded)
    entropy = sum(one["entropy"] * prod(one["shape"]) for one in coded) / 8
    size = facts["bytes"]
    lines = [
        f"{path}: {size:,} bytes, {facts['format']}, checksum: {facts['checksum']}",
        f"{len(tensors)} tensors, {count:,} weights, {8 * size / max(count, 1):.3f} bits of the file each",
    ]
    lines += [f"  {name}: {length:,} bytes, {codec}" for name, codec, length in facts["parts"]]
    if "unpacked_bytes" in facts:
        lines.append(f"  unpacked: {facts['unpacked_bytes']:,} bytes")
    lines += step_lines(facts)
    if coded:
        lines.append(f"{integers:,} integers, order-0 entropy of each tensor together {entropy:,.0f} bytes")
    bad = [one["name"] for one in tensors if not one["finite"]]
    if bad:
        lines.append(f"NOT FINITE: {', '.join(map(repr, bad[:5]))}")
    total, what = (size, "the artifact alone") if code_bytes is None else (size + code_bytes, "artifact and script")
    slack = cap - total
    lines.append(f"{what}: {total:,} of {cap:,} bytes, {abs(slack):,} {'under' if slack >= 0 else 'OVER'} the cap")
    return lines
