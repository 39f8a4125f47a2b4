"""The two ways in which the script ends on purpose before its last line.

`ScriptError` is the user's: one line `error: …` on stderr and exit code 2. `NanLossError` is the
training's: the log already says `nan_loss step:<n>`, exit code 3. Anything else is a bug of ours and
keeps its traceback.
"""

from __future__ import annotations

from typing import NoReturn

EXIT_USER_ERROR = 2
EXIT_NAN_LOSS = 3


class ScriptError(Exception):
    """What happened, where, and what to do about it, in one line."""


def left_out(*arguments: object, **named: object) -> NoReturn:
    """Stands in a bundled script for what its configuration never calls (script_parts.unused_modules)."""
    raise NotImplementedError("this script was bundled without a part that its configuration does not use")


class NanLossError(Exception):
    """The training loss stopped being a number."""

    def __init__(self, step: int) -> None:
        super().__init__(f"nan_loss step:{step}")
        self.step = step
