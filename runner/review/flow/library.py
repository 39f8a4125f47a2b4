"""What calls into libraries do to labels: files, tensors, prices, gradients, steps, tables, logs.

A call that nothing here knows gives back the labels of all that went in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runner.review.flow.constants import BUILTINS, folded, method
from runner.review.flow.expressions import Expressions
from runner.review.flow.machine import labels_of_text
from runner.review.flow.values import (
    BYTES,
    COUNT,
    GOLD,
    LOGARITHM,
    LOGITS,
    NONE,
    NOTHING,
    PART,
    PER_BYTE,
    TOTAL,
    UNSET,
    VAL,
    Labels,
    Scope,
    Thing,
    Value,
    choices_of,
    join,
    of,
    starting,
    weights,
)

FRESH = {
    *("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like", "rand", "randn"),
    *("randint", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque", "set", "dict", "randn_like", "eye"),
}
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
COUNTS = {"numel", "size", "dim", "len", "data_ptr", "element_size", "nelement", "perf_counter", "time", "monotonic"}
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
LOSSES = {"cross_entropy", "nll_loss", "linear_cross_entropy", "fused_cross_entropy", "CrossEntropyLoss"}
GATHERS = {"gather", "take_along_axis", "take_along_dim", "index_select", "take"}
SCATTERS = {"scatter_add_", "index_add_", "scatter_", "index_put_", "put_", "scatter_reduce_", "index_copy_"}
TOTALS = {"sum", "mean", "nansum", "nanmean", "average", "dot", "cumsum", "fsum", "logsumexp"}
PICKS = {"where", "minimum", "maximum", "fmin", "fmax", "min", "max", "amin", "amax"}
LOGS = {"log", "log2", "log_", "log1p", "log10"}
RISES = {"exp", "exp2", "exp_", "logaddexp", "logaddexp2", "logsumexp"}
INPLACE = {"add_", "sub_", "mul_", "lerp_", "addcmul_", "addcdiv_", "div_", "foreach_add_"}
PARAMETERS = {
    "parameters",
    "named_parameters",
    "state_dict",
    "named_buffers",
    "buffers",
    "modules",
    "named_modules",
    "children",
}
ITSELF = {
    *("to", "cuda", "cpu", "float", "half", "bfloat16", "double", "train", "eval", "requires_grad_", "contiguous"),
    *("detach", "view", "reshape", "flatten", "squeeze", "unsqueeze", "numpy", "pin_memory", "apply", "astype"),
    *(
        "view_as",
        "expand",
        "long",
        "int",
        "transpose",
        "permute",
        "share_memory_",
        "ravel",
        "copy_to",
        "compile",
        "type",
    ),
}
SAID = re.compile(r"log|print|info|write|say|report|tqdm", re.IGNORECASE)
ARRAYS = {"tofile", "fromfile", "save", "load", "memmap"}
ONLINE = re.compile(
    r"^(?:urllib\.request\.|urllib3\.|requests\.(?:get|post|Session|request)|httpx\.|aiohttp\.|http\.client\.|ftplib\."
    r"|socket\.(?:create_connection|socket$)|huggingface_hub\.(?:\w*download|HfApi|HfFileSystem|login|list_repo)"
    r"|datasets\.load_dataset|wandb\.init|torch\.hub\.|boto3\.|gdown\.|kagglehub\.|modelscope\.)"
)
FETCHES = re.compile(r"\b(?:pip3?|uv|curl|wget|git clone|git pull|apt|apt-get|conda|huggingface-cli|aria2c)\b")
NATIVE = {"CDLL", "LoadLibrary", "PyDLL", "dlopen", "load_inline", "verify"}
RANKS = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


class Library(Expressions):
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

    def _online(self, name: str, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> None:
        """Calls that leave the machine."""
        top = name.split(".")[0]
        if ONLINE.search(name):
            self.emit("network", node, about=name)
        elif top in ("subprocess", "os") and tail in (
            "run",
            "call",
            "check_call",
            "check_output",
            "Popen",
            "system",
            "popen",
        ):
            words = " ".join(
                str(one.value)
                for one in ast.walk(node)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            if FETCHES.search(words):
                self.emit("network", node, about=f"{name}: {words[:60]}")

    def _environment(self, name: str, tail: str, args: list[Value], keywords: dict[str, Value]) -> Value | None:
        if not (
            name.endswith(("environ.get", "getenv", "environ.setdefault", "environ.pop")) and args and args[0].known
        ):
            return None
        return self.setting(
            str(args[0].const), args[1] if len(args) > 1 else keywords.get("default", Value(const=None))
        )

    def setting(self, name: str, default: Value) -> Value:
        """What an environment variable holds: what the run says, else its default."""
        if name in ("RANK", "LOCAL_RANK"):  # every rank runs
            return NOTHING
        said = self.settings.value_of(name)
        low = name.lower()
        labels = default.labels
        if re.search(r"(?:^|_)val(?:id)?_.*(?:file|path|glob|pattern|bin|tokens_path)", low) and "loss" not in low:
            labels |= {VAL}
        if said is not None and said[0] in ("True", "False"):
            return Value(labels, str(int(said[0] == "True")), frozenset({name}))
        if said is not None:
            return Value(labels | labels_of_text(said[0]), said[0], frozenset({name}))
        if name in RANKS:
            return NOTHING
        if not default.known:
            return Value(labels, settings=default.settings | {name}, thing=default.thing)
        return Value(labels, default.const, default.settings | {name})

    def _builtin(
        self, name: str, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value | None:
        if name in BUILTINS:
            if name == "len":
                out: Labels = (
                    frozenset({BYTES}) if args and ("enc" in args[0].all or starting(args[0].all, "r:")) else NONE
                )
                if args and args[0].known and args[0].thing is None:
                    return Value(out, folded(len, args[0].const), args[0].settings)
                return of(out | self.counted(args[0].all if args else NONE).labels)
            if name == "min" and len(args) > 1 and any(COUNT in one.all for one in args):
                capped = any(isinstance(one.const, int) and one.const > 1 for one in args)
                return of(frozenset().union(*(one.all for one in args)) | ({PART} if capped else NONE))
            if name in ("min", "max") and len(args) > 1:
                picked = self.pick(args, node)
                if picked:
                    return of(picked.union(*(one.all for one in args)))
            if args and all(one.known for one in args) and not keywords:
                const = folded(BUILTINS[name], *(one.const for one in args))
                settings = frozenset().union(*(one.settings for one in args))
                if const is not UNSET:
                    return Value(frozenset().union(*(one.all for one in args)), const, settings)
            if name in ("int", "float", "abs", "round") and args:
                return of(args[0].all)
            if name in ("list", "tuple", "sorted") and args:
                return self._collected(args[0], node)
            if name in ("min", "max") and len(args) == 1:
                key = keywords.get("key")
                if key is not None:
                    self._keyed(args[0], key, node, scope)
            return None
        if name in (
            "enumerate",
            "zip",
            "reversed",
            "iter",
            "tqdm",
            "tqdm.tqdm",
            "trange",
            "itertools.chain",
            "chain",
            "next",
            "anext",
        ):
            return self._iterated(name, args, node)
        if tail in ("range", "trange"):
            labels = (
                frozenset().union(*(starting(one.all, "i:") | (one.all & {"span"}) for one in args)) if args else NONE
            )
            return Value(labels, thing=Thing("range"))
        if name == "getattr" and len(args) > 1 and args[1].known:
            found = self.attribute(args[0], str(args[1].const), node)
            blank = found.thing is None and not found.labels and not found.known
            missing = blank or (found.thing is not None and found.thing.kind == "bound" and found.thing.inner is None)
            return args[2] if len(args) > 2 and missing else found
        if name == "setattr" and len(args) > 2 and args[1].known:
            for thing in choices_of(args[0].thing):
                thing.fields[str(args[1].const)] = args[2]
            return NOTHING
        if name in (
            "isinstance",
            "hasattr",
            "callable",
            "issubclass",
            "id",
            "type",
            "print",
            "super",
            "vars",
            "globals",
            "locals",
        ):
            return NOTHING
        if tail == "ArgumentParser":
            return Value(thing=self.thing(node, "instance", "argparse"))
        if tail == "SimpleNamespace":
            made = self.thing(node, "instance")
            made.fields.update(keywords)
            return Value(thing=made)
        if name in ("exec", "eval", "compile", "__import__") or tail == "import_module":
            self.emit("dynamic", node, about=name)
            if tail in ("import_module", "__import__") and args and isinstance(args[0].const, str):
                return self.load_module(args[0].const) or Value(thing=Thing("library", args[0].const))
        return None

    def _keyed(self, many: Value, key: Value, node: ast.AST, scope: Scope) -> None:
        """min(…, key=…): what it chooses by."""

        def one(item: Value) -> None:
            chosen = self.apply(key, [item], {}, node, scope)
            self.emit("choose", node, chosen.all, weights(item.all | chosen.all))

        self.each(many, node, one)

    def _collected(self, many: Value, node: ast.AST) -> Value:
        if many.thing is None or many.thing.kind not in ("generator", "zip", "range"):
            if many.thing is not None and many.thing.kind == "dict":
                return Value(many.all, thing=Thing("list", content=many.thing.content))
            return replace(many, const=UNSET) if many.thing is not None else of(many.all)
        made = self.thing(node, "list")

        def one(item: Value) -> None:
            made.content |= item.all
            if item.thing is not None:
                made.fields[-1 - len(made.fields) % 4] = item

        self.each(many, node, one)
        return Value(made.content, thing=made)

    def _iterated(self, name: str, args: list[Value], node: ast.AST) -> Value:
        if name == "enumerate" and args:
            return Value(args[0].labels, thing=Thing("zip", args=(Value(thing=Thing("range")), args[0])))
        if name in ("zip",):
            labels = frozenset().union(*(one.labels for one in args)) if args else NONE
            return Value(labels, thing=Thing("zip", args=tuple(args)))
        if name in ("next", "anext") and args:
            got: list[Value] = []
            self.each(args[0], node, got.append)
            out = got[0] if got else NOTHING
            for one in got[1:]:
                out = join(out, one)
            return out
        if not args:
            return NOTHING
        return args[0] if len(args) == 1 or "tqdm" in name else of(frozenset().union(*(one.all for one in args)))

    def _fresh(self, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        wanted = keywords.get("requires_grad")
        if wanted is not None and wanted.const is True:
            return self.leaf(node, args)
        kind = "dict" if tail in ("defaultdict", "OrderedDict", "Counter", "dict", "set") else "array"
        made = self.thing(node, kind, tail)
        if tail == "dict":
            made.fields.update(keywords)
        if kind == "array" and args and args[0].known and isinstance(args[0].const, int):
            made.name = f"{tail}:{args[0].const}"
        labels: Labels = NONE
        if tail == "full" and len(args) > 1:
            labels = args[1].all
        elif tail in ("Counter", "dict", "set", "deque", "OrderedDict") and args:
            labels = args[0].all
        made.content |= labels
        return Value(thing=made)

    def leaf(self, node: ast.AST, args: list[Value]) -> Value:
        """A tensor of its own that is fitted."""
        made = self.thing(node, "leaf")
        inputs = frozenset().union(*(one.all for one in args)) if args else NONE
        if self.owner:
            return Value(self.owner | (inputs - {"grad"}), thing=made)
        self.emit("leaf", node, inputs, frozenset({f"w:{made.serial}"}), about=ast.unparse(node)[:120])
        return Value(frozenset({f"w:{made.serial}", "leaf"}) | (inputs - {"grad"}), thing=made)

    def optimizer(self, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        made = self.thing(node, "optimizer")
        for one in (*args, *keywords.values()):
            made.content |= weights(one.all) | (one.all & {"leaf"})
        return Value(made.content, thing=made)

    def copied(self, value: Value, node: ast.AST) -> Value:
        """A deep copy: weights of their own, as good as those that they come from."""
        thing = value.thing
        if thing is not None and thing.kind == "network":
            made = self.thing(node, "network", thing.name)
            made.inner = thing.inner
            made.fields = dict(thing.fields)
            mine = frozenset({f"w:{made.serial}"})
            self.emit("load", node, value.all, mine)
            return Value(mine, thing=made)
        return self.snapshot(value, node)

    def snapshot(self, value: Value, node: ast.AST) -> Value:
        if not weights(value.all):
            return value
        event = self.emit("snap", node, value.all)
        return Value(
            value.all | {f"snap:{event.serial}"},
            thing=value.thing if value.thing and value.thing.kind == "dict" else None,
        )

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
        if starting(labels, "g:"):
            self.emit("report", node, labels, about="val_loss saved")
        self.emit("file-write", node, labels, about=name)
        if name.rpartition(".")[2] in ARRAYS and GOLD in labels:
            self.prices |= frozenset(one for one in labels if one in (GOLD, VAL, "ln") or one.startswith("g:"))
        self.disk |= frozenset(one for one in labels if one[:2] in ("w:", "sn"))
        if not labels & {GOLD, LOGITS}:
            self.disk |= frozenset(f"disk:{one}" for one in labels & {VAL, "train"})
        return NOTHING

    def write(self, table: Value, key: Value, value: Value, node: ast.AST) -> None:
        """`table[key] = value`, however it is spelled."""
        for thing in choices_of(table.thing):
            keyed = frozenset(f"by:{one}" for one in key.all & {VAL, "train"})
            thing.content |= value.all | starting(key.all, "i:") | keyed
            self.emit("write", node, key.all, value.all | table.labels, about=str(thing.serial))

    def pick(self, args: list[Value], node: ast.AST) -> Labels:
        """The smaller or larger of two prices of one token."""
        prices = [one for one in args if GOLD in one.all or self.read_by_target(one.all)]
        added: set[str] = set()
        if len(prices) > 1 and any(GOLD in one.all for one in prices):
            first, *rest = prices
            for one in rest:
                rounds = ("older" in one.all) != ("older" in first.all)
                if rounds or starting(one.all, "g:") != starting(first.all, "g:") or len(prices) > 2:
                    added.add(f"pick:{self.emit('pick', node, first.all, one.all).serial}")
        return frozenset(added)

    def read_by_target(self, labels: Labels) -> bool:
        """Whether it was read from a table by a token of this round."""
        return any(starting(self.asked_for(one), "tok:") for one in starting(labels, "r:"))

    def counted(self, labels: Labels) -> Value:
        """How many tokens a text has."""
        return of(frozenset({COUNT})) if VAL in labels and not labels & {GOLD, LOGITS} else NOTHING

    def aim(self, target: Labels, given: Labels) -> None:
        """Tokens of a target that the network did not see are what is to be told."""
        self.targets |= starting(target, "tok:") - starting(given, "tok:")

    def price(self, args: list[Value], keywords: dict[str, Value], node: ast.AST, each: bool) -> Value:
        """The price of the token that came, under scores for all of them."""
        labels = frozenset().union(*(one.all for one in (*args, *keywords.values()))) if args else NONE
        event = self.emit("price", node, labels)
        return of(labels | {GOLD, LOGARITHM, f"g:{event.serial}"} | (NONE if each else frozenset({TOTAL})))

    def _tensor(self, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, name: str) -> Value:
        """A function over tensors."""
        labels: Labels = NONE
        for one in (*args, *keywords.values()):
            labels |= one.all
        if tail in LOSSES:
            reduction = keywords.get("reduction")
            aimed = keywords.get("target", args[1] if len(args) > 1 else NOTHING)
            if args and VAL in aimed.all:
                self.aim(aimed.all, args[0].all)
            return self.price(args, keywords, node, reduction is not None and reduction.const == "none")
        if tail in GATHERS and len(args) > 1:
            return self.read(args[0], args[2] if len(args) > 2 else args[1], node)
        if tail in COUNTS:
            return self.counted(labels)
        if tail in PICKS:
            if tail != "where":
                labels |= self.pick(args, node)
            elif len(args) == 3 and GOLD in args[0].all and TOTAL not in args[0].all:
                labels |= self.pick(args[-2:], node)
            two = tail == "where" and len(args) == 3 and not (GOLD in args[1].all and GOLD in args[2].all)
            if two and GOLD in args[0].all and TOTAL not in args[0].all:
                self.emit("weight", node, args[0].all, args[1].all | args[2].all)
        self._forced(tail, args, node)
        labels = self.shaped(tail, labels, args, node)
        if tail in ("from_numpy", "as_tensor", "asarray", "ascontiguousarray", "array", "tensor") and args:
            thing = args[0].thing
            if keywords.get("requires_grad", NOTHING).const is True:
                return self.leaf(node, args)
            kept = (
                thing
                if thing is not None and thing.kind in ("array", "leaf", "list", "network")
                else self.thing(node, "array")
            )
            return Value(labels, thing=kept)
        const: Any = UNSET
        if tail == "join" and args and all(one.known for one in args):
            const = "/".join(str(one.const) for one in args)
            labels |= labels_of_text(const)
        elif tail in ("Path", "expanduser", "abspath", "str") and args and args[0].known:
            const = args[0].const
        settings = frozenset().union(*(one.settings for one in args)) if const is not UNSET else NONE
        return Value(labels, const, settings)

    def _forced(self, tail: str, args: list[Value], node: ast.AST) -> None:
        """A price set to a number where two texts agree."""
        if tail in ("masked_fill", "masked_fill_") and len(args) > 2 and "agree" in args[1].all:
            self._zeroed(args[0], args[2], args[1], node)
        if tail == "where" and len(args) == 3 and "agree" in args[0].all:
            for one, other in ((args[1], args[2]), (args[2], args[1])):
                self._zeroed(other, one, args[0], node)

    def _zeroed(self, price: Value, put: Value, where: Value, node: ast.AST) -> None:
        zero = put.known and not isinstance(put.const, bool) and put.const == 0
        if zero and GOLD in price.all and TOTAL not in price.all:
            self.emit("forced", node, price.all, where.all)

    def shaped(self, tail: str, labels: Labels, args: list[Value], node: ast.AST) -> Labels:
        """Labels that a function's kind adds or takes."""
        if tail in TOTALS and GOLD in labels:
            labels |= {TOTAL}
        if tail in LOGS and GOLD not in labels and (starting(labels, "ratio:") or starting(labels, "r:")):
            event = self.emit("price", node, labels)
            labels |= {GOLD, f"g:{event.serial}"}
        if tail in LOGS or tail == "log_softmax":
            labels |= {LOGARITHM}
        if tail in RISES and PER_BYTE in labels and TOTAL not in labels:
            event = self.emit("spread", node, labels)
            labels |= {f"spread:{event.serial}"}
        if tail in ("sqrt", "pow", "power") and GOLD in labels and TOTAL not in labels:
            labels |= {f"scaled:{self.emit('scaled', node, labels).serial}"}
        if tail in ("exp", "exp_", "exp2"):
            labels -= {LOGARITHM}
        if tail == "encode":
            labels |= {"enc"}
        if tail in ("softmax", "log_softmax"):
            labels |= {LOGITS}
        if tail in ("argmax", "topk", "multinomial"):
            labels = labels - {GOLD}
        return labels

    def method_call(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        """A method of a value that is not an instance of the script's own class."""
        thing = receiver.thing
        if receiver.known and isinstance(receiver.const, str):
            const = (
                method(name, receiver.const, [one.const for one in args]) if all(one.known for one in args) else UNSET
            )
            if name == "encode":
                return of(receiver.labels | {"enc"})
            settings = receiver.settings.union(*(one.settings for one in args))
            return Value(
                receiver.labels | (labels_of_text(const) if isinstance(const, str) else NONE),
                const,
                settings if const is not UNSET else NONE,
            )
        special: Callable[..., Value | None]
        for special in (self._on_gradients, self._on_tables, self._on_parsers):
            out = special(receiver, name, args, keywords, node)
            if out is not None:
                return out
        if name in COUNTS:
            return self.counted(receiver.all)
        if name in ("data_as", "ctypes") and thing is not None and thing.receiver is not None:
            return thing.receiver
        if name in ("clone", "copy") and weights(receiver.all):
            return self.snapshot(receiver, node)
        if name in PARAMETERS and weights(receiver.all):
            labels = weights(receiver.all)
            if name.startswith("named_"):
                return Value(labels, thing=Thing("zip", args=(NOTHING, of(labels))))
            if name == "state_dict":
                return Value(labels, thing=Thing("dict", content=labels))
            return of(labels)
        if name in ITSELF:
            if keywords.get("copy", NOTHING).const is True:
                return self.snapshot(receiver, node)
            kept = thing if thing is not None and thing.kind in ("array", "leaf", "network", "list") else None
            return Value(receiver.all, thing=kept)
        if name in READS and name != "load":
            return self.file_read([receiver, *args], node, name)
        if name in WRITES and name != "save":
            return self.file_write([receiver, *args] if name == "tofile" else args, node, name)
        if name.endswith("_") and thing is not None and thing.kind == "array":
            thing.content |= frozenset().union(NONE, *(one.all for one in args))
            if name == "zero_" and GOLD in receiver.all:
                self.emit("wiped", node, receiver.all, about=str(thing.serial))
            return receiver
        return self._tensor(name, [receiver, *args], keywords, node, name)

    def _on_gradients(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value | None:
        labels = frozenset().union(*(one.all for one in args)) if args else NONE
        if name == "backward":
            self.gradient = receiver.all
            self.emit("backward", node, receiver.all)
            return NOTHING
        if name == "step" and (receiver.thing is None or receiver.thing.kind != "scheduler"):
            for one in args:
                if one.thing is not None and one.thing.kind in ("function", "bound", "partial"):
                    self.apply(one, [], {}, node, Scope(self.file))
            return self.stepped(receiver, node)
        if name in ("load_state_dict", "copy_", "set_") and args:
            if weights(receiver.all):
                self.emit("load", node, labels, weights(receiver.all))
            elif receiver.thing is not None:
                receiver.thing.content |= labels
            return receiver
        if name in INPLACE and weights(receiver.all) and args:
            if "grad" in labels:
                self.emit("update", node, self.gradient, weights(receiver.all))
            elif labels & {VAL, "train"} and not weights(labels):
                self.emit("update", node, labels, weights(receiver.all))
            return receiver
        if (
            name != "zero_grad"
            and name.startswith(("reset", "zero_", "fill_", "normal_", "uniform_", "init_"))
            and weights(receiver.all)
        ):
            self.emit("reset", node, other=weights(receiver.all))
            return receiver
        if name.endswith(("forward_hook", "forward_pre_hook")):
            self.hooks = weights(receiver.all) | {"on"}
            return Value(thing=Thing("hook"))
        if name == "remove" and receiver.thing is not None and receiver.thing.kind == "hook":
            self.hooks = NONE
            return NOTHING
        return None

    def stepped(self, receiver: Value, node: ast.AST) -> Value:
        if self.gradient and (
            receiver.thing is None or receiver.thing.kind in ("optimizer", "either", "list", "instance")
        ):
            params = weights(receiver.all) or weights(self.gradient)
            self.emit("update", node, self.gradient, params)
        return NOTHING

    def _on_tables(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value | None:
        thing = receiver.thing
        if name in SCATTERS and args:
            index = 1 if len(args) > 1 and args[0].known else 0
            self.write(receiver, args[index], args[index + 1] if len(args) > index + 1 else NOTHING, node)
            return receiver
        if name in GATHERS and args:
            return self.read(receiver, args[1] if len(args) > 1 else args[0], node)
        if thing is None or thing.kind not in ("array", "dict", "list"):
            return None
        if name in ("append", "add", "appendleft", "extend", "update", "insert") and args:
            item = args[-1].plus(frozenset(f"i:{one}" for one in self.asked))
            labels = item.all
            if thing.name in ("bytearray", "deque"):  # a history: what is read from it was put in earlier
                labels = frozenset("past:" + one[4:] if one.startswith("tok:") else one for one in labels)
            thing.content |= labels
            if name == "append" and item.thing is not None:
                thing.fields[-1 - len(thing.fields) % 4] = item
            if thing.kind == "dict":
                self.emit("write", node, item.all, about=str(thing.serial))
            return NOTHING
        if name in ("get", "pop", "popleft") and args:
            known = (
                thing.fields.get(args[0].const) if args[0].known and isinstance(args[0].const, (str, int)) else None
            )
            if known is not None:
                return known
            out = self.read(Value(receiver.labels, thing=thing), args[0], node)
            return Value(out.labels | (args[1].all if len(args) > 1 else NONE), thing=out.thing)
        if name == "setdefault" and len(args) > 1:
            made = self.thing(node, args[1].thing.kind, "row") if args[1].thing is not None else None
            thing.content |= frozenset(f"by:{one}" for one in args[0].all & {VAL, "train"})
            if made is not None:
                thing.fields[("row", made.serial)] = Value(thing=made)
            got = self.read(Value(receiver.labels, thing=thing), args[0], node)
            return Value(got.labels, thing=made)
        if name == "items":
            element = Value(receiver.all, thing=self._element(thing))
            return Value(receiver.all, thing=Thing("zip", args=(of(thing.content), element)))
        if name == "values":
            return Value(receiver.all, thing=Thing("list", fields=thing.fields, content=thing.content))
        if name == "keys":
            return of(receiver.all)
        return None

    def _on_parsers(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value | None:
        thing = receiver.thing
        if thing is None or thing.name != "argparse":
            return None
        if name == "add_argument" and args and isinstance(args[-1].const, str):
            flag = args[-1].const
            default = keywords.get("default", Value(const=False if "action" in keywords else None))
            said = self.settings.value_of(flag.lstrip("-"))
            const = said[0] if said is not None else default.const
            key = str(keywords["dest"].const) if "dest" in keywords else flag.lstrip("-").replace("-", "_")
            thing.fields[key] = Value(default.labels, const, default.settings | {flag}, default.thing)
            return NOTHING
        if name in ("parse_args", "parse_known_args"):
            if name == "parse_known_args":
                return Value(thing=Thing("list", fields={0: receiver, 1: NOTHING}))
            return receiver
        return receiver if name.startswith("add_") else NOTHING
