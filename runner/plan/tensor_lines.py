"""A model's tensors as lines for people: equal tensors of neighbouring blocks are one line with a range.

Knows how tensors are named and folded; what is said of them is its callers' business.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Generic, TypeVar

from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import Scheme, parameter_shapes, schemes, stored_bytes

BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as the artifact holds it."""

    shape: tuple[int, ...]
    scheme: Scheme
    size: int
    """Bytes before container and compressor."""

    @property
    def parameters(self) -> int:
        """Elements."""
        return prod(self.shape)

    @property
    def shape_text(self) -> str:
        """`1024 x 512`."""
        return " x ".join(map(str, self.shape)) or "scalar"


@dataclass(frozen=True)
class Line(Generic[T]):
    """Tensors of one name in neighbouring blocks of which the same is to be said."""

    name: str
    """Within the block, or whole outside of the blocks."""
    blocks: tuple[int, ...]
    """() outside of the blocks."""
    said: T

    @property
    def count(self) -> int:
        """How many tensors."""
        return max(1, len(self.blocks))

    @property
    def title(self) -> str:
        """`blocks.0-8.mlp.fc.weight ×9`."""
        if not self.blocks:
            return self.name
        first, last = self.blocks[0], self.blocks[-1]
        return f"blocks.{first}-{last}.{self.name} ×{self.count}" if last > first else f"blocks.{first}.{self.name}"


def tensors_of(config: GolfConfig) -> dict[str, StoredTensor]:
    """Every tensor by name, in the order of the `state_dict`."""
    shapes = parameter_shapes(config.model)
    return {
        name: StoredTensor(shapes[name], scheme, stored_bytes(scheme, shapes[name], config.export))
        for name, scheme in schemes(config.model, config.export).items()
    }


def folded(said: Mapping[str, T]) -> list[Line[T]]:
    """One line for each run of blocks, increasing in `said`, whose tensors of one name are said the same of."""
    runs: dict[tuple[str, T], list[list[int]]] = {}
    for name, what in said.items():
        match = BLOCK.fullmatch(name)
        found = runs.setdefault((match[2] if match else name, what), [])
        if match is None:
            found.append([])
        elif found and found[-1][-1] == int(match[1]) - 1:
            found[-1].append(int(match[1]))
        else:
            found.append([int(match[1])])
    return [Line(name, tuple(run), what) for (name, what), found in runs.items() for run in found]
