"""wrapper, outside: what hands over code, and code that nobody counts."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from runner.review.answers import Answer, Place
from runner.review.inputs import Context, Reviewed
from runner.review.nodes import nodes_of, walk

ODD = {"computed", "xor", "marshal", "pickle"}
INSTALLED = re.compile(
    r"^(?:torch|numpy|np|sentencepiece|flash_attn\w*|triton|zstandard|zstd|brotli|huggingface_hub|datasets|transformers|fla"
    r"|liger_kernel|tqdm|scipy|wandb|numba|psutil|einops|lzma|tiktoken|tokenizers|regex|requests|safetensors|pandas|sklearn"
    r"|matplotlib|kernels|torchao|apex|xformers|cupy|ninja|pybind11|lz4|blosc2?|constriction|modal|deepspeed|bitsandbytes"
    r"|hf_transfer|yaml|setuptools|pkg_resources|typing_extensions|cffi|causal_conv1d|mamba_ssm|muon|heavyball|schedulefree)$"
)
COUNTS_MORE = re.compile(
    r"code_bytes\s*\+=|code_bytes\s*=\s*sum\(|glob\([^)]*\.py|getsize\([^)]*for\b|for \w+ in [^\n]*\.py\b"
)


def shells(reviewed: Reviewed, context: Context) -> Iterator[tuple[str, Answer]]:
    """(class, answer)."""
    del context
    yield from _wrapper(reviewed)
    text = "\n".join(layer.text for layer in reviewed.layers)
    counted = bool(COUNTS_MORE.search(text))
    for name, layer in reviewed.siblings.items():
        if getattr(layer, "kind", "beside") == "beside" and layer.tree is not None:
            why = f"{layer.name} is imported as {name}, and lies outside the counted file."
            if counted:
                why += " The script counts more files than its own; whether this one is among them was not read."
            yield "outside", Answer("suspicious" if counted else "violates", (Place(layer.name, 1),), why)
    own = set(reviewed.siblings)
    for layer in reviewed.layers:
        for node, name in _imports(layer.tree) if layer.tree is not None else ():
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and not INSTALLED.match(top) and top not in own and name not in own:
                small = layer.tree is not None and len(layer.tree.body) < 30 and "backward" not in text
                why = f"{name} is imported (l. {node.lineno}) and is not beside the script."
                yield "outside", Answer("violates" if small else "suspicious", (Place(layer.name, node.lineno),), why)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    guarded = {
        child for node in nodes_of(tree) if isinstance(node, ast.Try) for top in node.body for child in walk(top)
    }
    for node in nodes_of(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node, node.module


def _wrapper(reviewed: Reviewed) -> Iterator[tuple[str, Answer]]:
    complete = bool(getattr(reviewed, "complete", True))
    texts = getattr(reviewed, "texts", reviewed.layers)
    unread = [one for one in texts if one.tree is None]
    if not complete or unread:
        reason = next((f"{one.name}: {one.reason}" for one in unread), "")
        reason = reason or next(
            (f"l. {one.line}: {one.why}" for one in getattr(reviewed, "unread", ())), "a layer was not read"
        )
        yield "wrapper", Answer("unknown", (Place(texts[0].name, 1),), reason)
        return
    for one in texts:
        odd = ODD & set(getattr(one, "steps", ()))
        elsewhere = getattr(one, "kind", "") == "decoded" and "#decoded" not in one.name
        if odd or elsewhere:
            how = "comes out of arithmetic over bytes" if odd else "is written to a file and run from there"
            why = f"{one.name} {how}: read here, but no standard decoder makes it of the script's literals."
            yield "wrapper", Answer("violates", (Place(one.name, 1),), why)
