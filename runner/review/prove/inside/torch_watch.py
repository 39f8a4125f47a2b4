"""What a run computes: which tokens went into a forward, which into an update, which were priced, and at what.

Runs inside the cut-off room; torch and numpy by their names only. Tokens are known again by their run in the text: a
row of ids that stands in a shard that the room was given, `LEAST` or more in a row.
"""

from __future__ import annotations

import functools
import importlib
import sys
import weakref
from pathlib import Path
from typing import Any

LEAST = 16
MOST_LEDGER = 400_000
MOST_ROWS = 64


class TorchWatch:
    """The watched functions of torch, and what came by."""

    def __init__(self, torch: Any, watch: Any, spec: dict[str, Any]) -> None:
        self.torch, self.watch = torch, watch
        self.numpy: Any = importlib.import_module("numpy")
        self.texts: dict[str, bytes] = {}
        for path, role in spec["data"].items():
            if role in ("train", "val") and role not in self.texts:
                content = Path(path).read_bytes()
                self.texts[role] = content[int(spec["header"]) :]
        self.ledger: list[list[Any]] = []
        self.room = MOST_LEDGER if spec["ledger"] else 0
        self.modules: dict[int, Any] = {}
        self.pending: dict[str, list[list[int]]] = {"val": [], "train": []}
        self.kinds: dict[int, str] = {}
        self.seeds: set[int] = set()
        self.alphabets: dict[str, int] = {}
        self.longest = 0
        self.inside = False
        self.last_shape = (1, 0)
        self.returned: list[Any] = []

    def ranges(self, ids: Any) -> tuple[str, list[list[int]]]:
        """(val, train or '', [start, end) of the text that these ids are); rows of a matrix one by one."""
        flat = ids.detach().reshape(-1).to(self.torch.int64).cpu().numpy()
        if not len(flat) or int(flat.min()) < 0 or int(flat.max()) > 65535:
            return "", []
        flat = flat.astype("<u2")
        for role in ("val", "train"):
            if found := self._found(flat, self.texts.get(role, b"")):
                return role, found
        return "", []

    def _found(self, flat: Any, text: bytes) -> list[list[int]]:
        """[start, end, place in `flat`] of its rows, as far as they stand in the text."""
        found: list[list[int]] = []
        rows, width = self.last_shape
        width = width if rows * width == len(flat) else len(flat)
        for at in range(0, len(flat), max(width, 1)):
            found += self._row(flat[at : at + width], at, text)
            if not found or len(found) >= MOST_ROWS:
                break
        return found

    def _row(self, row: Any, at: int, text: bytes) -> list[list[int]]:
        if len(row) < LEAST:
            return []
        whole = self.numpy.frombuffer(text[: len(text) // 2 * 2], "<u2")
        for piece in (row, row[:LEAST]):
            place = text.find(piece.tobytes())
            while place > 0 and place % 2:
                place = text.find(piece.tobytes(), place + 1)
            if place >= 0:
                start = place // 2
                length = min(len(whole) - start, len(row))
                same = whole[start : start + length] == row[:length]
                run = length if same.all() else int(same.argmin())
                return [[start, start + run, at]]
        return []

    def embedded(self, ids: Any, weight: Any) -> None:
        """Tokens go into a forward."""
        torch = self.torch
        if self.inside or not torch.is_tensor(ids) or ids.is_floating_point():
            return
        self.watch.spend("forward")
        rows = int(weight.shape[0])
        if ids.dim():
            self.last_shape = (int(ids.numel() // max(1, ids.shape[-1])), int(ids.shape[-1]))
            self.longest = max(self.longest, int(ids.shape[-1]))
        role, found = self.ranges(ids)
        if role:
            self.alphabets[role] = min(rows, self.alphabets.get(role, rows))
            grad = torch.is_grad_enabled()
            self.watch.note("forward", role=role, grad=grad, ranges=[one[:2] for one in found[:16]])
            if grad:
                self.pending[role] += found
        elif "" not in self.alphabets or rows < self.alphabets[""]:
            self.alphabets[""] = rows

    def priced(self, scores: Any, targets: Any, plain: Any) -> None:
        """Targets were priced by a cross entropy."""
        torch = self.torch
        if self.inside or not torch.is_tensor(targets) or targets.is_floating_point():
            return
        role, found = self.ranges(targets)
        if not role:
            return
        self.alphabets.setdefault("logits", int(scores.shape[1 if scores.dim() > 1 else 0]))
        grad = torch.is_grad_enabled() and scores.requires_grad
        self.watch.note("price", role=role, grad=grad, ranges=[one[:2] for one in found[:8]])
        if grad:
            self.pending[role] += found
        if role == "val" and not grad and self.room > 0:
            self.inside = True
            try:
                with torch.no_grad():
                    losses = plain(scores.detach().float(), targets, reduction="none").reshape(-1).double().tolist()
            except Exception:
                losses = []
            finally:
                self.inside = False
            for start, end, at in found:
                values = losses[at : at + end - start]
                self.room -= len(values)
                self.ledger.append([len(self.watch.events), start, values])

    def updated(self, how: str) -> None:
        """A backward: what was embedded or priced with gradients since the last one is learnt from."""
        for role in ("val", "train"):
            spans = self.pending[role]
            if spans:
                lows, highs = min(one[0] for one in spans), max(one[1] for one in spans)
                self.watch.note("update", role=role, how=how, ranges=[[lows, highs]])
            self.pending[role] = []

    def stepped(self, optimizer: Any) -> None:
        """An optimizer's step; its parameters belong to a module, or are tensors of their own."""
        self.watch.spend("step")
        kind = self.kinds.get(id(optimizer))
        if kind is None:
            owned = [self._owned(one) for group in optimizer.param_groups for one in group["params"]]
            kind = self.kinds[id(optimizer)] = "module" if any(owned) else "free"
        self.watch.note("step", of=kind)

    def _owned(self, parameter: Any) -> bool:
        reference = self.modules.get(id(parameter))
        return reference is not None and reference() is parameter

    def returns(self, frame: Any, event: str, value: Any) -> None:
        """Remember rows of numbers that the script's functions return."""
        if event != "return" or not frame.f_code.co_filename.startswith((self.watch.script, "<string>")):
            return
        if isinstance(value, list) and len(value) > LEAST and type(value[0]) is float:
            row = value[:MOST_LEDGER]
        elif type(value).__module__ in ("torch", "numpy") and _is_row(value):
            row = value.tolist()[:MOST_LEDGER]
        else:
            return
        self.returned = [*self.returned[-5:], row]

    def told(self) -> dict[str, Any]:
        """What goes into the report."""
        sys.setprofile(None)
        return {
            "ledger": self.ledger,
            "returned": self.returned,
            "seeds": len(self.seeds),
            "alphabets": self.alphabets,
            "longest": self.longest,
        }


def _is_row(value: Any) -> bool:
    shape: Any = getattr(value, "shape", ())
    return len(shape) == 1 and shape[0] > LEAST and "float" in str(value.dtype)


def install(torch: Any, watch: Any, spec: dict[str, Any]) -> None:
    """Watch this process's torch from now on."""
    seen = TorchWatch(torch, watch, spec)
    functional = torch.nn.functional
    embedding, entropy, seed = functional.embedding, functional.cross_entropy, torch.manual_seed
    backward, grad = torch.autograd.backward, torch.autograd.grad
    save, load = torch.save, torch.load
    register = torch.nn.Module.register_parameter

    def once(function: Any, look: Any) -> Any:
        """The function, looked at before; a mode of torch calls it a second time from within."""

        @functools.wraps(function)
        def watched(input: Any, other: Any, *values: Any, **named: Any) -> Any:
            if seen.inside:
                return function(input, other, *values, **named)
            look(input, other)
            seen.inside = True
            try:
                return function(input, other, *values, **named)
            finally:
                seen.inside = False

        return watched

    def backward_(*values: Any, **named: Any) -> Any:
        seen.updated("backward")
        return backward(*values, **named)

    def grad_(outputs: Any, inputs: Any, *values: Any, **named: Any) -> Any:
        seen.updated("grad")
        given = [inputs] if torch.is_tensor(inputs) else list(inputs)
        watch.note("step", of="module" if any(seen._owned(one) for one in given) else "free")
        return grad(outputs, inputs, *values, **named)

    def seed_(number: Any) -> Any:
        seen.seeds.add(int(number))
        return seed(number)

    def register_(module: Any, name: str, parameter: Any) -> None:
        if parameter is not None:
            seen.modules[id(parameter)] = weakref.ref(parameter)
        register(module, name, parameter)

    def save_(value: Any, place: Any, *values: Any, **named: Any) -> Any:
        if isinstance(place, (str, bytes)) or hasattr(place, "__fspath__"):
            watch.file(place, True)
        return save(value, place, *values, **named)

    def load_(place: Any, *values: Any, **named: Any) -> Any:
        if isinstance(place, (str, bytes)) or hasattr(place, "__fspath__"):
            watch.file(place, False)
        return load(place, *values, **named)

    functional.embedding = once(embedding, seen.embedded)
    functional.cross_entropy = once(entropy, lambda scores, targets: seen.priced(scores, targets, entropy))
    torch.manual_seed = seed_
    torch.autograd.backward, torch.autograd.grad = backward_, grad_
    torch.save, torch.load = save_, load_
    torch.nn.Module.register_parameter = register_
    optimizers = importlib.import_module("torch.optim.optimizer")
    optimizers.register_optimizer_step_post_hook(lambda optimizer, *_: seen.stepped(optimizer))
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    if spec["ledger"]:
        sys.setprofile(seen.returns)
    told = watch.told

    watch.told = lambda folder: {**told(folder), **seen.told()}
