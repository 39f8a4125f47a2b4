"""Values that cannot work: the one error of the configuration, and the checks that all its sections share."""

from __future__ import annotations

from dataclasses import fields


class ConfigError(ValueError):
    """A value that cannot work; `where` is the field's name, the message says what would."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


def require(condition: bool, where: str, message: str) -> None:
    """Raise ConfigError(where, message) unless `condition` holds."""
    if not condition:
        raise ConfigError(where, message)


MOST = 10**12
"""No count of a run is larger; below it products of counts and floats cannot overflow."""


def require_bounded(section: object) -> None:
    """Raise ConfigError for a whole number of a configuration dataclass that no run could use."""
    for item in fields(section):  # type: ignore[arg-type]
        value = getattr(section, item.name)
        if isinstance(value, int):
            require(-MOST <= value <= MOST, item.name, f"at most {MOST:,}")
