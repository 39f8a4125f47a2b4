"""Functions of libraries, by their dotted names.

One that nothing here knows gives back the labels of all that went in.
"""

from __future__ import annotations

import ast
import re

from runner.review.labels.values import NONE, NOTHING, Scope, Thing, Value, of, weights
from runner.review.library.files import READS, WRITES
from runner.review.library.methods import Methods
from runner.review.library.tensors import FRESH

SAME = {
    "compile",
    "DistributedDataParallel",
    "DDP",
    "script",
    "DataParallel",
    "njit",
    "jit",
    "no_grad",
    "inference_mode",
}
SAID = re.compile(r"log|print|info|write|say|report|tqdm", re.IGNORECASE)
NATIVE = {"CDLL", "LoadLibrary", "PyDLL", "dlopen", "load_inline", "verify"}


class Library(Methods):
    """Calls into what is not the script's own."""

    def library_call(
        self, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        """A function of a library, by its dotted name."""
        tail = name.rpartition(".")[2]
        setting = self._environment(name, tail, args, keywords)
        if setting is not None:
            return setting
        self._online(name, tail, args, keywords, node)
        known = self._builtin(name, tail, args, keywords, node, scope)
        if known is not None:
            return known
        if tail in NATIVE:
            return Value(thing=Thing("native", tail))
        if "." in name and "optim" in name.lower() and "lr_scheduler" not in name:
            return self.optimizer(args, keywords, node)
        if tail in ("grad", "value_and_grad") and "autograd" in name and args:
            self.gradient = args[0].all
            self.emit("backward", node, args[0].all)
            return of(frozenset({"grad"}) | weights(args[1].all if len(args) > 1 else NONE))
        if tail in ("Parameter", "Buffer") and "nn" in name:
            return self.leaf(node, args)
        if re.search(r"\bnn\.[A-Z]\w+$", name) or name.startswith("torchao"):
            thing = self.thing(node, "network", tail)
            return Value(self.owner or frozenset({f"w:{thing.serial}"}), thing=thing)
        if tail == "field" and ("default" in keywords or "default_factory" in keywords):
            made = keywords.get("default_factory")
            return keywords["default"] if made is None else self.apply(made, [], {}, node, scope)
        if name in ("partial", "functools.partial") and args:
            return Value(thing=Thing("partial", receiver=args[0], args=tuple(args[1:]), keywords=keywords))
        if tail in SAME:
            return args[0] if args else Value(thing=Thing("library", "identity"))
        if name == "identity":
            return args[0] if args else NOTHING
        if tail in FRESH or tail in ("empty_cache",):
            return self._fresh(tail, args, keywords, node)
        if tail == "deepcopy" or (tail == "copy" and name.startswith("copy")):
            return self.copied(args[0] if args else NOTHING, node)
        if tail in READS and (tail != "load" or re.search(r"torch|np|numpy|pickle|json", name)):
            return self.file_read(args, node, name)
        if tail in ("loads", "decompress", "decode"):
            return of(frozenset().union(*(one.all for one in args)) if args else NONE)
        if tail == "vector_to_parameters" and len(args) > 1:
            self.emit("load", node, args[0].all, weights(args[1].all))
            return NOTHING
        if tail.startswith("all_gather") or tail in ("copyto", "gather_object", "reduce_scatter_tensor"):
            for part in (
                (args[0].thing, *(one.thing for one in args[0].thing.fields.values()))
                if args and args[0].thing
                else ()
            ):
                if part is not None and len(args) > 1:
                    part.content |= args[1].all
            return NOTHING
        if tail in WRITES:
            return self.file_write(args, node, name)
        if name.endswith(("add.at", "subtract.at", "maximum.at")) and len(args) > 1:
            self.write(args[0], args[1], args[2] if len(args) > 2 else NOTHING, node)
            return NOTHING
        return self._tensor(tail, args, keywords, node, name)
