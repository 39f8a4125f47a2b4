"""What an author of a job probably meant by a value of the wrong type, and how it is written.

YAML 1.2 takes many a number of other languages for text. The hint follows from the value alone; there is none where
it could mean two things.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"[-+]?(0|[1-9]\d*(_\d+)*)|[-+]?(\.\d+|\d+\.\d*)([eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")
"""What stands for a number without quotes."""
_ZEROS = re.compile(r"([-+]?)0+(\d+)")
_OTHER_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:[ '\u2019\u202f]\d{3})+")
_COMMA = re.compile(r"[-+]?\d*,(?!\d{3}$)\d+")
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "n", "off", "0"), "false"),
}


def hint(kind: str, value: Any) -> str:
    """`; ` and what to do, or ''. kind: pydantic's word for the mistake; value: as YAML gave it."""
    if kind == "string_type":
        return "; write it in quotes" if isinstance(value, bool | int | float) else ""
    if kind == "bool_type":
        return _switch(value)
    if kind in ("int_type", "float_type") and isinstance(value, str):
        return _number(value.strip())
    return ""


def _switch(value: Any) -> str:
    if value in ("true", "false"):
        return "; remove the quotes"
    meant = _SWITCHES.get(str(value).lower())
    return f"; write {meant}" if meant and isinstance(value, str | int) else ""


def _number(text: str) -> str:
    if len(text) > 40:
        return ""
    if _PLAIN.fullmatch(text):
        return "; remove the quotes"
    if zeros := _ZEROS.fullmatch(text):
        return f"; zeros in front or quotes make it a text: write {zeros[1]}{int(zeros[2])}"
    if _OTHER_BASE.fullmatch(text):
        return f"; write it with decimal digits: {int(text, 0)}"
    if _THOUSANDS.fullmatch(text):
        return f"; write it without separators: {re.sub('[^0-9]', '', text)}"
    if _COMMA.fullmatch(text):
        return f"; write it with a point: {text.replace(',', '.')}"
    return ""
