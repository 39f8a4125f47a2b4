"""Whose text a path names, and when a script is too long to follow."""

from __future__ import annotations

import pytest

from runner.review.labels import machine
from runner.review.labels.machine import CutShort, labels_of_text
from tests.fixtures.followed import Followed


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("data/fineweb_val_*.bin", {"val"}),
        ("data/fineweb_train_*.bin", {"train"}),
        ("shards/*.bin", {"train"}),
        ("evaluation.txt", set()),
        ("interval_*.npy", set()),
        ("the val set of fineweb", set()),
        ("logs/val.log", set()),
    ],
)
def test_a_path_says_whose_text_it_is(text: str, labels: set[str]) -> None:
    assert labels_of_text(text) == labels


def test_a_script_of_too_many_steps_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_STEPS", 40)
    with pytest.raises(CutShort):
        Followed("x = 1\n" * 40)


def test_a_second_round_of_a_loop_repeats_no_event() -> None:
    text = "net = nn.Linear(2, 2)\nfor i in range(9):\n    loss = F.cross_entropy(net(val), val)\n"
    assert Followed(text).lines("price") == [("price", 3)]
