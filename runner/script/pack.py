"""Pack a script into fewer bytes that still run, trace and inspect like the script itself.

The packed file is readable up to one literal: the source as bzip2 in base85. It executes the source in
its own namespace, under its own `__file__` and `__name__`, with a linecache entry, so that `inspect.getsource`,
Triton, torch.compile and tracebacks see the real lines. `unpack` reads such a file without running it, and one of
before, whose literal is raw LZMA2.
"""

from __future__ import annotations

import base64
import bz2
import hashlib
import lzma
import re
from itertools import takewhile

from runner.errors import UserError

MAX_FLAT_BYTES = 4_000_000
MAX_PACKED_BYTES = 16_000_000
DICTIONARY_BYTES = 1 << 20

_ENCODER = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": DICTIONARY_BYTES}]
_DECODER = [{"id": lzma.FILTER_LZMA2, "dict_size": DICTIONARY_BYTES}]

# The excepthook leaves out the frame of exec(): before Python 3.13 the interpreter's own would look the lines
# up in this file instead of in linecache.
_STUB = """\
import base64
import bz2
import linecache
import sys
import traceback

_packed = "PAYLOAD"
_source = bz2.decompress(base64.b85decode(_packed)).decode()
linecache.cache[__file__] = len(_source), None, [line + "\\n" for line in _source.split("\\n")], __file__
if sys.excepthook is sys.__excepthook__:
    sys.excepthook = lambda kind, error, trace, show=traceback.print_exception: show(
        kind, error, trace and trace.tb_next
    )
exec(compile(_source, __file__, "exec"))
"""
_OLDER_STUB = (
    _STUB.replace("import bz2\nimport linecache\n", "import linecache\nimport lzma\n")
    .replace(
        '_packed = "PAYLOAD"\n',
        f'_packed = "PAYLOAD"\n_filters = [dict(id=lzma.FILTER_LZMA2, dict_size={DICTIONARY_BYTES})]\n',
    )
    .replace(
        "bz2.decompress(base64.b85decode(_packed))",
        "lzma.decompress(base64.b85decode(_packed), lzma.FORMAT_RAW, None, _filters)",
    )
)
"""Of scripts that were made until November 2026: LZMA, which takes a fiftieth more."""
_PAYLOAD = re.compile(r'^_packed = "([0-9A-Za-z!#$%&()*+\-;<=>?@^_`{|}~]*)"$', re.MULTILINE)


def pack(flat: str, *, older: bool = False) -> bytes:
    """The script that is shipped: `flat` packed, or `flat` itself where that is smaller. Deterministic.

    older: as it was packed until November 2026.
    """
    plain = flat.encode("utf-8")
    if len(plain) > MAX_FLAT_BYTES:
        raise UserError(f"the flat script has {len(plain):,} bytes; at most {MAX_FLAT_BYTES:,} can be packed")
    packed = lzma.compress(plain, format=lzma.FORMAT_RAW, filters=_ENCODER) if older else bz2.compress(plain, 9)
    payload = base64.b85encode(packed).decode("ascii")
    wrapped = _wrap(flat, payload, _OLDER_STUB if older else _STUB).encode("utf-8")
    return wrapped if len(wrapped) < len(plain) else plain


def unpack(packed: bytes) -> str:
    """The source in a file made by `pack`, without executing anything and within bounded memory.

    A file without a packed literal is its own source. UserError where the literal is damaged, expands beyond
    MAX_FLAT_BYTES, or stands in any other code than ours.
    """
    if len(packed) > MAX_PACKED_BYTES:
        raise UserError(f"the script has {len(packed):,} bytes; at most {MAX_PACKED_BYTES:,} are read")
    try:
        text = packed.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"the script is not UTF-8 text (byte {error.start})") from None
    literal = _PAYLOAD.search(text)
    if literal is None:
        return text
    older = "import lzma\n" in text[: literal.start()]
    flat = _decompress(literal[1], older=older)
    if _wrap(flat, literal[1], _OLDER_STUB if older else _STUB) != text:
        raise UserError("the packed script holds other code than the packer's around its literal")
    return flat


def _wrap(flat: str, payload: str, stub: str) -> str:
    """The head of the source, the sha256 of it all, and the code that runs the payload."""
    head = takewhile(lambda line: line.startswith("#"), flat.split("\n"))
    digest = hashlib.sha256(flat.encode("utf-8")).hexdigest()
    note = ["# Packed below; sha256 of that source:", f"# {digest}"]
    return "\n".join([*head, *note, stub.replace("PAYLOAD", payload)])


def _decompress(payload: str, *, older: bool) -> str:
    try:
        decoder = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_DECODER) if older else bz2.BZ2Decompressor()
        plain = decoder.decompress(base64.b85decode(payload), max_length=MAX_FLAT_BYTES + 1)
        if len(plain) > MAX_FLAT_BYTES:
            raise UserError(f"the packed script expands beyond {MAX_FLAT_BYTES:,} bytes")
        if not decoder.eof or decoder.unused_data:
            raise UserError("the packed script is truncated or has bytes behind its end")
        return plain.decode("utf-8")
    except (lzma.LZMAError, OSError, ValueError) as error:
        raise UserError(f"the packed script is damaged: {error}") from None
