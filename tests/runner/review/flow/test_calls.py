"""Calls, and lines that are printed."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

PRICED = "net = nn.Linear(2, 2)\np = F.cross_entropy(net(val[:-1]), val[1:])\n"


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("print(f'val_bpb:{p:.4f}')", "val_bpb: .4f"),
        ("log0('loss', p)", "loss"),
        ("print('nothing')", None),
        ("store('val_bpb', p)", None),
    ],
)
def test_a_line_that_shows_a_price_is_a_report(line: str, about: str | None) -> None:
    assert [one.about for one in Followed(f"{PRICED}{line}\n").events("report")] == ([about] if about else [])


def test_either_of_two_functions_that_a_name_may_hold_is_followed() -> None:
    text = "def f(t): return t\ndef g(t): return 0\nh = f if os.getpid() else g\nx = h(val)\n"
    assert "val" in Followed(text)["x"].labels


def test_an_instance_may_be_called() -> None:
    assert "val" in Followed("class C:\n    def __call__(self, t): return t\nx = C()(val)\n")["x"].labels
