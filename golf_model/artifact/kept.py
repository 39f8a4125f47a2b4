"""What was packed, kept as raw numbers: float weights after averaging, and what their layers saw on training tokens.

The file is a safetensors file: eight bytes with the length of a JSON header, the header (name -> dtype, shape,
place), then the numbers. Nothing in it is executed when it is read (golf_model/repack.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from golf_model.process.files import write_durably

DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def keep_weights(
    place: Path, weights: Mapping[str, Tensor], hessians: Mapping[str, Tensor], fisher: Mapping[str, Tensor]
) -> None:
    """Write weights, Hessians and squared gradients, each under its group's name, e.g. `weights/tok_emb.weight`."""
    groups = {"weights": weights, "hessians": hessians, "fisher": fisher}
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    parts, at = [], 0
    for group, tensors in groups.items():
        for name, tensor in tensors.items():
            flat = tensor.detach().cpu().contiguous()
            raw = flat.reshape(-1).view(torch.uint8).numpy().tobytes()
            place_of = [at, at + len(raw)]
            header[f"{group}/{name}"] = {
                "dtype": DTYPES[flat.dtype],
                "shape": list(flat.shape),
                "data_offsets": place_of,
            }
            parts.append(raw)
            at += len(raw)
    head = json.dumps(header, separators=(",", ":")).encode()
    write_durably(place, b"".join([len(head).to_bytes(8, "little"), head, *parts]))
