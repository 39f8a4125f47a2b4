"""What the room reads of golf's own tallies: places, prices, bytes and tokens, by every rule."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from golf_model.config.eval import EvalConfig
from golf_model.process.distributed import World
from golf_model.scoring import evaluate as windowed
from golf_model.scoring import streaming
from golf_model.scoring.evaluate import Tally, evaluate
from golf_model.scoring.windows import eval_windows
from runner.review.prove.inside import own_watch

TOKENS = torch.from_numpy(np.random.default_rng(0).integers(0, 50, 101).astype(np.uint16))
SIZES = torch.arange(101, dtype=torch.int16) % 5


READ = ("some", "length", "last", "targets")


def price(ids: Tensor, targets: Tensor, *, mean: bool, last: int) -> Tensor:
    """A price for each target by itself and its place in the window."""
    del mean
    return ((targets * 100 + ids).float() / 7)[:, -last:]


def listed(monkeypatch: pytest.MonkeyPatch, folder: Path, config: EvalConfig) -> tuple[Any, np.ndarray]:
    watch: Any = SimpleNamespace(told=lambda _: {}, note=lambda *_, **__: None)
    build = builtins.__build_class__
    try:
        own_watch.install(
            torch, watch, {"report": str(folder / "report"), "own": {"evaluate": {name: name for name in READ}}}
        )

        class Tally(windowed.Tally):
            def add(self, losses: Tensor, sizes: Tensor, scored: Tensor) -> None:
                super().add(losses, sizes, scored)
    finally:
        vars(builtins)["__build_class__"] = build
    monkeypatch.setattr(windowed, "Tally", Tally)
    score = evaluate(price, TOKENS, SIZES, eval_windows(config, 101, 20), 3, World(0, 1, torch.device("cpu")))  # type: ignore[arg-type]
    watch.told("")
    return score, np.load(folder / f"report{own_watch.LISTED}")


@pytest.mark.parametrize("rule", ["plain", "sliding", "last_stride", "repeated_tail", "short_tail"])
def test_the_list_of_a_rule_of_windows_is_what_the_score_rests_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Any
) -> None:
    score, rows = listed(monkeypatch, tmp_path, EvalConfig(rule=rule, stride=6))
    places = rows[1].astype(int)
    assert (rows[0] == 0).all()
    assert len(places) == score.tokens
    assert rows[3].sum() == score.bytes
    assert rows[2].mean() == pytest.approx(score.val_loss, rel=1e-12)
    assert (rows[4] == TOKENS.numpy()[places + 1]).all()
    assert (rows[3] == SIZES.numpy()[places + 1]).all()


def test_the_names_that_the_room_reads_are_those_of_the_scoring_functions() -> None:
    assert set(READ) <= set(evaluate.__wrapped__.__code__.co_varnames)  # type: ignore[attr-defined]
    assert {"starts", "chunk", "targets"} <= set(streaming._run.__code__.co_varnames)
    assert Tally.__name__ == "Tally"
    assert list(Tally.add.__code__.co_varnames[:4]) == ["self", "losses", "sizes", "scored"]
