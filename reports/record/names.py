"""Names of files and folders made from words that may be hostile: no separator, no `..`, no surprise."""

from __future__ import annotations

import re

from runner.files import sha256_bytes

MOST = 80


def file_name(text: str) -> str:
    """`text` as one harmless path component; a changed one carries eight digits of its hash, to stay distinct."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:MOST].rstrip("-.")
    if name and name == text:
        return name
    digest = sha256_bytes(text.encode("utf-8", "surrogatepass"))[:8]
    return f"{name}-{digest}" if name else digest


def tokenizer_file(named: str) -> str:
    """What a tokenizer is called in a record's folder, where nothing else ends in `.model`."""
    name = file_name(named)
    return name if name.endswith(".model") else f"{name}.model"


def file_word(text: str) -> str:
    """`text` as a part of a name that something else keeps distinct: at most MOST harmless characters, or none."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:MOST].rstrip("-._")
