"""Work on some rows at a time, so that what is made on the way stays in a CPU's caches. The numbers stay the same.

Where a compiler reads along, all rows go at once: it would write out every piece, and fuses what is made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

PIECE_ELEMENTS = 1 << 17
"""Of each array: half a MiB of fp32, a fraction of a core's L2 cache."""


def in_pieces(*arrays: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views (rows, width) of some rows of each array in turn; off the CPU of all rows at once.

    arrays: (..., width), dense where they are written to; the same number of rows each, the first the widest.
    """
    flat = [array.reshape(-1, array.size(-1)) for array in arrays]
    apart = flat[0].is_cpu and not torch.compiler.is_compiling()
    rows = max(1, PIECE_ELEMENTS // flat[0].size(1)) if apart else max(1, flat[0].size(0))
    return zip(*(torch.split(array, rows) for array in flat), strict=True)
