"""Which of two variants of a mechanism ran, where nobody says."""

from __future__ import annotations

import pytest

from tests.fixtures.review_scripts import PREPARE, Run, reviewed, script

CHOICE = (
    PREPARE
    + """    legal = int(os.environ.get("WARM_LEGAL", "0"))
    if int(os.environ.get("WARM_ENABLED", "0")) and not legal:
        learn(net, shard("data/fineweb_val_*.bin"), 5)
"""
)
ON = {"WARM_ENABLED": "1"}


@pytest.mark.parametrize(
    ("run", "answer"),
    [
        (Run(), "suspicious"),
        (Run(ON, known=True), "suspicious"),
        (Run({**ON, "WARM_LEGAL": "0"}, known=True), "violates"),
        (Run({**ON, "WARM_LEGAL": "1"}, known=True), "dormant"),
    ],
)
def test_a_variant_that_nobody_chose_is_suspicious(run: Run, answer: str) -> None:
    assert reviewed(script(CHOICE), run)["val_train"].answer == answer


def test_a_setting_of_another_mechanism_is_no_variant() -> None:
    text = script(CHOICE.replace("WARM_LEGAL", "EXPORT_SKIPPED"))
    assert reviewed(text)["val_train"].answer == "violates-if"


def test_any_number_but_the_default_is_no_switch() -> None:
    test = 'if int(os.environ.get("STRIDE", "64")) != 64:'
    text = script(
        PREPARE
        + f"""    {test}
        learn(net, shard("data/fineweb_val_*.bin"), 5)
"""
    )
    answer = reviewed(text)["val_train"]
    assert (answer.answer, answer.condition.split()[0]) == ("suspicious", "STRIDE")


def test_an_option_inside_a_mechanism_is_no_variant_of_it() -> None:
    text = script(
        PREPARE
        + """    if int(os.environ.get("WARM_ENABLED", "0")):
        if not int(os.environ.get("WARM_NEWTON", "0")):
            learn(net, shard("data/fineweb_val_*.bin"), 5)
"""
    )
    assert reviewed(text, Run(ON, known=True))["val_train"].answer == "violates"
