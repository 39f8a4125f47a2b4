"""Files spoiled at random, the same for the same dice: bytes, and values of JSON and YAML."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

SPLICES = (
    b"\0", b"\xff\xfe", b"\r", b"\n", b"1e999", b"nan", b"-", b"9" * 400, b"val_bpb:", b"=" * 100 + b"\n", b'"""\n',
    b"[rank0]:", b"\x1b[31m", b"{", b"[" * 3000, b"step:1/2 train_time:1ms\n", b"seed:1\n", b"|", b",", "±".encode(),
    b"a" * 4000, b'"\\ud800"', b"&a [*a,*a]", b"../../", b"\xe2\x80\xae",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 10**40, 1e308, "NaN", "Infinity", "", "x", "../..", "\0", [], {}, [1], {"a": 1}),
    *(["x"] * 3, "x" * 5000, "\u202e", "0" * 64, [[[[[[]]]]]], 1e-320, -0.0, "2026-01-01T00:00:00Z"),
)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """`data` with some bytes changed, cut out, doubled, or something put between them; never the same."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randint(0, len(found))
        match dice.randint(0, 4):
            case 0:
                found[at:at] = dice.choice(SPLICES)
            case 1:
                del found[at : at + dice.randint(1, 300)]
            case 2:
                found[at : at + 1] = bytes([dice.randint(0, 255)])
            case 3:
                found[at:at] = found[at : at + dice.randint(1, 2000)]
            case _:
                found[at : at + dice.randint(1, 9)] = str(dice.randint(-(10**12), 10**12)).encode()
    return bytes(found) if found != data else bytes(found) + b"!"


def flipped(data: bytes, dice: random.Random) -> bytes:
    """`data` with one bit the other way."""
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randint(0, 7)]) + data[at + 1 :]


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value."""
    found = [before] if before else []
    if isinstance(value, dict):
        found += [place for key, inner in value.items() for place in places(inner, (*before, key))]
    if isinstance(value, list):
        found += [place for index, inner in enumerate(value) for place in places(inner, (*before, index))]
    return found


def bent(content: Any, dice: random.Random) -> Any:
    """A copy in which up to three values are others, or gone."""
    content = copy.deepcopy(content)
    for _ in range(dice.randint(1, 3)):
        there = places(content)
        if not there:
            break
        *way, last = dice.choice(there)
        holder = content
        for step in way:
            holder = holder[step]
        if dice.random() < 0.2:
            del holder[last]
        else:
            holder[last] = dice.choice(VALUES)
    return content


def spoiled(data: bytes, dice: random.Random) -> bytes:
    """A text file, by its values where it is JSON and the dice want it so, else by its bytes."""
    if dice.random() < 0.5:
        try:
            return json.dumps(bent(json.loads(data), dice), indent=dice.choice((None, 2))).encode()
        except (ValueError, RecursionError):
            pass
    return flipped(data, dice) if data and dice.random() < 0.3 else mutated(data, dice)
