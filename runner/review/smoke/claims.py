"""What a folder claims of its model's sizes, against what an import found: layers, dim, vocab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.review.run.run_context import RunContext, plain
from runner.untrusted import is_regular, read_bytes, read_json

NAMES = {
    "layers": ("NUM_LAYERS", "N_LAYERS", "N_LAYER", "num_layers", "n_layer", "layers"),
    "dim": ("MODEL_DIM", "D_MODEL", "N_EMBD", "model_dim", "d_model", "n_embd", "dim"),
    "vocab": ("VOCAB_SIZE", "vocab_size", "vocab"),
}
PROSE = {
    "layers": re.compile(r"(?<![\w.])(\d{1,2})[ -]?(?:layers?\b|L\b)", re.I),
    "dim": re.compile(
        r"(?<![\w.])(\d{3,4})[ -]?(?:dim|d|dimensional|model[_ ]dim)\b|\b(?:model_dim|dim)[ :=]{1,3}(\d{3,4})\b", re.I
    ),
    "vocab": re.compile(
        r"\bsp[-_]?(\d{3,5})\b|(?<![\w.])(\d{1,2},?\d{3})[ -]?(?:token )?vocab"
        r"|\bvocab(?:_size|ulary)?[ :=]{1,3}(\d{1,2},?\d{3})\b",
        re.I,
    ),
}
"""How people write them."""
LEAST = {"layers": 3, "dim": 192, "vocab": 256}
"""Less than this is something else of the model in a README's prose."""
MOST_README = 1 << 20


def claims_of(folder: Path | None, context: RunContext) -> dict[str, tuple[str, str]]:
    """{layers, dim, vocab: (value, who says so)}: by the run's settings, else submission.json, else the README."""
    found: dict[str, tuple[str, str]] = {}
    for key, names in NAMES.items():
        for name in names[:3]:
            said = context.value_of(name)
            if said is not None and said[0].strip().isdigit():
                found.setdefault(key, said)
    if folder is None:
        return found
    for key, value in _submitted(folder).items():
        found.setdefault(key, (value, "submission.json"))
    text = _readme(folder)
    for key, pattern in PROSE.items():
        values = {"".join(match).replace(",", "") for match in _groups(pattern, text)}
        if len(values) == 1 and int(value := values.pop()) >= LEAST[key]:
            found.setdefault(key, (value, "README"))
    return found


def differences(found: Mapping[str, str], claims: Mapping[str, tuple[str, str]], settings: RunContext) -> list[str]:
    """A sentence for each size that the import has otherwise than the folder claims."""
    told = []
    for key, (claimed, source) in claims.items():
        if key in found and plain(found[key]) != plain(claimed):
            variable = next((name for name in NAMES[key] if name in settings.settings), "its variable")
            told.append(f"{key} {found[key]} by default, {source} says {claimed}: the run must have set {variable}")
    return told


def _groups(pattern: re.Pattern[str], text: str) -> list[tuple[str, ...]]:
    return [tuple(group or "" for group in match.groups()) for match in pattern.finditer(text)]


def _submitted(folder: Path) -> dict[str, str]:
    path = folder / "submission.json"
    if not is_regular(path):
        return {}
    try:
        content: Any = read_json(path, 16 << 20)
    except UserError:
        return {}
    found: dict[str, str] = {}
    pending = [content]
    while pending:
        value = pending.pop(0)
        if isinstance(value, dict):
            for name, inner in value.items():
                for key, names in NAMES.items():
                    if name in names and isinstance(inner, int) and not isinstance(inner, bool):
                        found.setdefault(key, str(inner))
                if isinstance(inner, dict) and len(pending) < 100:
                    pending.append(inner)
    return found


def _readme(folder: Path) -> str:
    for path in sorted(folder.iterdir()):
        if path.name.lower().startswith("readme") and is_regular(path):
            try:
                return read_bytes(path, MOST_README).decode("utf-8", "replace")
            except UserError:
                return ""
    return ""
