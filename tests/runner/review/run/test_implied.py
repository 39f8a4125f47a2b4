"""A switch that nobody names, where somebody gives its mechanism's settings one by one."""

from __future__ import annotations

from runner.review.run.implied import implied
from runner.review.run.run_context import Known
from runner.review.run.script_settings import Setting

SETTINGS = {
    name: Setting(name, "", default, "train_gpt.py:1")
    for name, default in {
        "CACHE_ENABLED": "0",
        "CACHE_ORDER": "5",
        "CACHE_ALPHA": "0.4",
        "CACHE_BUCKETS": "1024",
    }.items()
}


def said(**values: str) -> list[Known]:
    return [Known("README.md", {name: (value, 3) for name, value in values.items()})]


def test_three_settings_of_a_mechanism_that_are_given_have_it_on() -> None:
    words = said(CACHE_ORDER="12", CACHE_ALPHA="0.7", CACHE_BUCKETS="4096")
    assert implied(SETTINGS, words) == {"CACHE_ENABLED": ("1", 3)}


def test_a_switch_that_is_named_settings_as_they_are_by_default_and_two_of_them_say_nothing() -> None:
    three = {"CACHE_ORDER": "12", "CACHE_ALPHA": "0.7", "CACHE_BUCKETS": "4096"}
    assert implied(SETTINGS, said(CACHE_ENABLED="0", **three)) == {}
    assert implied(SETTINGS, said(CACHE_ORDER="5", CACHE_ALPHA="0.4", CACHE_BUCKETS="1024")) == {}
    assert implied(SETTINGS, said(CACHE_ORDER="12", CACHE_ALPHA="0.7")) == {}
