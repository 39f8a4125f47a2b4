"""Pack kept weights again, under another export rule: `python -m golf_model.repack KEPT CONFIG ARTIFACT CODE_BYTES`.

KEPT is what `golf_model/artifact/kept.py` wrote, and may be anybody's: it is read as numbers, bounded by what the
configuration's model has, and nothing in it is unpickled or executed. CONFIG is the configuration as JSON. What comes
out is what the training would have packed with that export: one JSON line with sizes on standard output, and the
artifact. In no script.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import prod
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import Tensor

from golf_model.config.checks import ConfigError
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.main import fit_lines, pack
from golf_model.process.errors import EXIT_USER_ERROR, ScriptError
from golf_model.process.files import write_durably
from golf_model.process.parent import end_with_parent
from golf_model.shapes import parameter_shapes
from golf_model.training.calibration import Seen

MOST_HEADER = 8 << 20
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
GROUPS = ("weights", "hessians", "fisher")
HEADS = {"tok_emb.weight", "lm_head.weight"}
"""What is looked at only where `gptq.embed` asks for it."""


def read_kept(path: Path, config: GolfConfig) -> tuple[dict[str, Tensor], Seen]:
    """Weights of a kept file, and what their layers saw; ScriptError where they are not those of this model."""
    shapes = parameter_shapes(config.model)
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        length = int.from_bytes(handle.read(8), "little")
        if not 2 <= length <= min(MOST_HEADER, size - 8):
            raise ScriptError(f"{path}: is no file of kept weights: its header has no sensible length")
        header = _header(handle.read(length), path)
        found: dict[str, dict[str, Tensor]] = {group: {} for group in GROUPS}
        for full, (dtype, shape, low, high) in header.items():
            group, _, name = full.partition("/")
            if group not in GROUPS or shape != _wanted(group, shapes.get(name)):
                raise ScriptError(f"{path}: holds {full[:80]!r}, which is no tensor of this model")
            if high - low != prod(shape) * DTYPES[dtype].itemsize or not 0 <= low <= high <= size - 8 - length:
                raise ScriptError(f"{path}: {full[:80]!r} does not lie in the file")
            handle.seek(8 + length + low)
            raw = bytearray(handle.read(high - low))
            tensor = torch.frombuffer(raw, dtype=DTYPES[dtype]) if raw else torch.empty(0, dtype=DTYPES[dtype])
            if not bool(torch.isfinite(tensor).all()):
                raise ScriptError(f"{path}: {full[:80]!r} holds what is no finite number")
            found[group][name] = tensor.reshape(shape)
    missing = [name for name in shapes if name not in found["weights"]]
    if missing:
        raise ScriptError(f"{path}: has no {missing[0]}; it was kept of another model")
    return {name: found["weights"][name] for name in shapes}, Seen(found["hessians"], found["fisher"])


def _wanted(group: str, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape of what a group holds for a parameter of this shape; None where it holds nothing for it."""
    if shape is None or (group != "weights" and len(shape) != 2):
        return None
    return {"weights": shape, "hessians": (shape[-1], shape[-1]), "fisher": shape[:1]}[group] if shape else shape


def _header(raw: bytes, path: Path) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    """name -> (dtype, shape, first byte, byte after the last); ScriptError for anything that is no such header."""
    try:
        read = json.loads(raw)
        found = {}
        for name, entry in read.items():
            if name == "__metadata__":
                continue
            low, high = entry["data_offsets"]
            shape = tuple(entry["shape"])
            if entry["dtype"] not in DTYPES or not all(type(n) is int and n >= 0 for n in (*shape, low, high)):
                raise ValueError(name)
            found[str(name)] = (str(entry["dtype"]), shape, low, high)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ScriptError(f"{path}: is no file of kept weights: its header cannot be read") from None
    return found


def from_json(kind: Any, data: Mapping[str, Any]) -> Any:
    """A configuration dataclass of plain data; ConfigError or TypeError where it is none."""
    types = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    if not set(data) <= known:
        raise TypeError(f"{sorted(set(data) - known)[0]} is no field of {kind.__name__}")
    values = {
        name: from_json(types[name], value) if is_dataclass(types[name]) else value for name, value in data.items()
    }
    return kind(**values)


def as_trained(seen: Seen, export: ExportConfig) -> Seen:
    """Of what was kept, what a training under this export would have seen; ScriptError where it has seen less.

    Without it an embedding that is to be rounded to nearest would be rounded in turn, because another export was.
    """
    if not export.gptq.tokens:
        return Seen({}, {})
    if not seen.hessians:
        raise ScriptError("gptq wants what the layers saw, and nothing of it was kept: train with gptq.tokens, too")
    if export.gptq.embed and not HEADS & seen.hessians.keys():
        raise ScriptError("gptq.embed wants what the head saw, and that was not kept: train with gptq.embed, too")
    if export.gptq.embed:
        return seen
    return Seen({name: value for name, value in seen.hessians.items() if name not in HEADS}, seen.fisher)


def main(arguments: list[str]) -> int:
    """Pack and report; the exit code is 0, or 2 for bad input."""
    kept, config_file, artifact, code = Path(arguments[0]), Path(arguments[1]), Path(arguments[2]), int(arguments[3])
    try:
        config = from_json(GolfConfig, json.loads(config_file.read_text()))
        weights, seen = read_kept(kept, config)
        lines: list[str] = []
        began = time.perf_counter()
        packed, step = pack(weights, as_trained(seen, config.export), config, code, lines.append)
        seconds = time.perf_counter() - began
        write_durably(artifact, packed.blob)
    except (ScriptError, ConfigError, TypeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return EXIT_USER_ERROR
    lines += fit_lines(packed, step, code, config)
    print(json.dumps({"bytes": len(packed.blob), "seconds": seconds, "lines": lines}), flush=True)
    return 0


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(sys.argv[1:]))
