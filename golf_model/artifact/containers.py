"""The ways in which the originals put tensors into torch.save, written and read.

`torch`: the official baseline's dict, in which PR #372 names other schemes than int8 as well. `torch_pair`: a flat
dict of tensors `w` and one of their kinds `m` (PRs #102, #465); `torch_shuffled`: the same with other words for the
kinds, and every second byte of it first (PR #1394). Writing is deterministic. Reading trusts nothing:
the archive may hold only stored (not deflated) entries, its pickle only what plain tensors in dicts need, and
torch.load runs with weights_only; what the tensors must be is stored.py's question.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf_model.artifact.stored import Stored, dtype_name, shown
from golf_model.process.errors import ScriptError
from golf_model.shapes import LEVELS, Scheme

QUANT_FORMAT = "int8_clean_per_row_v1"
GLOBALS = {
    "collections OrderedDict",
    "torch CharStorage",
    "torch FloatStorage",
    "torch HalfStorage",
    "torch._utils _rebuild_tensor_v2",
}
"""Names that dense int8, fp16 and fp32 tensors need. torch's weights_only also admits sparse, meta and other tensors,
attributes on them, and `bytearray` of any length."""
ROUNDED_KIND = "gptq ({})"
"""What PR #1394 calls a matrix of integers, however it was rounded."""
PASSED_KINDS = {"float16": "passthrough (float16)", "float32": "passthrough (float32)"}
"""What it calls floats: each time the same string, which a pickle writes once."""
SHUFFLE_MAGIC = b"BSHF"
SHUFFLE_STRIDE = 2
WHOLE_NUMBERS = {"BININT", "BININT1", "BININT2"}
OPCODES = re.compile(
    "PROTO|MARK|STOP|GLOBAL|REDUCE|BINPERSID|BINUNICODE|NEWFALSE|BININT[12]?|TUPLE[12]?|EMPTY_TUPLE|EMPTY_DICT"
    "|SETITEMS?|(LONG_)?BIN(PUT|GET)"
)
"""What torch.save writes for them."""
MOST_MARKS = 8
"""Tuples inside one another, at most: Python's hash of a deep one overflows the stack."""


def save_torch(content: Mapping[str, Any]) -> bytes:
    """torch.save; it names the archive inside after the file, and in memory that is always the same."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def check_pickle(text: bytes) -> None:
    """ValueError unless a pickle does nothing but what `save_torch` has it do for tensors, strings and dicts."""
    names: set[Any] = set()
    last, marks = "", 0
    for opcode, argument, _ in pickletools.genops(text):
        code = opcode.name
        marks += (code == "MARK") - (code in ("TUPLE", "SETITEMS"))
        if code in ("BINPUT", "LONG_BINPUT"):
            (names.add if last in ("BINUNICODE", "GLOBAL") else names.discard)(argument)
        allowed = OPCODES.fullmatch(code) is not None and marks <= MOST_MARKS
        if code == "GLOBAL":
            allowed = argument in GLOBALS
        elif code in ("TUPLE1", "TUPLE2"):
            allowed = last in WHOLE_NUMBERS
        elif code in ("BINGET", "LONG_BINGET"):
            allowed = argument in names
        if not allowed:
            raise ValueError(f"{code} {argument!r:.60} in its pickle")
        last = code


def clean_archive(raw: bytes) -> bytes:
    """An archive written anew, its pickle checked; ScriptError where entries are deflated.

    Two directories can lie in one file, and torch and zipfile take different ones: torch gets what was looked at.
    """
    clean = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(clean, "w") as copy:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ScriptError("artifact: compressed entries inside the container are refused")
        names = {entry.filename.lower() for entry in entries}
        if sum(entry.file_size for entry in entries) > len(raw) or len(names) < len(entries):
            raise ScriptError("artifact: entries inside the container that overlap")
        for entry in entries:
            data = archive.read(entry)
            if entry.filename.lower().endswith(".pkl"):
                check_pickle(data)
            copy.writestr(entry.filename, data)
    return clean.getvalue()


def load_torch(raw: bytes) -> dict[str, Any]:
    """torch.load of dense tensors, strings and dicts only, in no more memory than a few times the file's length."""
    try:
        content = torch.load(io.BytesIO(clean_archive(raw)), map_location="cpu", weights_only=True)
    except ScriptError:
        raise
    except Exception as error:  # torch's and zipfile's parsers let whatever damaged bytes provoke come through
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ScriptError(f"artifact: not a container of tensors ({reason})") from error
    if not isinstance(content, dict):
        raise ScriptError("artifact: not a container of tensors (no dict)")
    return content


def section(content: Mapping[str, Any], name: str, default: object = None) -> dict[str, Any]:
    """A dict inside a container; ScriptError where there is none."""
    part = content.get(name, default)
    if not isinstance(part, dict):
        raise misfit(name)
    return part


