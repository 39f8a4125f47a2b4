"""Every number of the golden file of PR #1855 is looked at: another one in its place, and its check fails."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.golden_cases import Golden
from tests.fixtures.places import GOLDENS
from tests.test_parity import CHECKS, CHECKS_OF_SCRIPT, SPLIT_SECTIONS

FILE = GOLDENS / "golden_1855.json"
TOLD = {"note", "what", "rule", "calibration", "settings", "env", "train_seq_len", "input"}
"""Keys that say how a number was made, and settings of the case."""
NOT_COMPUTED = {
    *(("script",), ("source_sha256",), ("torch",), ("made_by",), ("conventions",), ("trust",), ("hyperparameters",)),
    *(("tiny", "env"), ("full", "env"), ("full", "mixed_precision_note"), ("similarity_sort_l1",)),
    *(("tiny", name) for name in ("vocab", "dim", "heads", "kv_heads", "layers", "seq", "batch", "mlp_hidden")),
    *(("tiny", "rope_base"), ("train5", "what")),
}
"""Entries without numbers, the case's own sizes, settings that test_parity.py compares one by one, and what golf has
not."""
STEP, COARSE = 2e-3, 3e-2
"""How far a number is moved, relative to it (a probe: to its norm); numbers of bfloat16 sums, which are the machine's
own."""
LEAST = 0.1
"""Numbers below it are moved as far as it is: tolerances of logits are absolute."""


def entries(golden: Golden) -> list[tuple[str, ...]]:
    """The file's entries that a check computes."""
    found: list[tuple[str, ...]] = []
    for key, value in golden.content.items():
        found += [(key, sub) for sub in value] if key in SPLIT_SECTIONS else [(key,)]
    return [entry for entry in found if entry not in NOT_COMPUTED]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all numbers, names and switches."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in TOLD:
                yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif value is not None and not _is_share(path):
        yield path


def _is_share(path: tuple[Any, ...]) -> bool:
    """A share of the clock at which a schedule is asked: where it is flat, another one has the same answer."""
    return len(path) > 2 and path[-1] == 0 and path[-3] in ("frac_scale", "frac_mult")


def at(content: Any, path: tuple[Any, ...]) -> Any:
    """What lies there."""
    for key in path:
        content = content[key]
    return content


def moved(content: Any, path: tuple[Any, ...]) -> Any:
    """A little away from what lies there."""
    value = at(content, path)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, int):
        return value + 1
    scale = abs(value)
    if path[-1] == "probe":
        scale = at(content, path[:-1])["l2"]
    step = COARSE if any("bf16_gradients" in str(key) for key in path) else STEP
    return value + step * (max(scale, LEAST) if "logits" in path else scale or 1e-6)


def unnoticed(entry: tuple[str, ...], paths: list[tuple[Any, ...]], folder: Path) -> list[tuple[Any, ...]]:
    """Those of the numbers that may be others without its check's failing."""
    golden, found = Golden(FILE), []
    check = (CHECKS | CHECKS_OF_SCRIPT["1855"])[entry]
    for number, path in enumerate(paths):
        content = copy.deepcopy(golden.content)
        place = (*entry, *path)
        at(content, place[:-1])[place[-1]] = moved(content, place)
        other = Golden(FILE)
        other.__dict__["content"] = content
        inner = folder / str(number)
        inner.mkdir()
        try:
            check(other, at(content, entry), inner)
        except (AssertionError, KeyError, ValueError, IndexError):
            continue
        found.append(path)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("entry", entries(Golden(FILE)), ids=".".join)
def test_another_number_in_the_golden_file_is_noticed(entry: tuple[str, ...], tmp_path: Path) -> None:
    paths = list(leaves(at(Golden(FILE).content, entry)))
    drawn = random.Random(".".join(entry)).sample(paths, min(12, len(paths)))
    assert unnoticed(entry, drawn, tmp_path) == []
