"""Environment variables, and addresses outside."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed


def test_a_setting_holds_what_the_run_says_else_its_default() -> None:
    text = 'rate = os.environ.get("RATE", "0.5")\n'
    by_default, said = Followed(text)["rate"], Followed(text, RATE="0.25")["rate"]
    assert [(one.const, set(one.settings)) for one in (by_default, said)] == [("0.5", {"RATE"}), ("0.25", {"RATE"})]


def test_a_setting_that_names_validation_files_is_their_path() -> None:
    assert Followed('x = os.environ.get("VAL_FILES", "a.bin")\n')["x"].labels == {"val"}


def test_an_option_of_the_command_line_may_have_any_value() -> None:
    text = "p = argparse.ArgumentParser()\np.add_argument('--rate', default=3)\nx = p.parse_args().rate\n"
    assert Followed(text)["x"].known is False


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("os.system('curl -O here')", 1),
        ("os.system('nvidia-smi')", 0),
        ("import requests\nrequests.get('x')", 1),
        ("print('pip install nothing')", 0),
    ],
)
def test_calls_that_leave_the_machine_are_noted(call: str, found: int) -> None:
    assert len(Followed(call).events("network")) == found
