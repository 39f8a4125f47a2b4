"""A switch that nobody names, of a mechanism whose settings somebody gives one by one: whoever tunes it has it on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from runner.review.run.script_settings import Setting

SWITCH = re.compile(r"^(.{3,}?)_(?:ENABLED?|ON)$")
OFF = ("0", "False", "false", "")
LEAST = 3
"""Settings of one mechanism that say so."""


class Word(Protocol):
    """One source's word on settings."""

    @property
    def source(self) -> str: ...

    @property
    def values(self) -> Mapping[str, tuple[str, int]]: ...


def implied(settings: Mapping[str, Setting], sources: Sequence[Word]) -> dict[str, tuple[str, int]]:
    """{NAME: ("1", line)} of switches that are off by default, named nowhere, and whose STEM_* one source sets.

    Settings that are given as their defaults say nothing.
    """
    found: dict[str, tuple[str, int]] = {}
    for name, setting in settings.items():
        match = SWITCH.match(name)
        if match is None or (setting.default or "") not in OFF or any(name in one.values for one in sources):
            continue
        for one in sources:
            of_it = [other for other in one.values if other.startswith(f"{match[1]}_") and not SWITCH.match(other)]
            others = [other for other in of_it if _differs(settings.get(other), one.values[other][0])]
            if len(of_it) >= LEAST and others:
                found[name] = ("1", one.values[others[0]][1])
                break
    return found


def _differs(setting: Setting | None, value: str) -> bool:
    return setting is not None and setting.default is not None and setting.default != value
