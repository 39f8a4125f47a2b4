"""Files read and written: whose text comes in, which weights and prices go out."""

from __future__ import annotations

import ast
import re

from runner.review.labels.values import GOLD, LOGITS, NONE, NOTHING, VAL, Thing, Value, of, starting
from runner.review.library.surroundings import Surroundings

READS = {
    "fromfile",
    "memmap",
    "load",
    "open",
    "open_memmap",
    "read_bytes",
    "load_file",
    "loadtxt",
    "read_text",
    "mmap",
}
WRITES = {"save", "tofile", "savez", "savez_compressed", "dump", "write_bytes", "write", "write_text", "save_file"}
ARRAYS = {"tofile", "fromfile", "save", "load", "memmap"}


class Files(Surroundings):
    """Files."""

    def file_read(self, args: list[Value], node: ast.AST, name: str) -> Value:
        path = frozenset().union(*(one.all for one in args[:1])) if args else NONE
        text = str(args[0].const) if args and args[0].known else ""
        if len(args) > 1 and name == "open" and args[1].known and re.search("[wax]", str(args[1].const)):
            return Value(thing=Thing("stream", text))
        self.emit("file-read", node, path, about=f"{name} {text}")
        if path & {VAL, "train"}:
            return of(path)
        if name.rpartition(".")[2] in ARRAYS and self.prices:
            return of(path | self.disk | self.prices | {"disk"})
        return of(path | self.disk | {"disk"})

    def file_write(self, args: list[Value], node: ast.AST, name: str) -> Value:
        labels = frozenset().union(*(one.all for one in args)) if args else NONE
        if starting(labels, "g:") and not starting(labels, "snap:"):  # a copy of weights is no list of prices
            self.emit("report", node, labels, about="val_loss saved")
        self.emit("file-write", node, labels, about=name)
        if name.rpartition(".")[2] in ARRAYS and GOLD in labels:
            self.prices |= frozenset(one for one in labels if one in (GOLD, VAL, "ln") or one.startswith("g:"))
        self.disk |= frozenset(one for one in labels if one[:2] in ("w:", "sn"))
        if not labels & {GOLD, LOGITS}:
            self.disk |= frozenset(f"disk:{one}" for one in labels & {VAL, "train"})
        return NOTHING
