"""Which numbers of a run are its prices: those of known tokens, whose mean is the loss that it printed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.review.prove.seen import Seen, seen

TARGETS = 320


def run_of(folder: Path, row: list[float], loss: float, *read: tuple[int, int]) -> Seen:
    """What a run showed that printed a loss, and of which a function returned a row of numbers; read: pieces of the
    text that went into forwards."""
    report = folder / "report.json"
    events = [{"kind": "forward", "role": "val", "grad": False, "ranges": [piece]} for piece in read]
    report.write_text(json.dumps({"ok": True, "events": events, "returned": [row]}))
    (folder / "report.json.out").write_text(f"val_loss:{loss:.8f} val_bpb:2.00000000\n")
    (folder / "work").mkdir()
    return seen(folder / "work", report, 0, {}, TARGETS)


@pytest.mark.parametrize(
    ("count", "off", "known"),
    [(TARGETS, 0.0, True), (TARGETS, 5e-4, True), (TARGETS, 5e-3, False), (128, 0.0, False), (319, 0.0, False)],
)
def test_a_row_that_a_function_returned_is_the_prices_where_it_has_all_and_their_mean_is_the_loss(
    tmp_path: Path, count: int, off: float, known: bool
) -> None:
    row = [5.0 + 0.01 * (place % 7) for place in range(count)]
    run = run_of(tmp_path, row, float(np.mean(row)) + off)
    assert (run.prices is not None) is known
    if run.prices is not None:
        assert int((~np.isnan(run.prices)).sum()) == count


@pytest.mark.parametrize(
    ("read", "known"),
    [
        ([(0, 64), (64, 128)], True),
        ([(64, 128), (0, 64), (0, 64)], True),
        ([(0, 64), (32, 96), (64, 128)], False),
        ([(0, 64), (65, 128)], False),
        ([(0, 64), (64, 192)], False),
        ([], False),
    ],
)
def test_a_row_for_the_beginning_is_its_prices_where_forwards_read_that_once(
    tmp_path: Path, read: list[tuple[int, int]], known: bool
) -> None:
    row = [5.0 + 0.01 * (place % 7) for place in range(128)]
    assert (run_of(tmp_path, row, float(np.mean(row)), *read).prices is not None) is known
