"""What `golf duel` prints at the end: every pair, the outcome, and what it rests on."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports import duel_words as words
from reports.markdown import one_line
from reports.terminal.comparison import STYLES
from runner.listing import MOST, SHOWN, few
from runner.results.duels import Duel


def terminal_duel(found: Duel) -> RenderableType:
    """A renderable of the whole duel; names are plain text."""
    parts: list[RenderableType] = [Text()]
    for letter, side in (("A", found.baseline), ("B", found.candidate)):
        parts.append(
            Text.assemble((f"{letter}  ", "bold"), one_line(side.run), (f"  {side.script_sha256[:12]}", "dim"))
        )
    parts += [Text(), _table(found)]
    if len(found.pairs) > MOST:
        parts.append(Text(f"and {len(found.pairs) - SHOWN} more, in the record's README.md", "dim"))
    parts += [Text(), Text(words.outcome(found), STYLES[found.outcome])]
    parts += [Padding(Text(f"- {one_line(reason)}"), (0, 0, 0, 2)) for reason in found.obstacles]
    parts += [Text(one_line(line)) for line in words.lines(found)]
    return Group(*parts)


def _table(found: Duel) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    nodes = len({pair.node for pair in found.pairs if pair.node}) > 1
    for head, side in zip(words.HEADS, words.ALIGN, strict=True):
        if head != "node" or nodes:
            table.add_column(head, justify="right" if side == "r" else "left", no_wrap=side == "r")
    for pair in few(found.pairs):
        cells = words.pair_cells(pair)
        table.add_row(
            *(Text(one_line(cell)) for head, cell in zip(words.HEADS, cells, strict=True) if head != "node" or nodes)
        )
    return table
