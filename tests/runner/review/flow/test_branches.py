"""Branches that settings decide."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

SETTINGS = 'a = int(os.environ.get("A", "0"))\nb = int(os.environ.get("B", "0"))\n'
PRICE = "    F.cross_entropy(nn.Linear(2, 2)(val), val)\n"


@pytest.mark.parametrize(
    ("test", "words", "holds"),
    [
        ("a", "A=1", False),
        ("not a", "A=0", True),
        ("a > 0", "A=1", False),
        ("a >= 2", "A such that (a >= 2)", False),
        ("b == 5 or not a", "A, B such that (b == 5 or not a)", True),
    ],
)
def test_what_happens_in_a_branch_says_under_which_setting(test: str, words: str, holds: bool) -> None:
    found = Followed(f"{SETTINGS}if {test}:\n{PRICE}", every=True)
    (guard,) = found.events("price")[0].guards
    assert (guard.text, guard.holds) == (words, holds)


def test_needs_name_what_a_test_wants_on_and_off() -> None:
    (event,) = Followed(f"{SETTINGS}if a and not b:\n{PRICE}", every=True).events("price")
    needs = [need for guard in event.guards for need in guard.needs if not need[0].startswith("test ")]
    assert needs == [("A", True), ("B", False)]


@pytest.mark.parametrize(
    ("test", "other"), [("a != 64", True), ("not a == 64", True), ("a != 0", False), ("a", False)]
)
def test_a_test_for_any_number_but_one_is_told(test: str, other: bool) -> None:
    found = Followed(f"{SETTINGS}if {test}:\n{PRICE}", every=True)
    assert [guard.other_than for guard in found.events("price")[0].guards] == [other]


def test_a_branch_that_the_settings_switch_off_is_not_followed_unless_every_one_is() -> None:
    text = f"{SETTINGS}if a:\n{PRICE}"
    assert [len(Followed(text, every=every).events("price")) for every in (False, True)] == [0, 1]
    assert len(Followed(text, A="1").events("price")) == 1


def test_after_a_test_that_is_not_known_a_name_holds_either() -> None:
    assert Followed("x = 0\nif os.getpid():\n    x = val\n")["x"].labels == {"val"}


@pytest.mark.parametrize(
    "text",
    [
        'if not os.environ.get("TOKENIZER_PATH", "a.bin").endswith(".model"):\n    raise ValueError\nif True:\n',
        'if int(os.environ.get("A", "7")) > 3:\n    raise ValueError("too much")\nif True:\n',
        'if os.environ.get("DATA_DIR", ""):\n',
    ],
)
def test_where_files_lie_and_what_would_have_ended_the_run_decide_nothing(text: str) -> None:
    (event,) = Followed(text + PRICE).events("price")
    assert event.guards == ()
