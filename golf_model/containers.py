"""The two ways in which the originals put tensors into torch.save, written and read.

`torch`: the official baseline's dict, in which PR #372 names other schemes than int8 as well. `torch_pair`: a flat
dict of tensors `w` and one of their kinds `m` (PRs #102, #465). Writing is deterministic. Reading trusts nothing:
the archive may hold only stored (not deflated) entries and torch.load runs with weights_only; what the tensors
must be is stored.py's question.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf_model.errors import ScriptError
from golf_model.shapes import LEVELS, Scheme
from golf_model.stored import Stored, dtype_name

QUANT_FORMAT = "int8_clean_per_row_v1"


def save_torch(content: Mapping[str, Any]) -> bytes:
    """torch.save; it names the archive inside after the file, and in memory that is always the same."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def load_torch(raw: bytes) -> dict[str, Any]:
    """torch.load of tensors, strings and dicts only, from an archive whose entries are stored, not deflated."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ScriptError("artifact: compressed entries inside the container are refused")
        content = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except ScriptError:
        raise
    except Exception as error:  # torch's and zipfile's parsers let whatever damaged bytes provoke come through
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ScriptError(f"artifact: not a container of tensors ({reason})") from error
    if not isinstance(content, dict):
        raise ScriptError("artifact: not a container of tensors (no dict)")
    return content


def section(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A dict inside a container; ScriptError where there is none."""
    part = content.get(name)
    if not isinstance(part, dict):
        raise ScriptError(f"artifact: parts that do not fit this format ({name})")
    return part


def write_baseline(stored: Mapping[str, Stored]) -> bytes:
    """The official dict: quantized, scales, dtypes, passthrough, and what is known of rows and precisions."""
    quantized = {name: item for name, item in stored.items() if item.scales is not None}
    floats = {name: item for name, item in stored.items() if item.scales is None}
    original = {name: item.dtype for name, item in floats.items() if item.scheme == "float16"}
    rows = {name: baseline_row(item.scheme) for name, item in quantized.items() if item.values.ndim == 2}
    content: dict[str, Any] = {
        "__quant_format__": QUANT_FORMAT,
        "quantized": {name: item.values for name, item in quantized.items()},
        "scales": {name: item.scales for name, item in quantized.items()},
        "dtypes": {name: item.dtype for name, item in quantized.items()},
        "passthrough": {name: item.values for name, item in floats.items()},
    }
    if rows:
        content["qmeta"] = rows
    if original:
        content["passthrough_orig_dtypes"] = original
    return save_torch(content)


def baseline_row(scheme: Scheme) -> dict[str, Any]:
    """`per_row` for int8 as the official script, `int6_per_row` with its levels for others (PR #372)."""
    if scheme == "int8":
        return {"scheme": "per_row", "axis": 0}
    return {"scheme": f"{scheme}_per_row", "axis": 0, "levels": LEVELS[scheme]}


def read_baseline(raw: bytes) -> dict[str, Stored]:
    """What `write_baseline` wrote; types of tensors are checked by the caller."""
    content = load_torch(raw)
    if content.get("__quant_format__") != QUANT_FORMAT:
        raise ScriptError(f"artifact: not in format {QUANT_FORMAT}")
    scales, dtypes = section(content, "scales"), section(content, "dtypes")
    original, kinds = content.get("passthrough_orig_dtypes", {}), content.get("qmeta", {})
    stored: dict[str, Stored] = {}
    for name, values in section(content, "quantized").items():
        kind = kinds.get(name) if isinstance(kinds, dict) else None
        named = str(kind.get("scheme")).partition("_per_row")[0] if isinstance(kind, dict) else "int8"
        scheme: Scheme = next((known for known in LEVELS if known == named), "int8")
        _put(stored, name, scheme, values, scales.get(name), dtypes.get(name))
    for name, values in section(content, "passthrough").items():
        dtype = original.get(name) if isinstance(original, dict) else None
        _put_floats(stored, name, values, dtype)
    return stored


def write_pair(stored: Mapping[str, Stored]) -> bytes:
    """`w`: tensors, quantised ones as NAME.q and NAME.scale; `m`: what each NAME is."""
    tensors: dict[str, Tensor] = {}
    kinds: dict[str, Any] = {}
    for name, item in stored.items():
        if item.scales is None:
            tensors[name] = item.values
            kinds[name] = "passthrough" if item.scheme == "float16" else "passthrough_ctrl"
        else:
            tensors[f"{name}.q"], tensors[f"{name}.scale"] = item.values, item.scales
            kinds[name] = {"type": item.scheme}
    return save_torch({"w": tensors, "m": kinds})


def read_pair(raw: bytes) -> dict[str, Stored]:
    """What `write_pair` wrote. The format keeps no precisions: weights come back in fp32."""
    content = load_torch(raw)
    tensors, kinds = section(content, "w"), section(content, "m")
    stored: dict[str, Stored] = {}
    for name, kind in kinds.items():
        if isinstance(kind, dict):
            named = kind.get("type")
            scheme: Scheme = next((known for known in LEVELS if known == named), "int8")
            _put(stored, name, scheme, tensors.get(f"{name}.q"), tensors.get(f"{name}.scale"), "float32")
        else:
            _put_floats(stored, name, tensors.get(name), "float32")
    return stored


def _put(stored: dict[str, Stored], name: Any, scheme: Scheme, values: Any, scales: Any, dtype: Any) -> None:
    """Add a quantised weight of a file that nobody vouches for."""
    if not isinstance(name, str) or not isinstance(values, Tensor) or not isinstance(scales, Tensor):
        raise ScriptError(f"artifact: parts that do not fit this format ({name})")
    stored[name] = Stored(scheme, values, scales, str(dtype))


def _put_floats(stored: dict[str, Stored], name: Any, values: Any, dtype: Any) -> None:
    """Add a weight stored as floats; without a note it keeps the precision it is stored in."""
    if not isinstance(name, str) or not isinstance(values, Tensor):
        raise ScriptError(f"artifact: parts that do not fit this format ({name})")
    scheme: Scheme = "float16" if values.dtype == torch.float16 else "float32"
    stored[name] = Stored(scheme, values, None, dtype_name(values.dtype) if dtype is None else str(dtype))
