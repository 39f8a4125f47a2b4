"""What golf's own script sums up to a score: each scored target with its place, its price and its bytes.

Runs inside the cut-off room; torch and numpy by their names only. The script is the one that is shipped and knows
nothing of this: its class `Tally` is watched where Python builds it, and the places are read from the two functions
that call it: golf_model/scoring/evaluate.py (its `some`, `length`, `last`, `targets`) and streaming.py (`starts`,
`chunk`, `targets`), whatever these are called in the shipped script. Whoever reads the list holds it against the
text and the printed score.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import Any

LISTED = ".prices.npy"
"""What follows a report's name in that of its list: float64 (5, n): pass, place, nats, bytes, token."""


class OwnWatch:
    """What came into the script's tallies, in order; each tally is a pass over the text."""

    def __init__(self, torch: Any) -> None:
        self.torch: Any = torch
        self.numpy: Any = importlib.import_module("numpy")
        self.tallies: list[Any] = []
        self.rows: list[Any] = []

    def added(self, tally: Any, losses: Any, sizes: Any, scored: Any, caller: dict[str, Any]) -> None:
        """A batch is taken in; caller: variables of whoever counts it, by their names in golf_model."""
        if not any(one is tally for one in self.tallies):
            self.tallies.append(tally)
        number = next(at for at, one in enumerate(self.tallies) if one is tally)
        if "some" in caller:
            begins, width, last = caller["some"][:, 0], caller["length"], -caller["last"]
        else:
            begins, width, last = self.torch.tensor(caller["starts"]), caller["chunk"], 0
        places = self.torch.zeros(scored.shape[0], width, dtype=self.torch.int64)
        places[: len(begins)] = begins.cpu()[:, None] + self.torch.arange(width)
        places, targets = places[:, last or None :], caller["targets"][:, last or None :]
        parts = [one.cpu().reshape(-1)[scored.cpu().reshape(-1)] for one in (places, losses, sizes, targets)]
        parts = [one.to(self.torch.float64).numpy() for one in parts]
        self.rows.append(self.numpy.stack([self.numpy.full(len(parts[0]), float(number)), *parts]))

    def write(self, path: str) -> None:
        """The list, where something was counted."""
        if self.rows:
            self.numpy.save(path, self.numpy.concatenate(self.rows, axis=1), allow_pickle=False)


def install(torch: Any, watch: Any, spec: dict[str, Any]) -> None:
    """Watch each class `Tally` and `Events` that this process builds from now on.

    The list is written with the report; what is announced is noted on the room's clock.
    """
    seen, build, told = OwnWatch(torch), builtins.__build_class__, watch.told

    def building(body: Any, name: str, *bases: Any, **named: Any) -> Any:
        made = build(body, name, *bases, **named)
        if name == "Tally":
            add = made.add

            def watched(self: Any, losses: Any, sizes: Any, scored: Any) -> None:
                frame = sys._getframe(1)
                here, names = frame.f_locals, spec["own"][frame.f_code.co_name]
                seen.added(self, losses, sizes, scored, {one: here[called] for one, called in names.items()})
                add(self, losses, sizes, scored)

            made.add = watched
        if name == "Events":
            announce = made.announce

            def announced(self: Any, name: str) -> None:
                watch.note("phase", name=name)
                announce(self, name)

            made.announce = announced
        return made

    def telling(folder: str) -> dict[str, Any]:
        seen.write(spec["report"] + LISTED)
        found: dict[str, Any] = told(folder)
        return found

    vars(builtins)["__build_class__"] = building
    watch.told = telling
