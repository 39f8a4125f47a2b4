"""What an artifact's bytes hold, by kind of tensor: for the record of a run that still has the file.

A container's parts are measured. Inside a part tensors are coded together, so each one's share goes by the order-0
entropy of its integers, and a compressed whole is shared out in the same way. Small artifacts are not looked at:
there is nothing to see in them, and to read one takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.files import write_atomic
from runner.printable import printable
from runner.results.frozen import Frozen
from runner.results.verdicts import Packed, PackedKind
from runner.untrusted import read_text

LEAST_SHARE = 0.01
"""Of the cap, that an artifact must have to be looked at."""
VERSION = 1
"""Of this way of looking: what another one has noted is looked at again."""
MOST_NOTE = 1 << 20
MOST_KINDS = 200
MOST_NAME = 80
SCALE_PARTS = ("scales", "codes")
BLOCK = re.compile(r"blocks\.(\d{1,6})\.(.+)")
_LOOKING = Lock()
Facts = dict[str, Any]
"""What `golf_model.artifact.inspect` says of a file."""


@dataclass(frozen=True)
class Weights:
    """What a kind of tensors would have alone, bytes: by this the parts are shared out."""

    integers: float
    scales: float
    floats: float


def packed(path: Path, cap_bytes: int, inspect: Callable[[Path], Facts]) -> Packed | None:
    """What the file holds, as `inspect` reads it; None for one that is too small to look at or cannot be read."""
    if path.stat().st_size < LEAST_SHARE * cap_bytes:
        return None
    try:
        return packed_of(inspect(path))
    except UserError:
        return None


def remembered(note: Path, sha256: str, size: int, look: Callable[[], Packed | None]) -> Packed | None:
    """What `look` finds in the artifact of this hash and size, in bytes; what the file `note` holds of it where it
    was looked at before, else it is noted there. A note that is of another file, or no note, is made anew. Who asks
    while another thread looks waits for what it finds."""
    with _LOOKING:
        return _remembered(note, sha256, size, look)


def _remembered(note: Path, sha256: str, size: int, look: Callable[[], Packed | None]) -> Packed | None:
    try:
        noted = Noted.model_validate_json(read_text(note, MOST_NOTE))
        if noted.fits(sha256, size):
            return noted.packed
    except (UserError, OSError, ValidationError):
        pass
    found = look()
    with suppress(OSError):  # of a folder that can only be read
        write_atomic(note, Noted(artifact_sha256=sha256, packed=found).model_dump_json(indent=2) + "\n")
    return found


class Noted(Frozen):
    """What was found in one artifact; None where it cannot be read, or is too small."""

    version: int = VERSION
    artifact_sha256: str
    packed: Packed | None

    def fits(self, sha256: str, size: int) -> bool:
        """Whether this is of the artifact, by this way of looking, and its parts are all of it."""
        one = self.packed
        held = size if one is None else sum(kind.bytes + kind.scale_bytes for kind in one.kinds) + one.rest_bytes
        return (self.version, self.artifact_sha256, held) == (VERSION, sha256, size)


def packed_of(facts: Facts) -> Packed:
    """The same of what the reading process said of a file."""
    groups = _kinds(facts["tensors"])
    wanted = [_weights(some) for some in groups.values()]
    parts = {str(name): int(length) for name, _, length in facts["parts"]}
    if parts:
        integers = shares(parts.get("integers", 0), [one.integers for one in wanted])
        scales = shares(sum(parts.get(name, 0) for name in SCALE_PARTS), [one.scales for one in wanted])
        floats = shares(parts.get("floats", 0), [one.floats for one in wanted])
        values = [whole + real for whole, real in zip(integers, floats, strict=True)]
    else:
        both = [one.integers + one.floats for one in wanted] + [one.scales for one in wanted]
        given = shares(int(facts["bytes"]), both)
        values, scales = given[: len(wanted)], given[len(wanted) :]
    found = [
        PackedKind(
            name=printable(name)[:MOST_NAME],
            scheme=printable(scheme)[:MOST_NAME],
            tensors=len(some),
            values=sum(prod(one["shape"]) for one in some),
            bytes=size,
            scale_bytes=scale,
        )
        for ((name, scheme), some), size, scale in zip(groups.items(), values, scales, strict=True)
    ]
    if len(found) > MOST_KINDS:
        found = sorted(found, key=lambda one: one.bytes, reverse=True)[:MOST_KINDS]
    held = sum(one.bytes + one.scale_bytes for one in found)
    return Packed(format=printable(str(facts["format"]))[:MOST_NAME], kinds=found, rest_bytes=facts["bytes"] - held)


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to `weights` whose sum is `total`; all 0 where no weight is above 0."""
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    ends = [round(total * part / whole) for part in accumulate(weights)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _kinds(tensors: Sequence[Facts]) -> dict[tuple[str, str], list[Facts]]:
    """Tensors of equal name in different blocks, and scheme, together, in the file's order."""
    found: dict[tuple[str, str], list[Facts]] = {}
    for tensor in tensors:
        match = BLOCK.fullmatch(tensor["name"])
        name = f"blocks.*.{match[2]}" if match else str(tensor["name"])
        found.setdefault((name, str(tensor["scheme"])), []).append(tensor)
    return found


def _weights(some: Sequence[Facts]) -> Weights:
    coded = [one for one in some if one["entropy"] is not None]
    sizes = [round(one["entropy"] * prod(one["shape"]) / 8) for one in coded]
    return Weights(
        integers=float(sum(sizes)),
        scales=float(sum(one["bytes"] for one in coded) - sum(sizes)),
        floats=float(sum(one["bytes"] for one in some if one["entropy"] is None)),
    )
