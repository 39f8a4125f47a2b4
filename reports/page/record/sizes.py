"""Where the bytes of the cap went: script, tensors by class, scales, the rest, and what is left.

Tensors are coded together, so that a tensor's bytes are its share by the entropy of its integers (Packed).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.numbers import MISSING, count, fixed
from reports.page.record.series import UNKNOWN, colour, shortened
from reports.page.section import Cell, Part, Picture, Section, Table, Words
from reports.tables import SeedRow, seed_rows
from runner.results.record import RecordData
from runner.results.verdicts import Packed

CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("embedding", re.compile(r"emb|wte|lm_head|bigram|ngram|hash|vocab", re.IGNORECASE)),
    ("MLP", re.compile(r"mlp|ffn|feed_forward|expert|gate_up|fc\b", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention|\bc_[qkv]\b|\b[qkvo]_proj\b|qkv", re.IGNORECASE)),
)
"""Class -> what the names of its tensors hold; the first that fits."""
COLOURS = {"script": 0, "embedding": 4, "MLP": 1, "attention": 2, "scales": 3, "rest": 7, "artifact": 6}


LONE = "\n"
"""Between name and size of a class of one tile: its label may be as high as the tile."""


@dataclass(frozen=True)
class Tile:
    """One leaf of the picture."""

    name: str
    group: str
    bytes: int
    values: int = 0
    tensors: int = 0
    scheme: str = ""

    @property
    def bits(self) -> str:
        """Bits of the file for each of its values; a dash where it holds none."""
        return fixed(8 * self.bytes / self.values, 3) if self.values else MISSING


def class_of(name: str) -> str:
    """The class of a tensor by its name."""
    return next((group for group, pattern in CLASSES if pattern.search(name)), "rest")


def sizes_section(data: RecordData) -> Section:
    """The tiles of one seed and the sizes of all."""
    cap, rows = int(data.limits["cap_bytes"]), seed_rows(data)
    counted = [row for row in rows if row.total_bytes is not None]
    parts: list[Part] = []
    if counted:
        looked = [row for row in counted if row.counted is not None and row.counted.packed is not None]
        row = looked[0] if looked else max(counted, key=lambda one: one.total_bytes or 0)
        tiles, left = tiles_of(row), cap - (row.total_bytes or 0)
        parts.append(_picture(tiles, left, cap, row.result.seed))
        if left < 0:
            parts.insert(0, Words(f"Seed {row.result.seed} is OVER the cap by {-left:,} bytes.", "bad"))
        if left > cap / 2:
            parts.append(_picture(tiles, 0, cap, row.result.seed))
        if not looked:
            parts.append(Words("Not in this record: what the artifact's bytes hold.", "muted"))
    else:
        parts.append(Words("No artifact of this record was counted.", "open"))
    parts.append(_seeds(rows, cap))
    return Section("bytes", "Where the bytes went", tuple(parts))


def tiles_of(row: SeedRow) -> list[Tile]:
    """Script and tensors of a seed that was counted; the artifact as one tile where nobody looked into it."""
    if row.counted is None or row.counted.artifact_bytes is None:
        return []
    script = Tile("script", "script", row.counted.code_bytes)
    if row.counted.packed is None:
        return [script, Tile("artifact", "artifact", row.counted.artifact_bytes)]
    return [script, *_tensors(row.counted.packed)]


def _tensors(packed: Packed) -> list[Tile]:
    tiles = [
        Tile(one.name, class_of(one.name), one.bytes, one.values, one.tensors, one.scheme)
        for one in packed.kinds
        if one.bytes > 0
    ]
    scales = [
        Tile(f"scales of {one.name}", "scales", one.scale_bytes, 0, one.tensors, "scales")
        for one in packed.kinds
        if one.scale_bytes > 0
    ]
    rest = [Tile("header, checksum and other", "rest", packed.rest_bytes)] if packed.rest_bytes > 0 else []
    return [*tiles, *scales, *rest]


def _picture(tiles: Sequence[Tile], left: int, cap: int, seed: int) -> Picture:
    groups = [group for group in COLOURS if any(tile.group == group for tile in tiles)]
    total = sum(tile.bytes for tile in tiles)
    root = f"seed {seed}: {total:,} of {cap:,} bytes" if left else f"seed {seed}: {total:,} bytes in use"
    ids, labels, parents, values, colours, hovers = ["root"], [root], [""], [total + max(left, 0)], ["@back"], [root]
    for group in groups:
        some = [tile for tile in tiles if tile.group == group]
        size = sum(tile.bytes for tile in some)
        lone = len(some) == 1 and some[0].name == group
        ids.append(group)
        labels.append(f"{group}{LONE if lone else ' '}{size:,} B")
        parents.append("root")
        values.append(size)
        colours.append(colour(COLOURS[group]))
        hovers.append(f"{group}: {size:,} bytes, {size / cap:.2%} of the cap")
        for number, tile in enumerate(() if lone else some):
            ids.append(f"{group} {number}")
            labels.append(tile.name)
            parents.append(group)
            values.append(tile.bytes)
            colours.append(colour(COLOURS[group]))
            hovers.append(_hover(tile, cap))
    if left > 0:
        ids.append("headroom")
        labels.append(f"headroom {left:,} B")
        parents.append("root")
        values.append(left)
        colours.append("@panel")
        hovers.append(f"headroom: {left:,} bytes, {left / cap:.2%} of the cap")
    trace: dict[str, Any] = {
        "type": "treemap",
        "branchvalues": "total",
        "ids": ids,
        "labels": labels,
        "parents": parents,
        "values": values,
        "hovertext": hovers,
        "hoverinfo": "text",
        "marker": {
            "colors": colours,
            "line": {"color": "@back", "width": 1},
            "pad": {"t": 20, "l": 2, "r": 2, "b": 2},
        },
        "textfont": {"color": ["@text" if one in ("@back", "@panel") else "@back" for one in colours]},
        "pathbar": {"visible": False},
        "tiling": {"pad": 1},
        "sort": True,
    }
    figure = {
        "data": [trace],
        "layout": {"margin": {"l": 4, "r": 4, "t": 4, "b": 4}, "uniformtext": {"minsize": 9, "mode": "hide"}},
    }
    title = "Of the cap" if left else "Of the bytes in use"
    label = f"{title}, seed {seed}: " + ", ".join(
        f"{group} {sum(tile.bytes for tile in tiles if tile.group == group):,} bytes" for group in groups
    )
    label += f", headroom {left:,} bytes." if left > 0 else "."
    return Picture(figure, _table(tiles, left, cap), label, title, height=380, half=True)


def _hover(tile: Tile, cap: int) -> str:
    lines = [tile.name, f"{tile.bytes:,} bytes, {tile.bytes / cap:.2%} of the cap"]
    if tile.values:
        lines.append(f"{tile.values:,} values in {tile.tensors:,} tensors, {tile.scheme}: {tile.bits} bits per value")
    return "\n".join(lines)


def _table(tiles: Sequence[Tile], left: int, cap: int) -> Table:
    rows: list[Sequence[str | Cell]] = [
        [
            tile.group,
            tile.name,
            tile.scheme or MISSING,
            count(tile.values) if tile.values else MISSING,
            f"{tile.bytes:,}",
            f"{tile.bytes / cap:.2%}",
            tile.bits,
        ]
        for tile in sorted(tiles, key=lambda tile: -tile.bytes)
    ]
    if left:
        rows.append(["headroom", "", MISSING, MISSING, f"{left:,}", f"{left / cap:.2%}", MISSING])
    heads = ("class", "tensors", "stored as", "values", "bytes", "of the cap", "bits per value")
    return Table(heads, "lllrrrr", shortened(rows, "results.json"))


def _seeds(rows: Sequence[SeedRow], cap: int) -> Table:
    """Script, artifact and what is left, of each seed."""
    lines: list[Sequence[str | Cell]] = []
    for row in rows:
        total, counted = row.total_bytes, row.counted
        left = None if total is None else cap - total
        lines.append(
            [
                str(row.result.seed),
                UNKNOWN if counted is None else f"{counted.code_bytes:,}",
                UNKNOWN if counted is None or counted.artifact_bytes is None else f"{counted.artifact_bytes:,}",
                UNKNOWN if total is None else f"{total:,}",
                UNKNOWN if left is None else Cell(f"{left:,}", kind="bad" if left < 0 else ""),
            ]
        )
    return Table(
        ("seed", "script B", "artifact B", "total B", "headroom B"), "rrrrr", shortened(lines), "Bytes by seed"
    )