def misfit(name: object) -> ScriptError:
    """The error of a part that is not what `write_baseline` or `write_pair` would have written."""
    return ScriptError(f"artifact: parts that do not fit this format ({shown(name)})")


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
    named = content.get("__quant_format__")
    if not isinstance(named, str) or named != QUANT_FORMAT:
        raise ScriptError(f"artifact: not in format {QUANT_FORMAT}")
    quantized, scales, dtypes = (section(content, part) for part in ("quantized", "scales", "dtypes"))
    original, kinds = (section(content, part, {}) for part in ("passthrough_orig_dtypes", "qmeta"))
    for part in (scales, dtypes):
        for name in part.keys() ^ quantized.keys():
            raise misfit(name)
    known: dict[str, Scheme] = {baseline_row(scheme)["scheme"]: scheme for scheme in LEVELS}
    stored: dict[str, Stored] = {}
    for name, values in quantized.items():
        kind = section(kinds, name, {"scheme": "per_row"})
        _put(stored, name, known.get(_text(kind.get("scheme"), name)), values, scales[name], dtypes[name])
    for name, values in section(content, "passthrough").items():
        _put_floats(stored, name, values, original.get(name))
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


def write_shuffled(stored: Mapping[str, Stored]) -> bytes:
    """As `write_pair`, in the words of PR #1394, its bytes shuffled."""
    tensors: dict[str, Tensor] = {}
    kinds: dict[str, str] = {}
    for name, item in stored.items():
        if item.scales is None:
            tensors[name], kinds[name] = item.values, PASSED_KINDS[item.scheme]
        else:
            tensors[f"{name}.q"], tensors[f"{name}.scale"] = item.values, item.scales
            kinds[name] = ROUNDED_KIND.format(item.scheme)
    return shuffled(save_torch({"w": tensors, "m": kinds}))


def read_shuffled(raw: bytes) -> dict[str, Stored]:
    """What `write_shuffled` wrote."""
    return read_pair(unshuffled(raw))


def shuffled(raw: bytes, stride: int = SHUFFLE_STRIDE) -> bytes:
    """A mark, the stride, all bytes at positions 0 mod stride, then those at 1, and so on; a single byte stays."""
    if len(raw) < 2:
        return raw
    return SHUFFLE_MAGIC + bytes([stride]) + b"".join(raw[first::stride] for first in range(stride))


def unshuffled(blob: bytes) -> bytes:
    """What was shuffled; ScriptError for bytes without the mark."""
    if not blob.startswith(SHUFFLE_MAGIC) or len(blob) < len(SHUFFLE_MAGIC) + 1 or not blob[len(SHUFFLE_MAGIC)]:
        raise misfit("its bytes are not shuffled")
    stride, body = blob[len(SHUFFLE_MAGIC)], blob[len(SHUFFLE_MAGIC) + 1 :]
    raw, at = bytearray(len(body)), 0
    for first in range(min(stride, len(body))):
        count = len(raw[first::stride])
        raw[first::stride] = body[at : at + count]
        at += count
    return bytes(raw)


def read_pair(raw: bytes) -> dict[str, Stored]:
    """What `write_pair` wrote. The format keeps no precisions: weights come back in fp32."""
    content = load_torch(raw)
    tensors, kinds = section(content, "w"), section(content, "m")
    known: dict[str, Scheme] = {str(scheme): scheme for scheme in LEVELS}
    rounded: dict[str, Scheme] = {ROUNDED_KIND.format(scheme): scheme for scheme in LEVELS}
    stored: dict[str, Stored] = {}
    for name, kind in kinds.items():
        at = _text(name, name)
        if isinstance(kind, dict) or (isinstance(kind, str) and kind in rounded):
            scheme = known.get(_text(kind.get("type"), name)) if isinstance(kind, dict) else rounded[kind]
            _put(stored, name, scheme, tensors.pop(f"{at}.q", None), tensors.pop(f"{at}.scale", None), "float32")
        else:
            _put_floats(stored, name, tensors.pop(at, None), "float32")
    for name in tensors:
        raise misfit(name)
    return stored


def _text(value: object, name: object) -> str:
    """A string of a file; ScriptError with the `name` that it belongs to for anything else."""
    if not isinstance(value, str):
        raise misfit(name)
    return value


def _put(stored: dict[str, Stored], name: Any, scheme: Scheme | None, values: Any, scales: Any, dtype: Any) -> None:
    """Add a quantised weight of a file that nobody vouches for."""
    if scheme is None or not isinstance(values, Tensor) or not isinstance(scales, Tensor):
        raise misfit(name)
    stored[_text(name, name)] = Stored(scheme, values, scales, _text(dtype, name))


def _put_floats(stored: dict[str, Stored], name: Any, values: Any, dtype: Any) -> None:
    """Add a weight stored as floats; without a note it keeps the precision it is stored in."""
    if not isinstance(values, Tensor) or name in stored:
        raise misfit(name)
    scheme: Scheme = "float16" if values.dtype == torch.float16 else "float32"
    precision = dtype_name(values.dtype) if dtype is None else _text(dtype, name)
    stored[_text(name, name)] = Stored(scheme, values, None, precision)
