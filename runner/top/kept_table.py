"""A table that is drawn again and again: what has not changed stays, and the cursor stays on the same thing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable
from textual.widgets.data_table import RowDoesNotExist


class KeptTable(DataTable[Text]):
    """Rows have keys, by which the cursor is kept."""

    def on_mount(self) -> None:
        self.cursor_type = "row"
        self.zebra_stripes = True

    def draw(self, heads: Sequence[tuple[str, bool]], rows: Sequence[tuple[str, Sequence[Text]]]) -> None:
        """Show what runner.top.layout gives: heads, each with whether its cells stand right; keys with cells."""
        for _, row in rows:
            for cell, (_, right) in zip(row, heads, strict=True):
                cell.justify = "right" if right else "left"
        same_heads = [column.label.plain for column in self.columns.values()] == [head for head, _ in heads]
        if same_heads and [known.value for known in self.rows] == [key for key, _ in rows]:
            for key, row in rows:
                for column, cell in zip(self.columns, row, strict=True):
                    if self.get_cell(key, column) != cell:
                        self.update_cell(key, column, cell, update_width=True)
            return
        before, scroll = self.key, self.scroll_offset
        self.clear(columns=True)
        for head, right in heads:
            self.add_column(Text(head, justify="right" if right else "left"))
        for key, row in rows:
            self.add_row(*row, key=key)
        self.go_to(before)
        self.scroll_to(scroll.x, scroll.y, animate=False)

    @property
    def key(self) -> str | None:
        """That of the row under the cursor; None where there is no row."""
        keys = list(self.rows)
        return keys[self.cursor_row].value if 0 <= self.cursor_row < len(keys) else None

    def go_to(self, key: str | None) -> None:
        """Put the cursor on a row, if it is there."""
        if key is None:
            return
        try:
            self.move_cursor(row=self.get_row_index(key), animate=False)
        except RowDoesNotExist:
            return
