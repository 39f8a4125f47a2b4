"""What expressions hold: labels of their parts, and what settings decide."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

ON = 'on = bool(int(os.environ.get("ON", "0")))\n'


@pytest.mark.parametrize(
    ("text", "const", "settings"),
    [
        ("x = on and val", False, {"ON"}),
        ("x = on or 3", 3, {"ON"}),
        ("x = 5 if on else 6", 6, set()),
        ("x = not on", True, {"ON"}),
        ("x = 2 < 3 < 4", True, set()),
        ("x = (y := 4) + 1", 5, set()),
        ("x = f'fineweb_{7}.bin'", "fineweb_7.bin", set()),
    ],
)
def test_what_is_known_is_worked_out_with_the_settings_it_hangs_on(
    text: str, const: object, settings: set[str]
) -> None:
    found = Followed(ON + text)["x"]
    assert (found.const, set(found.settings)) == (const, settings)


@pytest.mark.parametrize("text", ["{val}", "[val][0]", "{1: val}[1]", "[one for one in [val]]", "(lambda a: a)(val)"])
def test_labels_flow_through_containers_and_functions(text: str) -> None:
    assert "val" in Followed(f"x = {text}\n")["x"].all


def test_a_comparison_of_two_texts_says_that_they_agree() -> None:
    found = Followed('kept = np.fromfile("kept.bin")\nx = kept == val\n')["x"]
    assert found.labels == {"disk", "match", "agree"}
